"""The day as arrays: what is left to drive at this moment, ready for `compute.recovery`, and the way back.

Times are whole seconds of the day's local midnight. Locations are the sites, then what the vans and goods need. What
disturbs the day is in the arrays: goods that wait at a broken van or at a site (`orders.source`), customers in a closed
area (served before it closes or after it opens again), travel times around it, reserve vans where they stand today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from changbei.compute import closures, geo
from changbei.compute.recovery import Call, Orders, Places, Problem, Recovery, Vans
from changbei.core.clock import LOCAL
from changbei.delivery import rules, selectors, travel
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Handover, Loan, Stop, Tour
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
    places: tuple[Breakdown | Site, ...]
    basis: travel.Basis
    closed: tuple[Closure, ...] = ()
    callers: frozenset[int] = frozenset()  # keys of tours that are to fetch goods somewhere, as it is now
    before_closing: frozenset[int] = frozenset()  # keys of stops that could be served after a closure instead

    def moment(self, seconds: int) -> datetime:
        return self.midnight + timedelta(seconds=seconds)

    @property
    def stranded(self) -> int:
        """Orders whose goods wait somewhere."""
        return int((self.problem.orders.source >= 0).sum())

    @property
    def is_disturbed(self) -> bool:
        """Whether going on as planned leaves somebody out, or a road is closed."""
        if self.closed or self.stranded or any(stop.tour_id is None for stop in self.orders):
            return True
        return not all(self._holds(van) for van in range(len(self.vans)))

    def _holds(self, van: int) -> bool:
        problem = self.problem
        vans, orders, times = problem.vans, problem.orders, problem.travel_seconds
        now, here = int(vans.ready_seconds[van]), int(vans.start[van])
        for order in problem.planned[van]:
            there = int(orders.location[order])
            now, here = max(now + int(times[here, there]), int(orders.window_open_seconds[order])), there
            if now > int(orders.window_close_seconds[order]):
                return False
            now += int(orders.service_seconds[order])
        home = now + int(times[here, vans.end[van]])
        return not problem.planned[van] or home <= int(problem.van_limit_seconds[van])


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


def take(day: DeliveryDay, now: datetime, after_closing: Collection[int] = ()) -> Snapshot:
    """Read the day with eight queries. Stranded goods are those that nobody has fetched yet, wherever they wait.

    `after_closing`: keys of stops that are served after a closure though there would be time before it.
    """
    stops = (
        Stop.objects.filter(day=day).select_related("retailer__line").order_by("tour_id", "sequence", "pk")
    )
    tours = list(Tour.objects.filter(day=day).select_related("vehicle", "site").order_by("pk"))
    breakdowns = Breakdown.objects.filter(tour__day=day, resumed_at__isnull=True)
    calls = Handover.objects.filter(tour__day=day, done_at__isnull=True)
    return _Builder(
        day,
        now,
        sites=list(Site.objects.order_by("kind", "code")),
        tours=tours,
        stops=list(stops),
        reserves=_reserves(tours),
        breakdowns=list(breakdowns.select_related("tour__site").order_by("pk")),
        closed=selectors.closures(day),
        loans=list(Loan.objects.filter(day=day, returned_at__isnull=True)),
        callers=frozenset(calls.values_list("tour_id", flat=True)),
        after_closing=after_closing,
    ).build()


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
        *,
        sites: Sequence[Site],
        tours: Sequence[Tour],
        stops: Sequence[Stop],
        reserves: Sequence[Vehicle],
        breakdowns: Sequence[Breakdown],
        closed: Sequence[Closure],
        loans: Sequence[Loan],
        callers: frozenset[int],
        after_closing: Collection[int],
    ) -> None:
        self.day, self.now, self.callers, self.after_closing = day, now, callers, after_closing
        self.midnight = datetime.combine(day.date, time.min, LOCAL)
        self.map = _Map()
        self.all_sites = sites
        self.sites = {site.pk: number for number, site in enumerate(sites)}
        self.site_location = [self.map.at(site.longitude, site.latitude) for site in sites]
        self.tours, self.reserves, self.breakdowns = tours, reserves, breakdowns
        self.closed = closed
        self.areas = [geo.polygon(one.area) for one in closed]
        self.opens: dict[int, int] = {}
        self.shuts: dict[int, int] = {}
        self.shut: set[int] = set()
        self.before_closing: set[int] = set()
        self._place_in_closures(stops)
        self.lent = {loan.vehicle_id: loan for loan in loans}
        self.by_tour: dict[int, list[Stop]] = defaultdict(list)
        self.stranded: dict[int, list[Stop]] = defaultdict(list)
        self.at_site: dict[tuple[int, datetime | None], list[Stop]] = defaultdict(list)
        self.left_aboard: dict[int, list[Stop]] = defaultdict(list)
        for stop in stops:
            self._sort_in(stop)
        self.orders: list[Stop] = []
        self.sources: list[int] = []

    def _sort_in(self, stop: Stop) -> None:
        """By where the goods are. A stop that is closed, cancelled or done stands on its tour, if it has one."""
        if stop.status == Stop.Status.PLANNED and stop.goods_at_id is not None:
            self.stranded[stop.goods_at_id].append(stop)
        elif stop.status == Stop.Status.PLANNED and stop.goods_site_id is not None:
            self.at_site[stop.goods_site_id, stop.goods_ready_at].append(stop)
        elif stop.tour_id is not None:
            self.by_tour[stop.tour_id].append(stop)
        elif stop.status == Stop.Status.PLANNED and stop.aboard_id is not None:
            self.left_aboard[stop.aboard_id].append(stop)
        elif stop.status == Stop.Status.PLANNED:
            self.at_site[stop.retailer.line.site_id, None].append(stop)

    def _place_in_closures(self, stops: Sequence[Stop]) -> None:
        """What may be served when: `opens`, `shuts` in seconds of the day; `shut`, what nobody drives on to as it is.

        A road closed later is gone around from now on, as the way from place to place does not depend on the hour.
        """
        home_by = max((tour.shift_ends_at for tour in self.tours), default=self.now)
        longitudes = [stop.retailer.longitude for stop in stops]
        latitudes = [stop.retailer.latitude for stop in stops]
        for one, area in zip(self.closed, self.areas, strict=True):
            inside = closures.inside([area], longitudes, latitudes).nonzero()[0].tolist()
            edge = closures.metres_to_edge(
                area, [longitudes[n] for n in inside], [latitudes[n] for n in inside]
            )
            for number, out in zip(inside, geo.CITY_ROADS.seconds(edge).tolist(), strict=True):
                stop = stops[number]
                found = rules.opening(
                    stop.expected_at or stop.planned_at,
                    timedelta(seconds=stop.service_seconds + round(out)),
                    since=one.since,
                    until=one.until,
                    now=self.now,
                    home_by=home_by,
                    after=stop.pk in self.after_closing,
                )
                self._limit(stop.pk, found)

    def _limit(self, pk: int, found: rules.Opening | None) -> None:
        """Of several closures the strictest holds."""
        if found is None or not found.reached:
            self.shut.add(pk)
        opens = NEVER if found is None else self._seconds(found.opens) if found.opens else 0
        self.opens[pk] = max(self.opens.get(pk, 0), opens)
        if found is not None and found.either:
            self.before_closing.add(pk)
        if found is not None and found.shuts is not None:
            self.shuts[pk] = min(self.shuts.get(pk, NEVER), self._seconds(found.shuts))

    def build(self) -> Snapshot:
        vans: list[Van] = []
        rows: list[dict[str, Any]] = []
        planned: list[list[int]] = []
        for tour in self.tours:
            if _drives(tour):
                row, left = self._tour_van(tour)
                vans.append(Van(tour.vehicle, tour))
                rows.append(row)
                planned.append([self._order(stop, -1) for stop in [*left, *self.left_aboard[tour.pk]]])
        for vehicle in self.reserves:
            vans.append(Van(vehicle, None))
            rows.append(self._reserve_van(vehicle))
            planned.append([])
        places, place_rows = self._places()
        orders = self._order_arrays()
        times = travel.times(self.day.date, self.map.longitudes, self.map.latitudes, self.areas)
        problem = Problem(
            travel_seconds=times.seconds,
            vans=Vans.of(**_columns(rows, _VAN_COLUMNS)),
            orders=orders,
            planned=tuple(tuple(row) for row in planned),
            places=places,
            site_location=self.site_location,  # type: ignore[arg-type]
        )
        if times.open_seconds is not None:
            problem = replace(problem, base_driving_seconds=_driving(problem, times.open_seconds))
        return Snapshot(
            problem,
            self.day,
            self.day.version,
            self.midnight,
            tuple(vans),
            tuple(self.orders),
            tuple(place_rows),
            times.basis,
            tuple(self.closed),
            self.callers,
            frozenset(self.before_closing),
        )

    def _tour_van(self, tour: Tour) -> tuple[dict[str, Any], list[Stop]]:
        stops = self.by_tour.get(tour.pk, [])
        visits = [visit(stop) for stop in stops]
        where = rules.whereabouts(visits, tour.departs_at, self.now, shut=self.shut)
        if tour.status == Tour.Status.FINISHED:  # it is back, and begins from there
            where = replace(where, after=None, ready_at=self.now + rules.RESERVE_READY)
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
        loan = self.lent.get(vehicle.pk)
        site = self.sites[loan.site_id if loan else vehicle.site_id]
        ready_at = self.now + rules.RESERVE_READY
        home = self.site_location[site]
        shift_end = max((tour.shift_ends_at for tour in self.tours), default=self.now)
        return {
            "start": home,
            "end": home,
            "ready_seconds": self._seconds(max(ready_at, loan.ready_at) if loan else ready_at),
            "shift_end_seconds": self._seconds(shift_end),
            "capacity": vehicle.capacity_cartons,
            "reserve": True,
            "site": site,
        }

    def _places(self) -> tuple[Places, list[Breakdown | Site]]:
        """Where goods wait: at the broken van, still at its site when none were aboard, at a site where they were
        ordered or left."""
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
        spots: list[Breakdown | Site] = list(kept)
        for (key, ready_at), waiting in sorted(
            self.at_site.items(), key=lambda row: (row[0][0], str(row[0][1]))
        ):
            at, number = self.sites[key], len(rows)
            home, ready = self.site_location[at], max(ready_at or self.now, self.now)
            rows.append({"location": home, "ready_seconds": self._seconds(ready), "site": at, "end": home})
            planned.append([self._order(stop, number) for stop in waiting])
            spots.append(self.all_sites[at])
        places = Places.of(
            **_columns(rows, ("location", "ready_seconds", "site", "end")),
            handover_seconds=int(rules.HANDOVER.total_seconds()),
            handover_per_order_seconds=rules.HANDOVER_PER_STOP_SECONDS,
            planned=planned,
        )
        return places, spots

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
            window_open_seconds=[self._opens(stop) for stop in orders],
            window_close_seconds=[self._closes(stop) for stop in orders],
            priority=[
                rules.priority(is_key=stop.retailer.is_key, is_vulnerable=stop.retailer.is_vulnerable)
                for stop in orders
            ],
            value=[stop.order_fen for stop in orders],
            source=self.sources,
            eta_seconds=[self._told(stop) for stop in orders],
        )

    def _told(self, stop: Stop) -> int:
        """When the customer expects the van; -1 when nobody has said a time."""
        if stop.expected_at is None and (stop.urgent or stop.aboard_id is not None):
            return -1
        return self._seconds(stop.expected_at or stop.planned_at)

    def _opens(self, stop: Stop) -> int:
        """The beginning of the delivery hours, and of a closed area's opening."""
        begins = self._seconds(stop.window_start) if stop.window_start else 0
        return max(begins, self.opens.get(stop.pk, 0))

    def _closes(self, stop: Stop) -> int:
        """The end of the delivery hours, or when a closed area has to be left; a stop that is already expected later
        than its hours is not given up for that."""
        if self.opens.get(stop.pk) == NEVER:
            return 0
        shuts = self.shuts.get(stop.pk, NEVER)
        if stop.window_end is None:
            return shuts
        return min(self._seconds(max(stop.window_end, stop.expected_at or stop.planned_at)), shuts)

    def _seconds(self, moment: datetime) -> int:
        return max(round((moment - self.midnight).total_seconds()), 0)


