"""A day's tours out of the lines: which van brings what to whom, and when it is expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from django.db import transaction

from changbei.compute import geo
from changbei.core import workdays
from changbei.core.clock import LOCAL
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.journal import services as journal
from changbei.network.models import Line, Retailer, Site
from changbei.people.models import Person

DEPARTURE = time(8, 0)
SHIFT_END = time(17, 30)
AVERAGE_CARTON_FEN = 12_000


def next_delivery_day(after: date) -> date:
    """The next working day on which vans go out."""
    return workdays.next_workday(after)


@transaction.atomic
def plan_day(on: date, *, actor: Person | None) -> DeliveryDay:
    """Make the day with its tours and stops, once; a day that exists is returned as it is.

    Each line of the weekday becomes a tour in the sequence the driver knows. Arrivals count driving, waiting for
    delivery hours and service at the door.
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
    journal.append(
        "delivery.day_planned",
        actor=actor,
        data={"date": on.isoformat(), "tours": len(tours), "stops": len(retailers)},
    )
    return day


def _tour(day: DeliveryDay, line: Line) -> Tour:
    return Tour(
        day=day,
        line=line,
        site=line.site,
        vehicle_id=line.vehicle_id,
        driver_id=line.driver_id,
        departs_at=_at(day.date, DEPARTURE),
        shift_ends_at=_at(day.date, SHIFT_END),
    )


def _stops(day: DeliveryDay, tour: Tour, shops: Sequence[Retailer]) -> Iterable[Stop]:
    arrivals = _arrivals(day.date, tour.site, tour.departs_at, shops)
    for number, (shop, at) in enumerate(zip(shops, arrivals, strict=True), start=1):
        yield Stop(
            tour=tour,
            day=day,
            retailer=shop,
            sequence=number,
            cartons=shop.usual_cartons,
            order_fen=shop.usual_cartons * AVERAGE_CARTON_FEN,
            service_seconds=shop.service_seconds,
            window_start=_at(day.date, shop.window_start) if shop.window_start else None,
            window_end=_at(day.date, shop.window_end) if shop.window_end else None,
            planned_at=at,
            expected_at=at,
        )


def _arrivals(on: date, site: Site, departs_at: datetime, shops: Sequence[Retailer]) -> list[datetime]:
    if not shops:
        return []
    longitudes = [site.longitude, *(shop.longitude for shop in shops)]
    latitudes = [site.latitude, *(shop.latitude for shop in shops)]
    legs = geo.travel_seconds(longitudes, latitudes).diagonal(1)  # from each to the next
    moment, arrivals = departs_at, []
    for shop, leg in zip(shops, legs, strict=True):
        moment += timedelta(seconds=int(leg))
        if shop.window_start:
            moment = max(moment, _at(on, shop.window_start))
        arrivals.append(moment)
        moment += timedelta(seconds=shop.service_seconds)
    return arrivals


def _at(on: date, wall: time) -> datetime:
    return datetime.combine(on, wall, LOCAL)
