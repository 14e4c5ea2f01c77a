"""Planned lines beside the lines so far and what was driven last time: figures, vans, customers who change vans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum
from django.utils.translation import gettext, gettext_noop

from changbei.delivery.models import LineQuestion, Stop, Tour

Answer = Mapping[str, Any]
LOOKS_BACK = timedelta(days=35)
"""A line that has not been driven for so long has no last time."""
LESS, MORE = -1, 1


@dataclass(frozen=True)
class Compared:
    """A figure of what was driven last time ("" when unknown), of the lines so far and of those planned, as it is
    shown. `better`: whether the change is for the better; None when neither is."""

    key: str
    name: str
    last: str
    so_far: str
    planned: str
    change: str
    better: bool | None = None


@dataclass(frozen=True)
class Driven:
    """What a line's van did on its last day."""

    on: date
    stops: int
    cartons: int
    work_seconds: int


@dataclass(frozen=True)
class VanLoad:
    """A van's day: seconds of driving, and from leaving to coming back."""

    stops: int
    cartons: int
    driving_seconds: int
    work_seconds: int
    late: int


@dataclass(frozen=True)
class VanRow:
    """One van: so far and planned; how many customers come to it and leave it."""

    tour: Tour
    so_far: VanLoad
    planned: VanLoad
    last: Driven | None
    gets: int
    gives: int


@dataclass(frozen=True)
class Change:
    """A customer whom another van serves; `before` None: nobody so far."""

    stop: Stop
    before: Tour | None
    after: Tour


SHOWN = (
    ("vans", gettext_noop("Vans that drive"), 1.0, "d", LESS),
    ("stops", gettext_noop("Customers"), 1.0, "d", 0),
    ("cartons", gettext_noop("Cartons"), 1.0, "d", 0),
    ("driving_seconds", gettext_noop("Driving of all vans, hours"), 3600.0, ".1f", LESS),
    ("work_seconds", gettext_noop("Work of all vans, hours"), 3600.0, ".1f", LESS),
    ("longest_seconds", gettext_noop("Longest day of a van, hours"), 3600.0, ".1f", LESS),
    ("shortest_seconds", gettext_noop("Shortest day of a van, hours"), 3600.0, ".1f", 0),
    ("most_stops", gettext_noop("Most customers of a van, against the mean"), 1.0, ".2f", LESS),
    ("most_hours", gettext_noop("Longest shift of a van, against the mean"), 1.0, ".2f", LESS),
    ("most_cartons", gettext_noop("Most cartons of a van, against the mean"), 1.0, ".2f", LESS),
    ("between_seconds", gettext_noop("From one customer to the next, minutes"), 60.0, ".1f", LESS),
    ("familiar", gettext_noop("Customers whose usual van comes, %"), 1.0, ".1f", MORE),
    ("late", gettext_noop("Visits after hours, or vans back late"), 1.0, "d", LESS),
)


def compared(answer: Answer, last: Mapping[int, Driven] | None = None) -> list[Compared]:
    """The figures of both, and the differences."""
    before, after = _totals(answer, 0), _totals(answer, 1)
    driven = _of_last(last or {})
    rows = []
    for key, name, unit, digits, wanted in SHOWN:
        last_time, so_far, planned = (_number(of.get(key), unit, digits) for of in (driven, before, after))
        change = _scaled(after[key], unit, digits) - _scaled(before[key], unit, digits)
        words = f"{change:+{digits}}"
        better = None if not wanted or not float(words) else (change < 0) == (wanted == LESS)
        rows.append(
            Compared(key, gettext(name), last_time, so_far, planned, words if float(words) else "=", better)
        )
    return rows


def _totals(answer: Answer, which: int) -> dict[str, float]:
    figures = dict(answer["planned" if which else "so_far"])
    loads = [load for load in loads_of(answer, which) if load.stops]
    works = [load.work_seconds for load in loads] or [0]
    known = max(figures["stops"], 1)
    return figures | {
        "cartons": sum(load.cartons for load in loads),
        "work_seconds": sum(works),
        "longest_seconds": max(works),
        "shortest_seconds": min(works),
        "familiar": 100 * (1 - figures["strangers"] / known),
    }


def _of_last(last: Mapping[int, Driven]) -> dict[str, float]:
    """Of what was driven only what was recorded: nobody wrote down how long a van drove."""
    if not last:
        return {}
    works = [one.work_seconds for one in last.values()]
    return {
        "vans": len(last),
        "stops": sum(one.stops for one in last.values()),
        "cartons": sum(one.cartons for one in last.values()),
        "work_seconds": sum(works),
        "longest_seconds": max(works),
        "shortest_seconds": min(works),
    }


