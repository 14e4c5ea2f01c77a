"""The day as arrays: what is left to drive at this moment, ready for `compute.recovery`, and the way back.

Times are whole seconds of the day's local midnight. Locations are the sites, then what the vans and goods need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from changbei.compute import geo
from changbei.compute.recovery import Call, Orders, Places, Problem, Recovery, Vans
from changbei.core.clock import LOCAL
from changbei.delivery import rules
from changbei.delivery.models import Breakdown, DeliveryDay, Stop, Tour
from changbei.network.models import Site, Vehicle


@dataclass(frozen=True)
class Van:
    """A van that can drive: on its tour, or (`tour` None) a reserve van at its site."""

    vehicle: Vehicle
    tour: Tour | None


@dataclass(frozen=True)
class Snapshot:
    """The problem, and what its numbers stand for. `version` is the day's when it was taken."""

    problem: Problem
    day: DeliveryDay
    version: int
    midnight: datetime
    vans: tuple[Van, ...]
    orders: tuple[Stop, ...]
    places: tuple[Breakdown, ...]

    def moment(self, seconds: int) -> datetime:
        return self.midnight + timedelta(seconds=seconds)

    @property
    def stranded(self) -> int:
        return int((self.problem.orders.source >= 0).sum())


@dataclass
class _Map:
    """Positions collected so far; equal positions are one location."""

    longitudes: list[float] = field(default_factory=list)
    latitudes: list[float] = field(default_factory=list)
    known: dict[tuple[float, float], int] = field(default_factory=dict)

    def at(self, longitude: float, latitude: float) -> int:
        key = (longitude, latitude)
        if key not in self.known:
            self.known[key] = len(self.longitudes)
            self.longitudes.append(longitude)
            self.latitudes.append(latitude)
        return self.known[key]


def take(day: DeliveryDay, now: datetime) -> Snapshot:
    """Read the day with four queries. Stranded goods are those of every breakdown that nobody has fetched yet."""
    midnight = datetime.combine(day.date, time.min, LOCAL)
    sites = list(Site.objects.order_by("kind", "code"))
    tours = list(Tour.objects.filter(day=day).select_related("vehicle", "site").order_by("pk"))
    stops = list(
        Stop.objects.filter(day=day).select_related("retailer").order_by("tour_id", "sequence", "pk")
    )
    reserves = _reserves(tours)
    breakdowns = list(Breakdown.objects.filter(tour__day=day).select_related("tour__site").order_by("pk"))
    return _Builder(day, now, midnight, sites, tours, stops, reserves, breakdowns).build()


def _reserves(tours: Sequence[Tour]) -> list[Vehicle]:
    """Fit reserve vans that are not already on a tour today: one pool for the whole city (E3.3.2)."""
    busy = {tour.vehicle_id for tour in tours}
    pool = Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.FIT).select_related("site", "keeper")
    return [van for van in pool.order_by("pk") if van.pk not in busy]


