"""A day's tours out of the lines: which van brings what to whom, and when it is expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from django.db import transaction

from changbei.core import clock, workdays
from changbei.delivery import moving
from changbei.delivery.arrivals import DEPARTURE, SHIFT_END, arrivals, at_wall, window_at
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.journal import services as journal
from changbei.network.models import Line, Retailer
from changbei.people.models import Person

AVERAGE_CARTON_FEN = 12_000


def next_delivery_day(after: date) -> date:
    """The next working day on which vans go out: a make-up working day is none as long as no line drives on it."""
    return _next_that_drives(after, timedelta(days=1))


def delivery_day_before(on: date) -> date:
    """The last such day before."""
    return _next_that_drives(on, timedelta(days=-1))


def _next_that_drives(start: date, step: timedelta) -> date:
    weekdays = set(Line.objects.order_by().values_list("weekday", flat=True))
    if not weekdays & {1, 2, 3, 4, 5}:
        weekdays = {1, 2, 3, 4, 5, 6, 7}
    day = start + step
    while not workdays.is_workday(day) or not (
        day.isoweekday() in weekdays or Tour.objects.filter(day__date=day).exists()
    ):
        day += step
    return day


def first_delivery_day(at: datetime) -> date:
    """The first day after today whose vans leave at this moment or later."""
    day = next_delivery_day(clock.today())
    while at_wall(day, DEPARTURE) < at:
        day = next_delivery_day(day)
    return day


@transaction.atomic
def plan_day(on: date, *, actor: Person | None) -> DeliveryDay:
    """Make the day with its tours and stops, once; a day that exists is returned as it is.

    Each line of the weekday becomes a tour in the sequence the driver knows; what was moved to this day joins it.
    Arrivals count driving, waiting for delivery hours and service at the door.
    """
    day, made = DeliveryDay.objects.get_or_create(date=on)
    if not made:
        return day
    lines = Line.objects.filter(weekday=on.isoweekday()).select_related("site").order_by("pk")
    tours = Tour.objects.bulk_create(_tour(day, line) for line in lines)
    retailers = Retailer.objects.filter(active=True, line__in=[tour.line_id for tour in tours])
    by_line = {
        line: list(rows)
        for line, rows in groupby(retailers.order_by("line_id", "line_sequence"), lambda shop: shop.line_id)
    }
    Stop.objects.bulk_create(
        (stop for tour in tours for stop in _stops(day, tour, by_line.get(tour.line_id or 0, []))),
        batch_size=2000,
    )
    moved = moving.bring_over(day)
    journal.append(
        "delivery.day_planned",
        actor=actor,
        data={"date": on.isoformat(), "tours": len(tours), "stops": len(retailers), "moved": moved},
    )
    return day


def _tour(day: DeliveryDay, line: Line) -> Tour:
    return Tour(
        day=day,
        line=line,
        site=line.site,
        vehicle_id=line.vehicle_id,
        driver_id=line.driver_id,
        departs_at=at_wall(day.date, DEPARTURE),
        shift_ends_at=at_wall(day.date, SHIFT_END),
    )


def _stops(day: DeliveryDay, tour: Tour, shops: Sequence[Retailer]) -> Iterable[Stop]:
    expected = arrivals(day.date, tour.site, tour.departs_at, shops)
    for number, (shop, at) in enumerate(zip(shops, expected, strict=True), start=1):
        yield Stop(
            tour=tour,
            day=day,
            retailer=shop,
            sequence=number,
            cartons=shop.usual_cartons,
            order_fen=shop.usual_cartons * AVERAGE_CARTON_FEN,
            service_seconds=shop.service_seconds,
            window_start=window_at(day.date, shop.window_start),
            window_end=window_at(day.date, shop.window_end),
            planned_at=at,
            expected_at=at,
        )
