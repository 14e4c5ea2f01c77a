"""A delivery day as it stands: tours, customers, where the vans are; one driver's list; what is closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from changbei.core import clock
from changbei.core.texts import pick
from changbei.delivery import rules, selectors
from changbei.delivery.features.marks import (
    SERVED,
    Call,
    Json,
    Position,
    at,
    calls_of,
    point,
    stroke,
    van_title,
)
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.features import collection, feature
from changbei.network.models import Vehicle


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
        self.calls = calls_of(Stop.objects.filter(day=day).order_by("tour_id", "sequence", "pk"))
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
            home = at(tour.site.longitude, tour.site.latitude)
            about = {"name": tour.vehicle.number, "title": van_title(tour.vehicle)}
            if driven:
                found.append(stroke([home, *driven], about, tour.pk * 2))
            if ahead and tour.status != Tour.Status.BROKEN_DOWN:
                begin = driven[-1] if driven else home
                found.append(stroke([begin, *ahead, home], {**about, "index": number}, tour.pk * 2 + 1))
        return collection(found)

    def stops(self) -> Json:
        """Every customer of the day for the layer of retailers: `served waiting affected unserved cancelled`."""
        broken = {tour.pk for tour in self.tours if tour.status == Tour.Status.BROKEN_DOWN}
        return collection(
            point(
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
            where = at(van.site.longitude, van.site.latitude)
            about = {
                "state": state,
                "name": van.number,
                "title": van_title(van),
                "facts": [[_("Plate"), van.plate]],
            }
            found.append(point(where, about, van.pk))
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
            "title": van_title(tour.vehicle),
            "facts": facts,
            "url": self.address(tour.uuid),
        }
        return point(position, about, tour.vehicle_id)

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
                return at(newest.longitude, newest.latitude), "broken"
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
            return at(longitude, latitude), "taking-over"
        waits = tour.departs_at > self.now and not any(leg.done_at for leg in legs)
        return at(longitude, latitude), "idle" if waits or not legs else "driving"


def tour_stops(tour: Tour, stops: Sequence[Stop]) -> dict[str, Json]:
    """Layers of one driver's list: what is driven, what is ahead with its numbers, and the line between."""
    home = at(tour.site.longitude, tour.site.latitude)
    ahead = [stop for stop in stops if stop.status == Stop.Status.PLANNED]
    points = [
        point(
            at(stop.retailer.longitude, stop.retailer.latitude),
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
    begin = at(done[-1].retailer.longitude, done[-1].retailer.latitude) if done else home
    path = [begin, *(at(stop.retailer.longitude, stop.retailer.latitude) for stop in ahead), home]
    strokes = [stroke(path, {"index": 0, "name": tour.vehicle.number}, tour.pk)] if ahead else []
    return {"lines": collection(strokes), "stops": collection(points)}


def _numbered(stops: Sequence[Stop]) -> Iterable[tuple[int, Stop]]:
    """Stops ahead count from one; those that are done have no number."""
    number = 0
    for stop in stops:
        number += stop.status == Stop.Status.PLANNED
        yield number, stop


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
