"""Which of today's deliveries a suspension holds back, and lets go again."""

from __future__ import annotations

from django.db.models.functions import Coalesce

from changbei.core import clock
from changbei.delivery import planning
from changbei.delivery import services as delivery
from changbei.delivery.models import Stop
from changbei.incidents.models import SuspendedRetailer, Suspension
from changbei.people.models import Person


def hold(suspension: Suspension, *, actor: Person | None) -> int:
    """Hold today's stops of the suspension's customers that would be reached while it lasts; the number held.

    When the suspension says so, they go out with the goods of the first delivery day after its end.
    """
    due = Stop.objects.filter(
        day__date=clock.local_now().date(),
        status=Stop.Status.PLANNED,
        retailer__suspensions__suspension=suspension,
    ).annotate(arrival=Coalesce("expected_at", "planned_at"))
    due = due.filter(arrival__gte=suspension.starts_at, arrival__lt=suspension.ends_at)
    retailers = list(due.values_list("retailer_id", flat=True))
    if not retailers:
        return 0
    run = suspension.incident.run
    held = delivery.hold_stops(retailers, actor=actor, run=run)
    if suspension.goods == Suspension.Goods.MERGE:
        on = planning.first_delivery_day(suspension.ends_at)
        delivery.move_held(retailers, on, actor=actor, run=run)
    return held


def release(suspension: Suspension, *, actor: Person | None) -> int:
    """Drive today's held stops again, but for customers whose service another suspension stops; the number released."""
    others = SuspendedRetailer.objects.filter(
        suspension__resumed_at__isnull=True,
        suspension__starts_at__lte=clock.now(),
        suspension__ends_at__gt=clock.now(),
    ).exclude(suspension=suspension)
    own = suspension.retailers.exclude(retailer__in=others.values("retailer_id"))
    retailers = list(own.values_list("retailer_id", flat=True))
    return delivery.release_stops(retailers, actor=actor, run=suspension.incident.run) if retailers else 0


def hold_today() -> int:
    """A delivery day was planned while service is suspended somewhere: its stops there are held as well."""
    going_on = (
        Suspension.objects.filter(resumed_at__isnull=True).select_related("incident__run").order_by("pk")
    )
    return sum(hold(suspension, actor=None) for suspension in going_on)