NEVER = 10**9
"""A second that no day has."""
_VAN_COLUMNS = ("start", "end", "ready_seconds", "shift_end_seconds", "capacity", "reserve", "site")


def _columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in names}


def _driving(problem: Problem, seconds: npt.NDArray[np.integer]) -> int:
    """Driving of the day as it was planned, on roads that were open then."""
    return replace(problem, travel_seconds=seconds).undisturbed_driving_seconds


def _drives(tour: Tour) -> bool:
    """A van that is back may leave once more, unless it went to repair."""
    if tour.status == Tour.Status.FINISHED:
        return tour.vehicle.state not in Vehicle.OUT
    return tour.status != Tour.Status.BROKEN_DOWN


def visit(stop: Stop) -> rules.Visit:
    return rules.Visit(
        stop.pk,
        stop.status,
        stop.expected_at or stop.planned_at,
        timedelta(seconds=stop.service_seconds),
        stop.done_at,
    )


def option_plan(snapshot: Snapshot, recovery: Recovery) -> dict[str, Any]:
    """The recovery as JSON: per van whose list or times change, or that was to fetch goods so far, its steps, and who
    is left out or noticeably moved."""
    told = {*recovery.shifted, *(n for n, stop in enumerate(snapshot.orders) if stop.tour_id is None)}
    waiting = {van for van, plan in enumerate(recovery.vans) if told & set(plan.orders)}
    fetching = {n for n, van in enumerate(snapshot.vans) if van.tour and van.tour.pk in snapshot.callers}
    changed = {*recovery.touched_vans, *recovery.reserve_vans, *waiting, *fetching}
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
            place = snapshot.places[token.place]
            kind = "handover" if isinstance(place, Breakdown) else "fetch"
            steps.append({kind: place.pk, "stops": stops, "at": at})
        else:
            steps.append({"stop": snapshot.orders[token.order].pk, "at": at})
    return {
        "vehicle": van.vehicle.pk,
        "tour": van.tour.pk if van.tour else None,
        "steps": steps,
        "returns_at": snapshot.moment(plan.return_seconds).isoformat(),
    }
