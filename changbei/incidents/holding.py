"""Which of today's deliveries a suspension holds back, and lets go again."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from changbei.core import clock
from changbei.delivery import planning
from changbei.delivery import services as delivery
from changbei.delivery.models import Stop
from changbei.incidents.models import LineMeasure, SuspendedRetailer, Suspension
from changbei.people.models import Person
from changbei.runs import drills


def hold(suspension: Suspension, *, actor: Person | None) -> int:
    """Hold today's stops of the suspension's customers that would be reached while it lasts; the number held.

    When the suspension says so, they go out with the goods of the first delivery day after its end. What is only
    practised is counted.
    """
    due = _stops_of(suspension, Stop.Status.PLANNED)
    due = due.filter(arrival__gte=suspension.starts_at, arrival__lt=suspension.ends_at)
    stops = list(due.values_list("pk", flat=True))
    if not stops:
        return 0
    run = suspension.incident.run
    with drills.practice(suspension.incident.drill):
        held = delivery.hold_stops(stops, actor=actor, run=run)
        if suspension.goods == Suspension.Goods.MERGE:
            on = planning.first_delivery_day(suspension.ends_at)
            delivery.move_held(stops, on, actor=actor, run=run)
    return held


def release(suspension: Suspension, *, actor: Person | None) -> int:
    """Drive today's held stops of its customers again, but for those that something else holds; the number released.

    Held they stay while another suspension stops service at their own time, and on a line that is on hold.
    """
    own = _stops_of(suspension, Stop.Status.HELD)
    own = own.exclude(Exists(_others_at_that_time(suspension))).exclude(Exists(_line_on_hold()))
    stops = list(own.values_list("pk", flat=True))
    if not stops:
        return 0
    with drills.practice(suspension.incident.drill):
        return delivery.release_stops(stops, actor=actor, run=suspension.incident.run)


def hold_today() -> int:
    """A delivery day was planned while service is suspended somewhere: its stops there are held as well."""
    going_on = _lasting().select_related("incident__run").order_by("pk")
    return sum(hold(suspension, actor=None) for suspension in going_on)


def _stops_of(suspension: Suspension, status: str) -> QuerySet[Any]:
    """Today's stops of the suspension's customers, with the `arrival` of each."""
    return Stop.objects.filter(
        day__date=clock.today(), status=status, retailer__suspensions__suspension=suspension
    ).annotate(arrival=Coalesce("expected_at", "planned_at"))


def _lasting() -> QuerySet[Suspension]:
    """The suspensions that hold deliveries back; those that are only practised do not."""
    lasting = Suspension.objects.filter(resumed_at__isnull=True)
    return lasting.exclude(incident__drill=True) if drills.only_practised(drill=True) else lasting


def _others_at_that_time(suspension: Suspension) -> QuerySet[SuspendedRetailer]:
    """Of one stop: its customer in other suspensions that last at its arrival."""
    return SuspendedRetailer.objects.filter(
        retailer=OuterRef("retailer"),
        suspension__in=_lasting().exclude(pk=suspension.pk),
        suspension__starts_at__lte=OuterRef("arrival"),
        suspension__ends_at__gt=OuterRef("arrival"),
    )


def _line_on_hold() -> QuerySet[LineMeasure]:
    """Of one stop: the decision that its line waits."""
    return LineMeasure.objects.filter(
        tour=OuterRef("tour__uuid"), measure=LineMeasure.Measure.HOLD, ended_at__isnull=True
    )
