"""Reading the day with eight queries, and laying it out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from changbei.compute import geo
from changbei.compute.recovery import Orders, Places, Problem, Vans
from changbei.core.clock import LOCAL
from changbei.delivery import rules, selectors, travel
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Handover, Loan, Stop, Tour
from changbei.delivery.snapshot.goods import Goods
from changbei.delivery.snapshot.hours import Hours
from changbei.delivery.snapshot.shot import Snapshot, Van
from changbei.network.models import Site, Vehicle


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
    """Stranded goods are those that nobody has fetched yet, wherever they wait.

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
        self.day, self.now, self.callers = day, now, callers
        self.midnight = datetime.combine(day.date, time.min, LOCAL)
        self.map = _Map()
        self.all_sites = sites
        self.sites = {site.pk: number for number, site in enumerate(sites)}
        self.site_location = [self.map.at(site.longitude, site.latitude) for site in sites]
        self.tours, self.reserves, self.breakdowns, self.closed = tours, reserves, breakdowns, closed
        self.home_by = max((tour.shift_ends_at for tour in tours), default=now)
        self.hours = Hours(self._seconds, after_closing)
        self.hours.close(closed, stops, now=now, home_by=self.home_by)
        self.lent = {loan.vehicle_id: loan for loan in loans}
        self.goods = Goods.of(stops)
        self.orders: list[Stop] = []
        self.sources: list[int] = []

    def build(self) -> Snapshot:
        vans: list[Van] = []
        rows: list[dict[str, Any]] = []
        planned: list[list[int]] = []
        for tour in self.tours:
            if _drives(tour):
                row, left = self._tour_van(tour)
                vans.append(Van(tour.vehicle, tour))
                rows.append(row)
                planned.append([self._order(stop, -1) for stop in [*left, *self.goods.left_aboard[tour.pk]]])
        for vehicle in self.reserves:
            vans.append(Van(vehicle, None))
            rows.append(self._reserve_van(vehicle))
            planned.append([])
        places, place_rows = self._places()
        orders = self._order_arrays()
        areas = [geo.polygon(one.area) for one in self.closed]
        times = travel.times(self.day.date, self.map.longitudes, self.map.latitudes, areas)
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
            frozenset(self.hours.before_closing),
        )

    def _tour_van(self, tour: Tour) -> tuple[dict[str, Any], list[Stop]]:
        stops = self.goods.by_tour.get(tour.pk, [])
        visits = [_visit(stop) for stop in stops]
        where = rules.whereabouts(visits, tour.departs_at, self.now, shut=self.hours.shut)
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
        return {
            "start": home,
            "end": home,
            "ready_seconds": self._seconds(max(ready_at, loan.ready_at) if loan else ready_at),
            "shift_end_seconds": self._seconds(self.home_by),
            "capacity": vehicle.capacity_cartons,
            "reserve": True,
            "site": site,
        }

    def _places(self) -> tuple[Places, list[Breakdown | Site]]:
        """Where goods wait: at the broken van, still at its site when none were aboard, at a site where they were
        ordered or left."""
        kept = [one for one in self.breakdowns if self.goods.stranded.get(one.pk)]
        rows: list[dict[str, Any]] = []
        planned: list[list[int]] = []
        for number, one in enumerate(kept):
            site = self.sites[one.tour.site_id]
            spot: Breakdown | Site = one if one.goods_aboard else one.tour.site
            here = self.map.at(spot.longitude, spot.latitude)
            ready, end = self._seconds(one.at), self.site_location[site]
            rows.append({"location": here, "ready_seconds": ready, "site": site, "end": end})
            planned.append([self._order(stop, number) for stop in self.goods.stranded[one.pk]])
        spots: list[Breakdown | Site] = list(kept)
        for (key, ready_at), waiting in sorted(
            self.goods.at_site.items(), key=lambda row: (row[0][0], str(row[0][1]))
        ):
            site, number = self.sites[key], len(rows)
            home, ready = self.site_location[site], self._seconds(max(ready_at or self.now, self.now))
            rows.append({"location": home, "ready_seconds": ready, "site": site, "end": home})
            planned.append([self._order(stop, number) for stop in waiting])
            spots.append(self.all_sites[site])
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
            window_open_seconds=[self.hours.opens(stop) for stop in orders],
            window_close_seconds=[self.hours.closes(stop) for stop in orders],
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

    def _seconds(self, moment: datetime) -> int:
        return max(round((moment - self.midnight).total_seconds()), 0)


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


def _visit(stop: Stop) -> rules.Visit:
    return rules.Visit(
        stop.pk,
        stop.status,
        stop.expected_at or stop.planned_at,
        timedelta(seconds=stop.service_seconds),
        stop.done_at,
    )
