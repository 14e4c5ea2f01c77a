"""A checked table becomes a delivery day: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Problem
from changbei.delivery import changing, expecting, moving
from changbei.delivery.arrivals import SHIFT_END, at_wall, window_at
from changbei.delivery.exchange.reading import DayFile, StopRow
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Loan, RecoveryCase, Stop, Tour
from changbei.network.models import Line
from changbei.people.models import Person
from changbei.runs.noting import note


@transaction.atomic
def take_over(found: DayFile, on: date, *, replace: bool = False, actor: Person | None) -> DeliveryDay:
    """Plan the day as the table says; what was moved to it joins. With `replace` instead of what was planned, as long
    as nobody has left.

    Raises Invalid with everything wrong in the file; Conflict when the day is planned already, past, or being driven.
    """
    if found.problems:
        raise Invalid(problems=[Problem("file", line) for line in found.said()])
    if on < clock.today():
        raise Conflict(gettext_noop("this day is over"))
    day, made = DeliveryDay.objects.select_for_update().get_or_create(date=on)
    if not made:
        _make_room(day, replace=replace)
    by_van = found.by_van()
    _plan(day, by_van)
    expecting.timetable(Tour.objects.filter(day=day).select_related("site").order_by("pk"))
    moving.bring_over(day)
    imported(day, found.file, len(by_van), len(found.rows), replaced=not made, actor=actor)
    day.refresh_from_db()
    return day


def imported(
    day: DeliveryDay, file: str, tours: int, stops: int, *, replaced: bool, actor: Person | None
) -> None:
    """The day is another one from now on, and the journal says by which file."""
    changing.changed(day)
    note(
        "delivery.day_imported",
        None,
        actor,
        clause="E2.6",
        date=day.date.isoformat(),
        file=file,
        tours=tours,
        stops=stops,
        replaced=replaced,
    )


def _make_room(day: DeliveryDay, *, replace: bool) -> None:
    if not replace:
        raise Conflict(gettext_noop("this day is planned already; say that it is to be replaced"))
    tours = Tour.objects.filter(day=day)
    begun = (
        tours.filter(changing.left()).exists()
        or Stop.objects.filter(day=day).exclude(status=Stop.Status.PLANNED, urgent=False).exists()
        or Stop.objects.filter(moved_into__day=day).exists()
        or any(
            rows.exists()
            for rows in (
                Breakdown.objects.filter(tour__day=day),
                RecoveryCase.objects.filter(day=day),
                Closure.objects.filter(day=day),
                Loan.objects.filter(day=day),
            )
        )
    )
    if begun:
        raise Conflict(
            gettext_noop("this day is being driven, or was changed; it cannot be replaced any more")
        )
    Stop.objects.filter(day=day).delete()
    tours.delete()


def _plan(day: DeliveryDay, by_van: Mapping[int, Sequence[StopRow]]) -> None:
    """The vans' tours with their stops, which have no arrivals yet; as many statements for many vans as for one."""
    driven = Line.objects.filter(vehicle__in=by_van, weekday=day.date.isoweekday()).order_by("-pk")
    lines = {line.vehicle_id: line for line in driven}  # of two of a van the first
    tours = Tour.objects.bulk_create(_tour(day, rows[0], lines.get(van)) for van, rows in by_van.items())
    Stop.objects.bulk_create(
        (stop for tour, rows in zip(tours, by_van.values(), strict=True) for stop in _stops(tour, rows)),
        batch_size=2000,
    )


def _tour(day: DeliveryDay, first: StopRow, line: Line | None) -> Tour:
    return Tour(
        day=day,
        line=line,
        site=first.van.site,
        vehicle=first.van,
        driver=first.driver,
        departs_at=at_wall(day.date, first.departs_at),
        shift_ends_at=at_wall(day.date, SHIFT_END),
    )


def _stops(tour: Tour, rows: Sequence[StopRow]) -> Iterable[Stop]:
    on = tour.day.date
    for number, one in enumerate(rows, start=1):
        yield Stop(
            tour=tour,
            day=tour.day,
            retailer=one.retailer,
            sequence=number,
            cartons=one.cartons,
            order_fen=one.order_fen,
            service_seconds=one.service_seconds,
            window_start=window_at(on, one.window_start),
            window_end=window_at(on, one.window_end),
            planned_at=tour.departs_at,
        )
