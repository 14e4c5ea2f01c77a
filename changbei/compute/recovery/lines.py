"""One van's list with its schedule, and what inserting something would cost: the inner loop of the search.

A list is a sequence of node numbers: order i is node i, calling at place b is node N + b. A van calls at a place at
most once and there takes over exactly the stranded orders of that place that stand later in its list.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, BoolArray, IntArray, Problem
from changbei.compute.recovery.policy import Policy, allowed_vans

NEVER = 1 << 50
"""A cost or time no plan reaches; two of them still fit an int64."""
UNSERVED_SECONDS = 100_000
"""Driving one would accept to serve one more unit of priority: more than the vans of a neighbourhood drive in a day,
so serving comes before driving."""
VALUE_SECONDS = 50_000
"""Share of the price of an unserved order that its value decides; below one unit of priority in total."""


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
        self.nodes = list(
            zip(
                self.location.tolist(),
                self.open.tolist(),
                self.close.tolist(),
                self.service.tolist(),
                self.size.tolist(),
                orders.source.tolist() + [-1] * len(places),
                strict=True,
            )
        )
        self.node_source = np.concatenate([orders.source, np.full(len(places), -1)])
        self.per_order = places.handover_per_order_seconds.tolist()
        self.home = problem.home
        self.source = orders.source
        self.node_eta = np.concatenate([problem.eta_seconds, np.full(len(places), -1)])
        self.stranded = [np.flatnonzero(orders.source == place) for place in range(len(places))]
        self.allowed = allowed_vans(problem, policy)
        straight = problem.vans.ready_seconds + self.travel[problem.vans.start, problem.vans.end]
        self.limit = np.maximum(problem.vans.shift_end_seconds + policy.overtime_seconds, straight).tolist()
        total_value = int(orders.value.sum()) + 1
        self.planned_lines: dict[int, Line] = {}
        self.unserved_price = orders.priority * UNSERVED_SECONDS + orders.value * VALUE_SECONDS // total_value

    def line(self, van: int, nodes: Sequence[int]) -> Line:
        """The van's list with its schedule."""
        return Line(self, van, list(nodes))


