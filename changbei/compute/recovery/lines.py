"""One van's list with its schedule.

A list is a sequence of node numbers: order i is node i, calling at place b is node N + b. A van calls at a place at
most once and there takes over exactly the stranded orders of that place that stand later in its list.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, Problem
from changbei.compute.recovery.policy import Policy, allowed_vans
from changbei.compute.whole import IntArray

NEVER = 1 << 50
"""A cost or time no plan reaches; two of them still fit an int64."""
UNSERVED_SECONDS = 100_000
"""Driving one would accept to serve one more unit of priority: more than a day of it, so serving comes before driving
as long as no detour lasts longer."""
VALUE_SECONDS = 50_000
"""The same for the whole value of what may be left: half a unit of priority. No single order is worth more."""


class Ground:
    """The problem and policy laid out for the search: nodes, prices, permitted vans."""

    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.problem, self.policy = problem, policy
        self.travel = problem.travel_seconds
        orders, places = problem.orders, problem.places
        self.count = len(orders)
        self.location = np.concatenate([orders.location, places.location])
        self.open = np.concatenate([orders.window_open_seconds, places.ready_seconds])
        self.close = np.concatenate([orders.window_close_seconds, np.full(len(places), NEVER)])
        self.service = np.concatenate([orders.service_seconds, places.handover_seconds])
        self.size = np.concatenate([orders.size, np.zeros(len(places), dtype=np.int64)])
        self.node_source = np.concatenate([orders.source, np.full(len(places), -1)])
        self.per_order = places.handover_per_order_seconds.tolist()
        self.home = problem.home
        self.source = orders.source
        aboard, stranded = policy.shift_price_seconds, policy.stranded_shift_price_seconds
        self.shift_price = np.append(
            np.where(orders.source < 0, aboard, stranded), np.zeros(len(places), dtype=np.int64)
        )
        self.node_eta = np.concatenate([problem.eta_seconds, np.full(len(places), -1)])
        self.stranded = [np.flatnonzero(orders.source == place) for place in range(len(places))]
        self.allowed = allowed_vans(problem, policy)
        straight = problem.vans.ready_seconds + self.travel[problem.vans.start, problem.vans.end]
        self.limit = np.maximum(problem.vans.shift_end_seconds + policy.overtime_seconds, straight).tolist()
        self._planned_lines: dict[int, Line] = {}

    def line(self, van: int, nodes: Sequence[int]) -> Line:
        """The van's list with its schedule."""
        return Line(self, van, list(nodes))

    def planned_line(self, van: int) -> Line:
        """Today's list of the van, scheduled once."""
        line = self._planned_lines.get(van)
        if line is None:
            line = self._planned_lines[van] = self.line(van, self.problem.planned[van])
        return line

    @cached_property
    def unserved_price(self) -> IntArray:
        """(N,) driving seconds one would accept to serve an order. Its value counts by its share of all that may be
        left: what is stranded, and what stands in lists that do not hold."""
        orders, may_be_left = self.problem.orders, self.source >= 0
        for van, row in enumerate(self.problem.planned):
            may_be_left[list(row)] = not self.planned_line(van).feasible
        total = int(orders.value[may_be_left].sum()) + 1
        worth = np.minimum(orders.value * VALUE_SECONDS // total, VALUE_SECONDS)
        found: IntArray = orders.priority * UNSERVED_SECONDS + worth
        return found


class Line:
    """An immutable list of one van with its schedule."""

    def __init__(self, ground: Ground, van: int, nodes: list[int]) -> None:
        self.ground, self.van, self.nodes = ground, van, nodes
        vans = ground.problem.vans
        self.array = np.array(nodes, dtype=np.int64)
        self.stops = np.empty(len(nodes) + 2, dtype=np.int64)
        self.stops[0], self.stops[-1] = vans.start[van], vans.end[van]
        self.stops[1:-1] = ground.location[self.array]
        self.legs = ground.travel[self.stops[:-1], self.stops[1:]].astype(np.int64)  # so that NEVER fits
        self.driving = 0 if vans.reserve[van] and not nodes else int(self.legs.sum())
        calls = np.flatnonzero(self.array >= ground.count).tolist()
        self.called: dict[int, int] = {nodes[position] - ground.count: position for position in calls}
        self.picked = ground.node_source[self.array]
        goods_at_hand = int((self.picked >= 0).sum()) == sum(
            int((self.picked[position:] == place).sum()) for place, position in self.called.items()
        )
        in_time, fits = self._drive(), self._carry()
        self.feasible = goods_at_hand and in_time and fits

    def _drive(self) -> bool:
        """Earliest beginnings and the return; whether all are in time."""
        ground, legs, limit = self.ground, self.legs.tolist(), self.ground.limit[self.van]
        opens, closes = ground.open[self.array].tolist(), ground.close[self.array].tolist()
        service: list[int] = ground.service[self.array].tolist()
        for place, position in self.called.items():
            service[position] += int((self.picked == place).sum()) * ground.per_order[place]
        now, in_time, begins = int(ground.problem.vans.ready_seconds[self.van]), True, []
        for leg, opening, closing, lasting in zip(legs, opens, closes, service):
            now = max(now + leg, opening)  # the last leg, home, has no stop and ends the loop
            in_time = in_time and now <= closing
            begins.append(now)
            now += lasting
        self.returns = now + legs[-1]
        self.begins = begins
        return in_time and (self.returns <= limit or (not service and self.driving == 0))

    def _carry(self) -> bool:
        """A call may not load the van above its capacity; between calls it only gets lighter."""
        ground = self.ground
        sizes = ground.size[self.array]
        change = -sizes
        for place, position in self.called.items():
            change[position] = sizes[self.picked == place].sum()
        loads = np.cumsum(change) + ground.problem.aboard[self.van]
        return all(loads[at] <= ground.problem.vans.capacity[self.van] for at in self.called.values())

    @cached_property
    def price(self) -> int:
        """Driving seconds plus what calm costs: a touched sound van, customers on it whose arrival shifts."""
        ground, policy = self.ground, self.ground.policy
        price = self.driving
        if not ground.problem.vans.reserve[self.van] and self.nodes != list(ground.problem.planned[self.van]):
            price += policy.touch_price_seconds
        eta = ground.node_eta[self.array]
        shifted = (eta >= 0) & (np.abs(np.array(self.begins, dtype=np.int64) - eta) > SHIFT_LIMIT_SECONDS)
        return price + int(ground.shift_price[self.array][shifted].sum())

    def without(self, gone: set[int]) -> Line:
        """The list without these nodes."""
        return Line(self.ground, self.van, [node for node in self.nodes if node not in gone])

    def without_idle_calls(self) -> Line:
        """The list without calls at which nothing is taken over."""
        idle = {self.ground.count + place for place in self.called if not (self.picked == place).any()}
        return self.without(idle) if idle else self
