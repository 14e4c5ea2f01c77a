"""A delivery day on the map, as GeoJSON: tours, stops, where the vans are, before and after of a recovery.

Positions are WGS 84 degrees. Tours are drawn straight from stop to stop. Read-only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from changbei.core import clock
from changbei.core.texts import pick
from changbei.delivery import rules, selectors
from changbei.delivery.models import (
    Breakdown,
    DeliveryDay,
    LineQuestion,
    RecoveryCase,
    RecoveryOption,
    Stop,
    Tour,
)
from changbei.network.features import collection, feature
from changbei.network.models import Site, Vehicle

Json = dict[str, Any]
Position = list[float]
DEGREES_KEPT = 5  # about a metre

SERVED = frozenset({Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT})


@dataclass(frozen=True)
class Call:
    """A stop as the map needs it."""

    pk: int
    tour: int | None
    sequence: int
    longitude: float
    latitude: float
    status: str
    planned_at: datetime
    expected_at: datetime | None
    done_at: datetime | None
    line: int
    name: str
    licence: str

    @property
    def position(self) -> Position:
        return _at(self.longitude, self.latitude)

    @property
    def is_open(self) -> bool:
        return self.status == Stop.Status.PLANNED


_FIELDS = (
    "pk",
    "tour_id",
    "sequence",
    "retailer__longitude",
    "retailer__latitude",
    "status",
    "planned_at",
    "expected_at",
    "done_at",
    "retailer__line_id",
    "retailer__name",
    "retailer__licence_no",
)


class DayMap:
    """The layers of one day, from four queries; `language` of the names, `address` of a tour's page."""

    def __init__(self, day: DeliveryDay, language: str, address: Callable[[UUID], str]) -> None:
        self.day, self.language, self.now, self.address = day, language, clock.now(), address
        self.tours = list(
            Tour.objects.filter(day=day)
            .select_related("vehicle", "driver", "site", "line", "position")
            .prefetch_related("breakdowns")
            .order_by("pk")
        )
        rows = Stop.objects.filter(day=day).order_by("tour_id", "sequence", "pk").values_list(*_FIELDS)
        self.calls = [Call(*row) for row in rows]
        self.by_tour: dict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.tour is not None:
                self.by_tour[call.tour].append(call)

    def lines(self) -> Json:
        """What each tour still drives in the colour of the van, what it has driven in grey."""
        found: list[Json] = []
        for number, tour in enumerate(self.tours):
            calls = self.by_tour.get(tour.pk, [])
            driven = [call.position for call in calls if call.status in SERVED]
            ahead = [call.position for call in calls if call.is_open]
            home = _at(tour.site.longitude, tour.site.latitude)
            about = {"name": tour.vehicle.number, "title": _van(tour.vehicle)}
            if driven:
                found.append(_line([home, *driven], about, tour.pk * 2))
            if ahead and tour.status != Tour.Status.BROKEN_DOWN:
                begin = driven[-1] if driven else home
                found.append(_line([begin, *ahead, home], {**about, "index": number}, tour.pk * 2 + 1))
        return collection(found)

    def stops(self) -> Json:
        """Every customer of the day for the layer of retailers: `served waiting affected unserved cancelled`."""
        broken = {tour.pk for tour in self.tours if tour.status == Tour.Status.BROKEN_DOWN}
        return collection(
            _point(
                call.position,
                {"name": call.name, "detail": call.licence, "state": _state(call, broken)},
                call.pk,
            )
            for call in self.calls
        )

    def vans(self) -> Json:
        """Where each van of a tour is, estimated from its stops; reserve vans at their site."""
        found = [self._van(tour) for tour in self.tours]
        busy = [tour.vehicle_id for tour in self.tours]
        pool = Vehicle.objects.filter(is_reserve=True).exclude(pk__in=busy).select_related("site")
        for van in pool.order_by("pk"):
            state = "reserve" if van.state == Vehicle.State.FIT else "broken"
            where = _at(van.site.longitude, van.site.latitude)
            about = {
                "state": state,
                "name": van.number,
                "title": _van(van),
                "facts": [[_("Plate"), van.plate]],
            }
            found.append(_point(where, about, van.pk))
        return collection(found)

    def _van(self, tour: Tour) -> Json:
        position, state = self.whereabouts(tour)
        facts = [[_("Plate"), tour.vehicle.plate]]
        if tour.driver:
            facts.append([_("Driver"), f"{tour.driver.name} {tour.driver.phone}"])
        if tour.line:
            facts.append([_("Line"), pick(tour.line.name, self.language)])
        facts.append([_("Position"), self.known_from(tour)])
        about = {
            "state": state,
            "name": tour.vehicle.number,
            "title": _van(tour.vehicle),
            "facts": facts,
            "url": self.address(tour.uuid),
        }
        return _point(position, about, tour.vehicle_id)

    def known_from(self, tour: Tour) -> str:
        """How we know where the van is, and how long ago it said so."""
        said = getattr(tour, "position", None)
        if tour.status == Tour.Status.BROKEN_DOWN:
            return _("as reported")
        if said is None:
            return _("estimated from its list")
        minutes = int((self.now - said.at).total_seconds() // 60)
        if self.now - said.at <= rules.STALE_POSITION:
            return _("from the phone, %(minutes)d min ago") % {"minutes": minutes}
        return _("estimated; the phone has been silent for %(minutes)d min") % {"minutes": minutes}

    def whereabouts(self, tour: Tour) -> tuple[Position, str]:
        """Position and state (`driving broken idle taking-over`) of a tour's van, now."""
        if tour.status == Tour.Status.BROKEN_DOWN:
            standing = [one for one in tour.breakdowns.all() if one.resumed_at is None]
            if standing:
                newest = max(standing, key=lambda one: (one.at, one.pk))
                return _at(newest.longitude, newest.latitude), "broken"
        calls = self.by_tour.get(tour.pk, [])
        legs = [
            rules.Leg(call.longitude, call.latitude, call.expected_at or call.planned_at, call.done_at)
            for call in calls
            if call.is_open or call.status in SERVED
        ]
        home = (tour.site.longitude, tour.site.latitude)
        longitude, latitude = rules.estimated_position(home, tour.departs_at, legs, self.now)
        said = getattr(tour, "position", None)
        if said is not None and self.now - said.at <= rules.STALE_POSITION:
            longitude, latitude = said.longitude, said.latitude
        if tour.line_id is None:
            return _at(longitude, latitude), "taking-over"
        waits = tour.departs_at > self.now and not any(leg.done_at for leg in legs)
        return _at(longitude, latitude), "idle" if waits or not legs else "driving"


def tour_stops(tour: Tour, stops: Sequence[Stop]) -> dict[str, Json]:
    """Layers of one driver's list: what is driven, what is ahead with its numbers, and the line between."""
    home = _at(tour.site.longitude, tour.site.latitude)
    ahead = [stop for stop in stops if stop.status == Stop.Status.PLANNED]
    points = [
        _point(
            _at(stop.retailer.longitude, stop.retailer.latitude),
            {
                "name": stop.retailer.name,
                "detail": stop.retailer.address,
                "state": "moved" if stop.status == Stop.Status.PLANNED else "driven",
                "index": 0,
                "sequence": number if stop.status == Stop.Status.PLANNED else "",
            },
            stop.pk,
        )
        for number, stop in _numbered(stops)
    ]
    done = [stop for stop in stops if stop.status in SERVED]
    begin = _at(done[-1].retailer.longitude, done[-1].retailer.latitude) if done else home
    path = [begin, *(_at(stop.retailer.longitude, stop.retailer.latitude) for stop in ahead), home]
    line = [_line(path, {"index": 0, "name": tour.vehicle.number}, tour.pk)] if ahead else []
    return {"lines": collection(line), "stops": collection(points)}


def _numbered(stops: Sequence[Stop]) -> Iterable[tuple[int, Stop]]:
    """Stops ahead count from one; those that are done have no number."""
    number = 0
    for stop in stops:
        number += stop.status == Stop.Status.PLANNED
        yield number, stop


class RecoveryMap:
    """Before and after of a recovery's options, from four queries."""

    def __init__(self, case: RecoveryCase, options: Sequence[RecoveryOption]) -> None:
        self.case, self.options = case, list(options)
        self.tours = {
            tour.vehicle_id: tour
            for tour in Tour.objects.filter(day=case.day_id).select_related("vehicle", "site").order_by("pk")
        }
        rows = Stop.objects.filter(day=case.day_id).order_by("sequence", "pk").values_list(*_FIELDS)
        self.calls = {call.pk: call for call in (Call(*row) for row in rows)}
        self.vans = {
            van.pk: van
            for van in Vehicle.objects.filter(
                pk__in={row["vehicle"] for option in options for row in option.plan["tours"]}
            ).select_related("site")
        }
        self.sites = {site.pk: site for site in Site.objects.all()}
        self.breakdowns = {
            one.pk: one
            for one in Breakdown.objects.filter(tour__day=case.day_id)
            .select_related("tour__site")
            .order_by("pk")
        }

    def layers(self, option: RecoveryOption) -> dict[str, Json]:
        """`before` (dashed), `after` (a colour a van), `stops` (kept, moved, unserved) and the broken `vans`."""
        before: list[Json] = []
        after: list[Json] = []
        stops: list[Json] = []
        moved = set(option.plan["moved"])
        stranded = stranded_of(option.plan)
        # Goods of an earlier breakdown may be waiting as well: each broken van has its own line of before.
        for number, (breakdown, pks) in enumerate(sorted(self._waiting(option, stranded).items())):
            path = [self._source(breakdown), *(self.calls[pk].position for pk in pks)]
            before.append(_line([*path, self._home(breakdown)], {"name": self._broken(breakdown)}, number))
        for index, row in enumerate(option.plan["tours"]):
            van = self.vans[row["vehicle"]]
            home = _at(van.site.longitude, van.site.latitude)
            begin = self._begin(row, home)
            wanted = [step["stop"] for step in row["steps"] if "stop" in step]
            own = sorted((pk for pk in wanted if pk not in moved), key=lambda pk: self.calls[pk].planned_at)
            if own:
                path = [begin, *(self.calls[pk].position for pk in own), home]
                before.append(_line(path, {"name": van.number}, 1000 + index))
            path = [self._at_step(step) for step in row["steps"]]
            about = {"index": index, "name": _van(van), "title": _van(van)}
            after.append(_line([begin, *path, home], about, 2000 + index))
            for sequence, pk in enumerate(wanted, start=1):
                state = (
                    {"state": "moved", "index": index, "sequence": sequence}
                    if pk in moved
                    else {"state": "kept"}
                )
                stops.append(self._stop(pk, {**state, "detail": _van(van)}))
        stops += [self._stop(pk, {"state": "unserved"}) for pk in option.plan["unserved"]]
        return {
            "before": collection(before),
            "after": collection(after),
            "stops": collection(stops),
            "vans": collection(self._broken_vans()),
        }

    def bounds(self) -> list[float]:
        """West, south, east, north of the customers that any option moves or leaves out, with a margin."""
        pks = {pk for option in self.options for pk in (*option.plan["moved"], *option.plan["unserved"])}
        spots = [(self.calls[pk].longitude, self.calls[pk].latitude) for pk in pks if pk in self.calls]
        if (here := self.case.breakdown) is not None:
            spots.append((here.longitude, here.latitude))
        spots = spots or [(call.longitude, call.latitude) for call in self.calls.values()]
        return _around(spots or [(one.site.longitude, one.site.latitude) for one in self.tours.values()])

    def _waiting(self, option: RecoveryOption, stranded: Sequence[int]) -> dict[int, list[int]]:
        """Breakdown → stranded stops in the order of the morning."""
        source: dict[int, list[int]] = defaultdict(list)
        known = set()
        for row in option.plan["tours"]:
            for step in row["steps"]:
                if "handover" in step:
                    source[step["handover"]] += step["stops"]
                    known |= set(step["stops"])
        if self.case.breakdown_id is not None:
            source[self.case.breakdown_id] += [pk for pk in stranded if pk not in known]
        for pks in source.values():
            pks.sort(key=lambda pk: self.calls[pk].planned_at)
        return {breakdown: pks for breakdown, pks in source.items() if pks}

    def _begin(self, row: Mapping[str, Any], home: Position) -> Position:
        """Where the van was when its list changed: at its last stop that the option leaves alone, else at its site."""
        tour = self.tours.get(row["vehicle"]) if row["tour"] is not None else None
        if tour is None:
            return home
        wanted = {step.get("stop") for step in row["steps"]}
        left = [call for call in self.calls.values() if call.tour == tour.pk and call.pk not in wanted]
        done = [call for call in left if call.status in SERVED or call.is_open]
        return max(done, key=lambda call: call.sequence).position if done else home

    def _at_step(self, step: Mapping[str, Any]) -> Position:
        if "handover" in step:
            return self._source(step["handover"])
        if "fetch" in step:
            site = self.sites[step["fetch"]]
            return _at(site.longitude, site.latitude)
        return self.calls[step["stop"]].position

    def _source(self, breakdown: int) -> Position:
        """Where the goods wait."""
        one = self.breakdowns[breakdown]
        spot: Breakdown | Site = one if one.goods_aboard else one.tour.site
        return _at(spot.longitude, spot.latitude)

    def _home(self, breakdown: int) -> Position:
        site = self.breakdowns[breakdown].tour.site
        return _at(site.longitude, site.latitude)

    def _broken(self, breakdown: int) -> str:
        tour = self.breakdowns[breakdown].tour
        return next((one.vehicle.number for one in self.tours.values() if one.pk == tour.pk), "")

    def _broken_vans(self) -> Iterable[Json]:
        by_tour = {tour.pk: tour for tour in self.tours.values()}
        for one in self.breakdowns.values():
            van = by_tour[one.tour_id].vehicle
            about = {"state": "broken", "name": van.number, "title": _van(van), "detail": one.place}
            yield _point(_at(one.longitude, one.latitude), about, van.pk)

    def _stop(self, pk: int, about: Mapping[str, Any]) -> Json:
        call = self.calls[pk]
        return _point(call.position, {"name": call.name, **about}, pk)


class LinesMap:
    """Planned lines over the lines so far, from two queries: all of a site's, or one van's in full."""

    def __init__(self, question: LineQuestion) -> None:
        self.answer: Json = question.answer or {"tours": [], "lines": [], "lines_so_far": []}
        self.tours = Tour.objects.select_related("vehicle", "site").in_bulk(self.answer["tours"])
        wanted = [pk for line in self.answer["lines"] for pk in line]
        rows = Stop.objects.filter(pk__in=wanted).order_by("pk").values_list(*_FIELDS)
        self.calls = {call.pk: call for call in (Call(*row) for row in rows)}
        self.before = {pk: n for n, line in enumerate(self.answer["lines_so_far"]) for pk in line}

    def layers(self, van: str = "") -> dict[str, Json]:
        """Without a van: every planned line, the lines of before to be switched on, and who changes vans marked. Of a
        van: its line of before (dashed) and after, its customers in sequence, and those it gives away."""
        chosen = [
            n for n, pk in enumerate(self.answer["tours"]) if van in ("", self.tours[pk].vehicle.number)
        ]
        found = {
            "before": [self._line("lines_so_far", n) for n in chosen],
            "after": [self._line("lines", n) for n in chosen],
        }
        lists = [(n, self.answer["lines"][n]) for n in chosen]
        if van:
            given = [pk for n in chosen for pk in self.answer["lines_so_far"][n]]
            kept = {pk for _n, line in lists for pk in line}
            found["retailers"] = [self._dot(pk, "affected") for pk in given if pk not in kept]
            found["stops"] = [
                self._sign(pk, n, sequence) for n, line in lists for sequence, pk in enumerate(line, start=1)
            ]
        else:
            found["retailers"] = [
                self._dot(pk, "waiting" if self.before.get(pk) == n else "affected")
                for n, line in lists
                for pk in line
            ]
        return {name: collection(one for one in rows if one) for name, rows in found.items()}

    def bounds(self) -> list[float] | None:
        """West, south, east, north of the lines; None when there is nobody."""
        spots = [(call.longitude, call.latitude) for call in self.calls.values()]
        return _around(spots) if spots else None

    def _line(self, which: str, number: int) -> Json | None:
        tour, line = self.tours[self.answer["tours"][number]], self.answer[which][number]
        if not line:
            return None
        home = _at(tour.site.longitude, tour.site.latitude)
        about = {"index": number, "name": tour.vehicle.number, "title": _van(tour.vehicle)}
        ends = 2 * number + (which == "lines")
        return _line([home, *(self.calls[pk].position for pk in line), home], about, ends)

    def _dot(self, pk: int, state: str) -> Json:
        call = self.calls[pk]
        return _point(call.position, {"name": call.name, "detail": call.licence, "state": state}, pk)

    def _sign(self, pk: int, number: int, sequence: int) -> Json:
        state = "kept" if self.before.get(pk) == number else "moved"
        call = self.calls[pk]
        about = {
            "name": call.name,
            "detail": call.licence,
            "state": state,
            "index": number,
            "sequence": sequence,
        }
        return _point(call.position, about, pk)


def _around(spots: Sequence[tuple[float, float]]) -> list[float]:
    """West, south, east, north, with a margin."""
    margin = 0.01
    longitudes, latitudes = [x for x, _y in spots], [y for _x, y in spots]
    return [
        min(longitudes) - margin,
        min(latitudes) - margin,
        max(longitudes) + margin,
        max(latitudes) + margin,
    ]


def closed(day: DeliveryDay) -> Json:
    """The roads and areas that are closed now or will be later on this day; drawn like suspended areas."""
    shapes = [
        feature(
            one.area,
            {"name": one.reason, "detail": f"{_moment(one.since, day)}–{_moment(one.until, day)}"},
            one.pk,
        )
        for one in selectors.closures(day)
    ]
    return collection(shapes)


def _moment(moment: datetime | None, day: DeliveryDay) -> str:
    """`14:05`; `11-24 14:05` on another day."""
    if moment is None or clock.day_of(moment) == day.date:
        return clock.wall(moment)
    return f"{moment.astimezone(clock.LOCAL):%m-%d %H:%M}"


def stranded_of(plan: Mapping[str, Any]) -> list[int]:
    """The stops whose goods waited at a broken van when the option was computed."""
    fetched = [
        pk for row in plan["tours"] for step in row["steps"] if "handover" in step for pk in step["stops"]
    ]
    return [*fetched, *(pk for pk in plan["unserved"] if pk not in fetched)]


def _state(call: Call, broken: set[int]) -> str:
    if call.status in SERVED:
        return "served"
    if call.status == Stop.Status.CANCELLED:
        return "cancelled"
    if call.status == Stop.Status.POSTPONED:
        return "unserved"
    if call.status == Stop.Status.HELD:
        return "affected"
    return "unserved" if call.tour is None or call.tour in broken else "waiting"


def _van(vehicle: Vehicle) -> str:
    return _("Van %(number)s") % {"number": vehicle.number}


def _at(longitude: float, latitude: float) -> Position:
    return [round(longitude, DEGREES_KEPT), round(latitude, DEGREES_KEPT)]


def _point(position: Position, properties: Mapping[str, Any], number: int) -> Json:
    return feature({"type": "Point", "coordinates": position}, properties, number)


def _line(path: Sequence[Position], properties: Mapping[str, Any], number: int) -> Json:
    return feature({"type": "LineString", "coordinates": list(path)}, properties, number)