class Line:
    """An immutable list of one van with its schedule; positions count legs, so position p inserts before nodes[p]."""

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
        self._after_call: dict[int, tuple[IntArray, IntArray]] = {}
        in_time, fits = self._drive(), self._carry()
        self.feasible = goods_at_hand and in_time and fits

    def _drive(self) -> bool:
        """Forward: earliest departures and beginnings. Backward: latest beginnings that keep everything after."""
        ground, legs, limit = self.ground, self.legs.tolist(), self.ground.limit[self.van]
        opens, closes = ground.open[self.array].tolist(), ground.close[self.array].tolist()
        service: list[int] = ground.service[self.array].tolist()
        for place, position in self.called.items():
            service[position] += int((self.picked == place).sum()) * ground.per_order[place]
        now, in_time = int(ground.problem.vans.ready_seconds[self.van]), True
        departs, begins = [now], []
        for leg, opening, closing, lasting in zip(legs, opens, closes, service):
            now += leg  # the last leg, home, has no stop and ends the loop
            if now < opening:
                now = opening
            if now > closing:
                in_time = False
            begins.append(now)
            now += lasting
            departs.append(now)
        self.returns = now + legs[-1]
        latest = limit
        latests = [latest]
        for position in range(len(service) - 1, -1, -1):
            latest -= legs[position + 1] + service[position]
            if latest > closes[position]:
                latest = closes[position]
            latests.append(latest)
        latests.reverse()
        self.begins, self.departs, self.latests = begins, np.array(departs), np.array(latests)
        self.service = service
        return in_time and (self.returns <= limit or (not service and self.driving == 0))

    def _carry(self) -> bool:
        """A call may not load the van above its capacity; between calls it only gets lighter."""
        ground = self.ground
        sizes = ground.size[self.array]
        change = -sizes
        for place, position in self.called.items():
            change[position] = sizes[self.picked == place].sum()
        self.loads = np.concatenate([[0], np.cumsum(change)]) + ground.problem.aboard[self.van]
        free = int(ground.problem.vans.capacity[self.van]) - self.loads
        self.free_at = [(position, int(free[position + 1])) for position in sorted(self.called.values())]
        return all(room >= 0 for _, room in self.free_at)

    @cached_property
    def price(self) -> int:
        """Driving seconds plus what calm costs: a touched sound van, customers on it whose arrival shifts."""
        ground, policy = self.ground, self.ground.policy
        price = self.driving
        if not ground.problem.vans.reserve[self.van] and self.nodes != list(ground.problem.planned[self.van]):
            price += policy.touch_price_seconds
        if policy.shift_price_seconds:
            eta = ground.node_eta[self.array]
            shifted = (eta >= 0) & (np.abs(np.array(self.begins, dtype=np.int64) - eta) > SHIFT_LIMIT_SECONDS)
            price += int(shifted.sum()) * policy.shift_price_seconds
        return price

    def _departs_with_one_more(self, place: int) -> IntArray:
        """Departures if the hand-over at `place` lasted one order longer; NEVER once that makes a stop too late."""
        longer = self.ground.per_order[place]
        if not longer:
            return self.departs
        departs, legs, latests = self.departs.tolist(), self.legs.tolist(), self.latests.tolist()
        position = self.called[place]
        now = departs[position + 1] + longer
        departs[position + 1] = now
        for later in range(position + 1, len(self.nodes)):
            node = self.ground.nodes[self.nodes[later]]
            now = max(now + legs[later], node[1])
            if now > latests[later]:
                departs[later + 1 :] = [NEVER] * (len(departs) - later - 1)
                break
            now += self.service[later]
            departs[later + 1] = now
        return np.array(departs)

    def insertion(self, orders: IntArray, source: int) -> tuple[IntArray, IntArray]:
        """Cheapest insertion of each of `orders` (all of one `source`): (m,) extra seconds (NEVER where it cannot be)
        and (m,) positions. `source` -1: the van's own orders. Remembered, because most lists outlive many rounds."""
        known, extra, position = self._known
        unknown = orders[~known[orders]]
        if len(unknown):
            extra[unknown], position[unknown] = self._insertion(unknown, source)
            known[unknown] = True
        return extra[orders], position[orders]

    @cached_property
    def _known(self) -> tuple[BoolArray, IntArray, IntArray]:
        count = self.ground.count
        return (
            np.zeros(count, dtype=np.bool_),
            np.empty(count, dtype=np.int64),
            np.empty(count, dtype=np.int64),
        )

    def _insertion(self, orders: IntArray, source: int) -> tuple[IntArray, IntArray]:
        if source < 0:
            departs, room = self.departs, None
        elif source in self.called:
            if source not in self._after_call:
                self._after_call[source] = (self._departs_with_one_more(source), self._room(source))
            departs, room = self._after_call[source]
        else:
            return np.full(len(orders), NEVER), np.zeros(len(orders), dtype=np.int64)
        ground = self.ground
        there = ground.location[orders]
        onto = ground.travel[self.stops[:-1, None], there[None, :]]
        off = ground.travel[there[None, :], self.stops[1:, None]]
        begin = np.maximum(departs[:, None] + onto, ground.open[orders])
        possible = begin <= ground.close[orders]
        possible &= begin + off <= self.latests[:, None] - ground.service[orders]
        if room is not None:
            possible &= ground.size[orders] <= room[:, None]
        extra = np.where(possible, onto + off - self.legs[:, None], NEVER)
        position = extra.argmin(axis=0)
        return extra[position, np.arange(len(orders))], position

    def _room(self, source: int) -> IntArray:
        """(positions,) the largest order of `source` that may be delivered there; -1 before the call."""
        room = np.full(len(self.nodes) + 1, -1, dtype=np.int64)
        call, least = self.called[source], NEVER
        ends = [position for position, _ in self.free_at[1:]] + [len(self.nodes)]
        for (position, free), until in zip(self.free_at, ends, strict=True):
            if position < call:
                continue
            least = min(least, free)
            room[position + 1 : until + 1] = least
        return room

    def calling_costs(self, place: int) -> IntArray:
        """(positions,) extra seconds of calling at `place` there, NEVER where the rest would come too late."""
        ground = self.ground
        node = ground.count + place
        there = ground.location[node]
        onto = ground.travel[self.stops[:-1], there]
        off = ground.travel[there, self.stops[1:]]
        begin = np.maximum(self.departs + onto, ground.open[node])
        possible = begin + ground.service[node] + off <= self.latests
        return np.where(possible, onto + off - self.legs, NEVER)

    def with_node(self, node: int, position: int) -> Line:
        """The list with one node more."""
        return Line(self.ground, self.van, [*self.nodes[:position], node, *self.nodes[position:]])

    def without(self, gone: set[int]) -> Line:
        """The list without these nodes."""
        return Line(self.ground, self.van, [node for node in self.nodes if node not in gone])

    def without_idle_calls(self) -> Line:
        """The list without calls at which nothing is taken over."""
        idle = {self.ground.count + place for place in self.called if not (self.picked == place).any()}
        return self.without(idle) if idle else self
