"""One van's list with its schedule, and what inserting something would cost: the inner loop of the search.

A list is a sequence of node numbers: order i is node i, calling at place b is node N + b. A van calls at a place at
most once and there takes over exactly the stranded orders of that place that stand later in its list.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, IntArray, Problem
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
        self.per_order = places.handover_per_order_seconds.tolist()
        self.home = problem.home
        self.source = orders.source
        self.eta = problem.eta_seconds
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
        facts = [ground.nodes[node] for node in nodes]
        start, end = int(vans.start[van]), int(vans.end[van])
        self.stops = np.array([start, *(fact[0] for fact in facts), end], dtype=np.int64)
        self.legs = ground.travel[self.stops[:-1], self.stops[1:]].astype(np.int64)
        self.driving = 0 if vans.reserve[van] and not nodes else int(self.legs.sum())
        self.called: dict[int, int] = {}
        self.picked: dict[int, int] = {}
        picked_size: dict[int, int] = {}
        for position, node in enumerate(nodes):
            if node >= ground.count:
                self.called[node - ground.count] = position
            elif facts[position][5] >= 0:
                source = facts[position][5]
                self.picked[source] = self.picked.get(source, 0) + 1
                picked_size[source] = picked_size.get(source, 0) + facts[position][4]
        goods_at_hand = all(place in self.called for place in self.picked)
        self.feasible = goods_at_hand and self._drive(facts) and self._carry(facts, picked_size)

    def _drive(self, facts: list[tuple[int, int, int, int, int, int]]) -> bool:
        """Forward: earliest departures and beginnings. Backward: latest beginnings that keep everything after."""
        ground, legs = self.ground, self.legs.tolist()
        service = [fact[3] for fact in facts]
        for place, position in self.called.items():
            service[position] += self.picked.get(place, 0) * ground.per_order[place]
        now, in_time = int(ground.problem.vans.ready_seconds[self.van]), True
        departs, begins = [now], []
        for position, fact in enumerate(facts):
            now += legs[position]
            if now < fact[1]:
                now = fact[1]
            if now > fact[2]:
                in_time = False
            begins.append(now)
            now += service[position]
            departs.append(now)
        latest = ground.limit[self.van]
        self.returns = now + legs[-1]
        latests = [latest]
        for position in range(len(facts) - 1, -1, -1):
            latest -= legs[position + 1] + service[position]
            if latest > facts[position][2]:
                latest = facts[position][2]
            latests.append(latest)
        latests.reverse()
        self.begins, self.departs, self.latests = begins, np.array(departs), np.array(latests)
        self.service = service
        return in_time and (self.returns <= ground.limit[self.van] or (not facts and self.driving == 0))

    def _carry(self, facts: list[tuple[int, int, int, int, int, int]], picked_size: dict[int, int]) -> bool:
        """A call may not load the van above its capacity; between calls it only gets lighter."""
        capacity = int(self.ground.problem.vans.capacity[self.van])
        load = int(self.ground.problem.aboard[self.van])
        self.loads = [load]
        self.free_at: list[tuple[int, int]] = []
        fits = True
        for position, node in enumerate(self.nodes):
            if node >= self.ground.count:
                load += picked_size.get(node - self.ground.count, 0)
                self.free_at.append((position, capacity - load))
                fits = fits and load <= capacity
            else:
                load -= facts[position][4]
            self.loads.append(load)
        return fits

    @cached_property
    def price(self) -> int:
        """Driving seconds plus what calm costs: a touched sound van, customers on it whose arrival shifts."""
        ground, policy = self.ground, self.ground.policy
        price = self.driving
        if not ground.problem.vans.reserve[self.van] and self.nodes != list(ground.problem.planned[self.van]):
            price += policy.touch_price_seconds
        if policy.shift_price_seconds:
            eta = ground.eta
            shifted = sum(
                1
                for node, begin in zip(self.nodes, self.begins, strict=True)
                if node < ground.count and eta[node] >= 0 and abs(begin - eta[node]) > SHIFT_LIMIT_SECONDS
            )
            price += shifted * policy.shift_price_seconds
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
        and (m,) positions. `source` -1: the van's own orders."""
        room = None
        if source < 0:
            departs = self.departs
        elif source in self.called:
            departs = self._departs_with_one_more(source)
            room = self._room(source)
        else:
            return np.full(len(orders), NEVER), np.zeros(len(orders), dtype=np.int64)
        ground = self.ground
        there = ground.location[orders]
        onto = ground.travel[self.stops[:-1, None], there[None, :]].astype(np.int64)
        off = ground.travel[there[None, :], self.stops[1:, None]].astype(np.int64)
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
        onto = ground.travel[self.stops[:-1], there].astype(np.int64)
        off = ground.travel[there, self.stops[1:]].astype(np.int64)
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
        idle = {self.ground.count + place for place in self.called if not self.picked.get(place)}
        return self.without(idle) if idle else self

