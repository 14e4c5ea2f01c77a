"""Who of a suspended area gets a replenishment when service resumes (E3.2.5)."""

from __future__ import annotations

from datetime import date, timedelta

from changbei.core import clock
from changbei.delivery.models import DeliveryDay, Stop
from changbei.incidents.models import Suspension
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.supply import services as supply
from changbei.supply.services import Replenished

UNDELIVERED = (*Stop.WAITING, Stop.Status.POSTPONED, Stop.Status.ABSENT)


def replenish_key_customers(suspension: Suspension, *, actor: Person | None) -> Replenished:
    """Key customers whose delivery fell into the suspension and did not come get their usual order of general goods.

    Those already served after the suspension, or driven today after all, need none. Once per suspension.
    """
    incident = suspension.incident
    missed = missed_delivery(suspension)
    return supply.replenish(
        missed,
        occasion=f"{incident.number}/{suspension.pk}",
        run=incident.run,
        by=suspension.resumed_by,
        actor=actor,
    )


def missed_delivery(suspension: Suspension) -> list[Retailer]:
    """Key customers of the area who should have been served while it was suspended, and were not."""
    key = Retailer.objects.filter(suspensions__suspension=suspension, is_key=True, active=True)
    key = key.select_related("line__site", "line").order_by("pk")
    days = _days(suspension)
    planned = set(DeliveryDay.objects.filter(date__in=days).values_list("date", flat=True))
    stops: dict[int, list[Stop]] = {}
    for stop in Stop.objects.filter(day__date__in=days, retailer__in=key).select_related("day"):
        stops.setdefault(stop.retailer_id, []).append(stop)
    unplanned = {day.isoweekday() for day in days if day not in planned}
    return [
        retailer
        for retailer in key
        if any(_missed(stop, suspension) for stop in stops.get(retailer.pk, []))
        or (retailer.pk not in stops and retailer.line.weekday in unplanned)
    ]


def _days(suspension: Suspension) -> list[date]:
    """The days that the suspension touched, to its end or to now."""
    first = clock.day_of(suspension.starts_at)
    last = clock.day_of(min(suspension.resumed_at or clock.now(), clock.now()))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _missed(stop: Stop, suspension: Suspension) -> bool:
    """Not delivered, and due while service was suspended."""
    due = stop.expected_at or stop.planned_at
    over = suspension.resumed_at or clock.now()
    return stop.status in UNDELIVERED and suspension.starts_at <= due < over
