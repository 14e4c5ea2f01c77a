"""What takes part in a search: the vans that may call, what they carry, and today's lists, numbered anew from 0.

Only these are laid out, so that a search costs as much as the disrupted neighbourhood, not as the day.
"""

from __future__ import annotations

import numpy as np

from changbei.compute.recovery.draft import Draft
from changbei.compute.recovery.kernel import Lists, World
from changbei.compute.recovery.kernel.world import (
    ABOARD,
    AFTER,
    CAPACITY,
    CLOSES,
    EACH,
    EARLY,
    FIRST,
    FRAGILE,
    HOME,
    I32,
    I64,
    LASTS,
    LATE,
    LIMIT,
    LISTED,
    OPENS,
    PRICE,
    READY,
    RESERVE,
    SHIFT_PRICE,
    SIZE,
    SOURCE,
)
from changbei.compute.recovery.lines import NEVER, Ground, Line
from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, BoolArray
from changbei.compute.whole import IntArray

CALLERS = 24
"""How many of the lines nearest to a place are considered for a call there; all its reserves are."""

SPARE_LENGTH = 200
"""How many stops a list may have more than the longest of today's and of those begun with."""

NOTICED_SECONDS = 30
"""From this price of a shift on, insertions look at who would be shifted by them: it takes twice the time."""

ROWS_AT_ONCE = 256
"""Rows of the matrix that are looked up at once: all would be one more matrix for a while."""