def _number(value: float | None, unit: float, digits: str) -> str:
    return "" if value is None else f"{_scaled(value, unit, digits):{digits}}"


def _scaled(value: float, unit: float, digits: str) -> float:
    return int(value) if digits == "d" else value / unit


def loads_of(answer: Answer, which: int) -> list[VanLoad]:
    """Per van, in the order of `answer["tours"]`; `which`: 0 so far, 1 planned."""
    return [VanLoad(*row) for row in answer["vans"][which]]


def van_rows(question: LineQuestion, last: Mapping[int, Driven]) -> list[VanRow]:
    """All vans of an answered question, by their numbers."""
    answer = question.answer or {"tours": []}
    if not answer["tours"]:
        return []
    tours = _tours(answer)
    pairs = zip(loads_of(answer, 0), loads_of(answer, 1), strict=True)
    lists = zip(answer["lines_so_far"], answer["lines"], strict=True)
    rows = []
    for pk, (so_far, planned), (before, after) in zip(answer["tours"], pairs, lists, strict=True):
        tour = tours[pk]
        gets, gives = len(set(after) - set(before)), len(set(before) - set(after))
        rows.append(VanRow(tour, so_far, planned, last.get(tour.line_id or 0), gets, gives))
    return sorted(rows, key=lambda row: (len(row.tour.vehicle.number), row.tour.vehicle.number))


def last_driven(tours: Sequence[Tour], before: date) -> dict[int, Driven]:
    """Line → what its van did on the last day it was driven."""
    lines = [tour.line_id for tour in tours if tour.line_id is not None]
    done = Stop.objects.filter(tour__line__in=lines, done_at__isnull=False)
    days = done.filter(day__date__lt=before, day__date__gte=before - LOOKS_BACK)
    rows = (
        days.order_by()
        .values_list("tour__line_id", "day__date")
        .annotate(n=Count("pk"), goods=Sum("cartons"), left=Min("tour__departs_at"), end=Max("done_at"))
    )
    found: dict[int, Driven] = {}
    for line, on, stops, cartons, left, end in rows.order_by("day__date"):
        found[line] = Driven(on, stops, cartons, max(round((end - left).total_seconds()), 0))
    return found


def changes(question: LineQuestion) -> list[Change]:
    """The customers who change vans: who needs care first, then key customers, then by van."""
    answer = question.answer or {"tours": [], "lines": [], "lines_so_far": []}
    before = _van_of(answer, "lines_so_far")
    moved = {pk: tour for pk, tour in _van_of(answer, "lines").items() if before.get(pk) != tour}
    tours = _tours(answer)
    stops = Stop.objects.filter(pk__in=moved).select_related("retailer").order_by("pk")
    found = [Change(stop, tours.get(before.get(stop.pk, 0)), tours[moved[stop.pk]]) for stop in stops]
    return sorted(found, key=_weighed)


@dataclass(frozen=True)
class Left:
    """A customer who is on none of the planned lines. `largest`: what the largest van takes, when that is less."""

    stop: Stop
    largest: int | None


def left_out(question: LineQuestion) -> list[Left]:
    """Who fits into no van: who needs care first, then key customers."""
    answer = question.answer or {"tours": [], "lines": [], "lines_so_far": []}
    missing = lost(answer) | (set(answer.get("nobody_so_far", [])) - _van_of(answer, "lines").keys())
    largest = max((tour.vehicle.capacity_cartons for tour in _tours(answer).values()), default=0)
    stops = Stop.objects.filter(pk__in=missing).select_related("retailer", "tour__vehicle")
    weighed = sorted(stops, key=lambda one: (not one.retailer.is_vulnerable, not one.retailer.is_key, one.pk))
    return [Left(stop, largest if stop.cartons > largest else None) for stop in weighed]


def lost(answer: Answer) -> set[int]:
    """The stops that a van has so far, and none of the planned lines."""
    return _van_of(answer, "lines_so_far").keys() - _van_of(answer, "lines").keys()


def _weighed(one: Change) -> tuple[bool, bool, int, str, int]:
    shop, number = one.stop.retailer, one.before.vehicle.number if one.before else ""
    return not shop.is_vulnerable, not shop.is_key, len(number), number, one.stop.pk


def _van_of(answer: Answer, lines: str) -> dict[int, int]:
    return {pk: tour for tour, line in zip(answer["tours"], answer[lines], strict=True) for pk in line}


def _tours(answer: Answer) -> dict[int, Tour]:
    return Tour.objects.select_related("vehicle", "driver", "line", "site").in_bulk(answer["tours"])
