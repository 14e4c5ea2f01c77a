"""What a snapshot is: the problem, and what its numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from changbei.compute.recovery import Problem
from changbei.delivery import travel
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Stop, Tour
from changbei.network.models import Site, Vehicle


@dataclass(frozen=True)
class Van:
    """A van that can drive: on its tour, or (`tour` None) a reserve van at its site."""

    vehicle: Vehicle
    tour: Tour | None


@dataclass(frozen=True)
class Snapshot:
    """`version` is the day's when it was taken."""

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
