"""When a customer is delivered to next. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Min, QuerySet

from changbei.core import clock, workdays
from changbei.delivery.models import DeliveryDay, Stop
from changbei.network.models import Retailer

MOST_HOLIDAY_WEEKS = 5


@dataclass(frozen=True)
class NextDelivery:
    """When a customer is served next. `expected_at` is None as long as the day is not planned, or the stop is held."""

    on: date
    expected_at: datetime | None
    held: bool = False
    moved: bool = False


def next_days(retailers: QuerySet[Retailer]) -> dict[int, date]:
    """The day of each customer's own next delivery, for tens of thousands at once: as `next_delivery` has it."""
    today = clock.today()
    keys = retailers.order_by().values("pk")
    own = Stop.objects.filter(retailer__in=keys).order_by().values_list("retailer_id")
    waiting = own.filter(day__date__gte=today, status__in=Stop.WAITING)
    moved = own.filter(status=Stop.Status.POSTPONED, moved_to__gte=today, moved_into__isnull=True)
    delivered_today = DeliveryDay.objects.filter(date=today).exists()
    found: dict[int, date] = {}
    of_weekday = {weekday: _next_of_line(weekday, today, delivered_today) for weekday in range(1, 8)}
    for pk, weekday in retailers.order_by().filter(active=True).values_list("pk", "line__weekday"):
        found[pk] = of_weekday[weekday]
    planned = dict(waiting.annotate(first=Min("day__date")))
    found |= planned
    for pk, day in moved.annotate(first=Min("moved_to")):
        found[pk] = min(day, planned.get(pk, day))
    return found


def next_delivery(retailer: Retailer) -> NextDelivery | None:
    """The customer's own next delivery: of today and later if planned, moved to, or by the line's weekday.

    None when nobody drives there any more.
    """
    today = clock.today()
    stop = (
        Stop.objects.filter(retailer=retailer, day__date__gte=today, status__in=Stop.WAITING)
        .select_related("day")
        .order_by("day__date")
        .first()
    )
    moved_to = Stop.objects.filter(
        retailer=retailer, status=Stop.Status.POSTPONED, moved_to__gte=today, moved_into__isnull=True
    ).aggregate(first=Min("moved_to"))["first"]
    if moved_to is not None and (stop is None or moved_to < stop.day.date):
        return NextDelivery(moved_to, None, moved=True)
    if stop is not None:
        held = stop.status == Stop.Status.HELD
        return NextDelivery(stop.day.date, None if held else stop.expected_at, held, stop.moved_from.exists())
    if not retailer.active:
        return None
    delivered_today = DeliveryDay.objects.filter(date=today).exists()  # or refused, or moved away
    return NextDelivery(_next_of_line(retailer.line.weekday, today, delivered_today), None)


def _next_of_line(weekday: int, today: date, delivered_today: bool) -> date:
    """The next working day of this weekday, from today on; the next one at all when the holidays never end."""
    ahead = (weekday - today.isoweekday()) % 7
    first = today + timedelta(days=7 if ahead == 0 and delivered_today else ahead)
    weeks = (first + timedelta(weeks=number) for number in range(MOST_HOLIDAY_WEEKS))
    return next((day for day in weeks if workdays.is_workday(day)), first)