class _Builder:
    def __init__(
        self,
        day: DeliveryDay,
        now: datetime,
        midnight: datetime,
        sites: Sequence[Site],
        tours: Sequence[Tour],
        stops: Sequence[Stop],
        reserves: Sequence[Vehicle],
        breakdowns: Sequence[Breakdown],
    ) -> None:
        self.day, self.now, self.midnight = day, now, midnight
        self.map = _Map()
        self.sites = {site.pk: number for number, site in enumerate(sites)}
        self.site_location = [self.map.at(site.longitude, site.latitude) for site in sites]
        self.tours, self.reserves, self.breakdowns = tours, reserves, breakdowns
        self.by_tour: dict[int, list[Stop]] = defaultdict(list)
        self.stranded: dict[int, list[Stop]] = defaultdict(list)
        for stop in stops:
            if stop.goods_at_id is not None and stop.status == Stop.Status.PLANNED:
                self.stranded[stop.goods_at_id].append(stop)
            elif stop.tour_id is not None:
                self.by_tour[stop.tour_id].append(stop)
        self.orders: list[Stop] = []
        self.sources: list[int] = []

    def build(self) -> Snapshot:
        vans: list[Van] = []
        rows: list[dict[str, Any]] = []
        planned: list[list[int]] = []
        for tour in self.tours:
            if tour.status != Tour.Status.BROKEN_DOWN:
                row, left = self._tour_van(tour)
                vans.append(Van(tour.vehicle, tour))
                rows.append(row)
                planned.append([self._order(stop, -1) for stop in left])
        for vehicle in self.reserves:
            vans.append(Van(vehicle, None))
            rows.append(self._reserve_van(vehicle))
            planned.append([])
        places, place_rows = self._places()
        problem = Problem(
            travel_seconds=geo.travel_seconds(self.map.longitudes, self.map.latitudes),
            vans=Vans.of(**_columns(rows, _VAN_COLUMNS)),
            orders=self._order_arrays(),
            planned=tuple(tuple(row) for row in planned),
            places=places,
            site_location=self.site_location,  # type: ignore[arg-type]
        )
        return Snapshot(
            problem,
            self.day,
            self.day.version,
            self.midnight,
            tuple(vans),
            tuple(self.orders),
            tuple(place_rows),
        )

    def _tour_van(self, tour: Tour) -> tuple[dict[str, Any], list[Stop]]:
        stops = self.by_tour.get(tour.pk, [])
        where = rules.whereabouts([visit(stop) for stop in stops], tour.departs_at, self.now)
        fixed = set(where.driven)
        last = next((stop for stop in stops if stop.pk == where.after), None)
        spot = last.retailer if last else tour.site
        row = {
            "start": self.map.at(spot.longitude, spot.latitude),
            "end": self.site_location[self.sites[tour.site_id]],
            "ready_seconds": self._seconds(where.ready_at),
            "shift_end_seconds": self._seconds(tour.shift_ends_at),
            "capacity": tour.vehicle.capacity_cartons,
            "reserve": False,
            "site": self.sites[tour.site_id],
        }
        return row, [stop for stop in stops if stop.pk not in fixed and stop.status == Stop.Status.PLANNED]

    def _reserve_van(self, vehicle: Vehicle) -> dict[str, Any]:
        home = self.site_location[self.sites[vehicle.site_id]]
        shift_end = max((tour.shift_ends_at for tour in self.tours), default=self.now)
        return {
            "start": home,
            "end": home,
            "ready_seconds": self._seconds(self.now + rules.RESERVE_READY),
            "shift_end_seconds": self._seconds(shift_end),
            "capacity": vehicle.capacity_cartons,
            "reserve": True,
            "site": self.sites[vehicle.site_id],
        }

    def _places(self) -> tuple[Places, list[Breakdown]]:
        """Where goods wait: at the broken van, or still at its site when none were aboard."""
        kept = [one for one in self.breakdowns if self.stranded.get(one.pk)]
        rows: list[dict[str, Any]] = []
        planned: list[list[int]] = []
        for number, one in enumerate(kept):
            site = one.tour.site
            spot: Breakdown | Site = one if one.goods_aboard else site
            rows.append(
                {
                    "location": self.map.at(spot.longitude, spot.latitude),
                    "ready_seconds": self._seconds(one.at),
                    "site": self.sites[one.tour.site_id],
                    "end": self.site_location[self.sites[one.tour.site_id]],
                }
            )
            planned.append([self._order(stop, number) for stop in self.stranded[one.pk]])
        places = Places.of(
            **_columns(rows, ("location", "ready_seconds", "site", "end")),
            handover_seconds=int(rules.HANDOVER.total_seconds()),
            handover_per_order_seconds=rules.HANDOVER_PER_STOP_SECONDS,
            planned=planned,
        )
        return places, kept

    def _order(self, stop: Stop, source: int) -> int:
        self.orders.append(stop)
        self.sources.append(source)
        self.map.at(stop.retailer.longitude, stop.retailer.latitude)
        return len(self.orders) - 1

    def _order_arrays(self) -> Orders:
        orders = self.orders
        return Orders.of(
            location=[self.map.at(stop.retailer.longitude, stop.retailer.latitude) for stop in orders],
            service_seconds=[stop.service_seconds for stop in orders],
            size=[stop.cartons for stop in orders],
            window_open_seconds=[
                self._seconds(stop.window_start) if stop.window_start else 0 for stop in orders
            ],
            window_close_seconds=[self._closes(stop) for stop in orders],
            priority=[
                rules.priority(is_key=stop.retailer.is_key, is_vulnerable=stop.retailer.is_vulnerable)
                for stop in orders
            ],
            value=[stop.order_fen for stop in orders],
            source=self.sources,
            eta_seconds=[self._seconds(stop.expected_at or stop.planned_at) for stop in orders],
        )

    def _closes(self, stop: Stop) -> int:
        """The end of the delivery hours; a stop that is already expected later is not given up for that."""
        if stop.window_end is None:
            return 10**9
        return self._seconds(max(stop.window_end, stop.expected_at or stop.planned_at))

    def _seconds(self, moment: datetime) -> int:
        return max(round((moment - self.midnight).total_seconds()), 0)


_VAN_COLUMNS = ("start", "end", "ready_seconds", "shift_end_seconds", "capacity", "reserve", "site")


def _columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in names}


def visit(stop: Stop) -> rules.Visit:
    return rules.Visit(
        stop.pk,
        stop.status,
        stop.expected_at or stop.planned_at,
        timedelta(seconds=stop.service_seconds),
        stop.done_at,
    )


def option_plan(snapshot: Snapshot, recovery: Recovery) -> dict[str, Any]:
    """The recovery as JSON: per changed van its steps with times, and who is left out or noticeably moved."""
    changed = {*recovery.touched_vans, *recovery.reserve_vans}
    return {
        "tours": [_tour_json(snapshot, recovery, number) for number in sorted(changed)],
        "unserved": [snapshot.orders[order].pk for order in recovery.unserved],
        "moved": [snapshot.orders[order].pk for order in recovery.moved],
        "shifted": [snapshot.orders[order].pk for order in recovery.shifted],
        "reserve_vehicles": [snapshot.vans[number].vehicle.pk for number in recovery.reserve_vans],
    }


def _tour_json(snapshot: Snapshot, recovery: Recovery, number: int) -> dict[str, Any]:
    van, plan = snapshot.vans[number], recovery.vans[number]
    steps = []
    for token, begins in zip(plan.tokens, plan.begin_seconds, strict=True):
        at = snapshot.moment(begins).isoformat()
        if isinstance(token, Call):
            stops = [snapshot.orders[order].pk for order in token.orders]
            steps.append({"handover": snapshot.places[token.place].pk, "stops": stops, "at": at})
        else:
            steps.append({"stop": snapshot.orders[token.order].pk, "at": at})
    return {
        "vehicle": van.vehicle.pk,
        "tour": van.tour.pk if van.tour else None,
        "steps": steps,
        "returns_at": snapshot.moment(plan.return_seconds).isoformat(),
    }