class Neighbourhood:
    """The vans that may take part and what they carry, numbered anew from 0."""

    def __init__(self, ground: Ground, start: Draft) -> None:
        self.ground, self.places = ground, len(ground.problem.places)
        self.vans = _callers(ground, start)
        column = np.full(len(ground.problem.vans) + 1, -1, dtype=np.int64)  # the last: home -1 stays -1
        column[self.vans] = np.arange(len(self.vans))
        self.column = column
        home = ground.home
        hopeful = self._hopeful()
        stranded = np.flatnonzero((ground.source >= 0) & hopeful)
        stranded = stranded[np.argsort(ground.source[stranded], kind="stable")]
        own = np.flatnonzero((column[home] >= 0) & (home >= 0) & hopeful)
        self.stranded = len(stranded)
        self.orders: IntArray = np.concatenate([stranded, own])
        self.number = np.full(ground.count + self.places, -1, dtype=np.int64)
        self.number[self.orders] = np.arange(len(self.orders))
        self.number[ground.count :] = len(self.orders) + np.arange(self.places)
        self.original = np.concatenate([self.orders, ground.count + np.arange(self.places)])
        longest = max((_longest(ground, start, van) for van in self.vans), default=0)
        self.room = min(longest + SPARE_LENGTH, len(self.original))

    def _hopeful(self) -> BoolArray:
        """(N,) whether the window can be met at all: trying the others every time would only cost time."""
        ground, count = self.ground, self.ground.count
        latest = max((ground.limit[van] for van in self.vans), default=0)
        begin = ground.open[:count]
        return np.asarray((begin <= ground.close[:count]) & (begin + ground.service[:count] <= latest))

    def world(self) -> World:
        """Everything that stays as it is."""
        ground, problem = self.ground, self.ground.problem
        vans, nodes = problem.vans, self.original
        where = np.concatenate([ground.location[nodes], vans.start[self.vans], vans.end[self.vans]])
        home = self.column[ground.home[self.orders]]
        carried = [self._carried(home, column) for column in range(len(self.vans))]
        travel, located = self._travel()
        onto, off = self._matrices(where, carried)
        planned, planned_length = self._table([list(problem.planned[van]) for van in self.vans])
        policy = ground.policy
        terms = [
            policy.touch_price_seconds,
            max(policy.shift_price_seconds, policy.stranded_shift_price_seconds) >= NOTICED_SECONDS,
            self.stranded,
        ]
        node = np.zeros((len(nodes), 13), dtype=np.int64)
        node[:, OPENS], node[:, CLOSES] = ground.open[nodes], ground.close[nodes]
        node[:, LASTS], node[:, SIZE] = ground.service[nodes], ground.size[nodes]
        node[:, SOURCE], node[:, HOME] = ground.node_source[nodes], -1
        eta = ground.node_eta[nodes]
        node[:, SHIFT_PRICE] = ground.shift_price[nodes]
        node[:, EARLY] = np.where(eta >= 0, eta - SHIFT_LIMIT_SECONDS, -NEVER)
        node[:, LATE] = np.where(eta >= 0, eta + SHIFT_LIMIT_SECONDS, NEVER)
        node[: len(self.orders), HOME] = home
        node[: len(self.orders), PRICE] = ground.unserved_price[self.orders]
        places = np.arange(self.places)
        node[len(self.orders) :, EACH] = ground.per_order
        lying = ground.source[self.orders[: self.stranded]]
        node[len(self.orders) :, FIRST] = np.searchsorted(lying, places)
        node[len(self.orders) :, AFTER] = np.searchsorted(lying, places, side="right")
        van = np.zeros((len(self.vans), 7), dtype=np.int64)
        van[:, READY], van[:, LIMIT] = vans.ready_seconds[self.vans], np.array(ground.limit)[self.vans]
        van[:, CAPACITY], van[:, ABOARD] = vans.capacity[self.vans], problem.aboard[self.vans]
        van[:, RESERVE], van[:, LISTED] = vans.reserve[self.vans], planned_length
        van[:, FRAGILE] = [not ground.planned_line(van).feasible for van in self.vans]
        counts = [len(self.orders), self.places, len(self.vans)]
        return World(
            travel=travel,
            where=located,
            onto=onto,
            off=off,
            node=node,
            van=van,
            planned=planned,
            allowed=self._allowed(),
            reach=self._reach(onto, off, carried),
            terms=np.array([*counts, *terms], dtype=np.int64),
        )

    def _travel(self) -> tuple[I32, I64]:
        """The matrix and where in it the orders are; of one that would be copied, their rows and columns only."""
        travel, located = self.ground.travel, self.ground.location[self.orders]
        if travel.dtype == np.int32 and travel.flags.c_contiguous:
            return travel.view(np.int32), located
        needed, located = np.unique(located, return_inverse=True)
        among = np.empty((len(needed), len(needed)), dtype=np.int32)
        for row, location in enumerate(needed):
            among[row] = travel[location, needed]
        return among, located.reshape(-1)

    def _matrices(self, where: IntArray, carried: list[IntArray]) -> tuple[I32, I32]:
        """(nodes, nodes) seconds from node to node, and the transpose, for whatever may ever be on one list: what is
        stranded and the places with everything, what a van carries with the same van's. The rest is 0 and most of it
        never takes memory: it would be nearly all of the work.
        """
        travel = self.ground.travel
        onto, off = (np.zeros((len(where), len(where)), dtype=np.int32) for _ in range(2))
        with_all = np.concatenate([np.arange(self.stranded), len(self.orders) + np.arange(self.places)])
        for first in range(0, len(with_all), ROWS_AT_ONCE):
            some = with_all[first : first + ROWS_AT_ONCE]
            leaving = travel[where[some][:, None], where[None, :]]
            coming = travel[where[:, None], where[some][None, :]]
            onto[some], off[some] = leaving, coming.T
            onto[:, some], off[:, some] = coming, leaving.T
        for own in carried:
            among = travel[where[own][:, None], where[own][None, :]]
            onto[own[:, None], own[None, :]], off[own[:, None], own[None, :]] = among, among.T
        return onto, off

    def _carried(self, home: IntArray, column: int) -> IntArray:
        """The nodes of a van alone: what it carries, where it is, where it ends."""
        start = len(self.original) + column
        return np.append(np.flatnonzero(home == column), [start, start + len(self.vans)])

    def _allowed(self) -> IntArray:
        """(P, K) rank of nearness from 1; 0: may not call."""
        allowed = np.zeros((self.places, len(self.vans)), dtype=np.int64)
        for place, ranked in enumerate(self.ground.allowed):
            columns = [int(self.column[van]) for van in ranked if self.column[van] >= 0]
            allowed[place, columns] = np.arange(1, len(columns) + 1)
        return allowed

    def _reach(self, onto: I32, off: I32, carried: list[IntArray]) -> I32:
        """(stranded, K) seconds there and back between an order and the nearest stop of a van's list, or its start."""
        reserve, stranded = self.ground.problem.vans.reserve, slice(self.stranded)
        reach = np.zeros((self.stranded, len(self.vans)), dtype=np.int32)
        places = len(self.orders) + self.ground.source[self.orders[stranded]]
        of_place = onto[np.arange(self.stranded), places] + off[np.arange(self.stranded), places]
        for column, van in enumerate(self.vans):
            if reserve[van]:  # it comes from the goods
                reach[:, column] = of_place
                continue
            stops = carried[column][:-1]
            reach[:, column] = (onto[stops, stranded] + off[stops, stranded]).min(axis=0)
        return np.minimum(reach, 10**8)

    def _table(self, lists: list[list[int]]) -> tuple[I32, I64]:
        """Lists as rows with room to grow, and their lengths; what cannot be served by anybody is not in them."""
        lists = [[node for node in nodes if self.number[node] >= 0] for nodes in lists]
        table = np.full((len(lists), self.room), -1, dtype=np.int32)
        for row, nodes in enumerate(lists):
            table[row, : len(nodes)] = self.number[nodes]
        return table, np.array([len(nodes) for nodes in lists], dtype=np.int64)

    def lists(self, start: Draft) -> Lists:
        """The draft's lists."""
        return Lists(*self._table([start.line(van).nodes for van in self.vans]), 0)

    def draft(self, start: Draft, lists: Lists) -> Draft:
        """The lists found, in the numbers of the problem."""
        lines: dict[int, Line] = {}
        for column, van in enumerate(self.vans):
            found = self.original[lists.nodes[column, : lists.length[column]]].tolist()
            if van in start.lines or found != list(self.ground.problem.planned[van]):
                lines[van] = self.ground.line(van, found)
        before = {n for van in lines for n in start.line(van).nodes if n < self.ground.count}
        after = {n for line in lines.values() for n in line.nodes if n < self.ground.count}
        bank = (set(start.bank) | before) - after
        return Draft(self.ground, lines, tuple(sorted(bank))).tidied()


def _longest(ground: Ground, start: Draft, van: int) -> int:
    return max(len(ground.problem.planned[van]), len(start.line(van).nodes))


def _callers(ground: Ground, start: Draft) -> list[int]:
    """Vans that may call somewhere, the nearest of them, and those whose list differs from today's already."""
    found = set(start.lines)
    reserve = ground.problem.vans.reserve
    for ranked in ground.allowed:
        found |= {van for van in ranked if reserve[van]}
        found |= set([van for van in ranked if not reserve[van]][:CALLERS])
    return sorted(found)
