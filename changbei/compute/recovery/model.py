"""What a disrupted delivery day looks like in arrays, and what a recovery of it looks like.

All times are whole seconds on one axis that the caller chooses (seconds of the local day, for example), all sizes
whole units the caller chooses (cartons, litres). Locations, vans, orders, places and sites are counted from 0; an
index of -1 means "none". What is not a whole number within ±2⁴⁰ is refused; closing times and shift ends may be
larger, or infinite, where there is no limit. Goods belong to a customer: what is aboard a sound van is delivered by
that van or not at all, what is stranded at a place is delivered by a van that has called at that place before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from changbei.compute.whole import HUGE, IntArray, Integers, sequences, whole_number, whole_numbers
from changbei.core.errors import Invalid
from changbei.core.errors import Problem as Wrong

BoolArray = npt.NDArray[np.bool_]

SHIFT_LIMIT_SECONDS = 15 * 60
"""A customer notices when the van comes this much earlier or later than announced (issue text: 15 minutes)."""


@dataclass(frozen=True, slots=True, eq=False)
class Vans:
    """K vans that can still drive; the broken ones are not among them. Arrays of length K.

    start, end: locations; a van standing at a customer starts there. ready_seconds: when it may leave `start`.
    shift_end_seconds: hard, back at `end`. capacity: size units. reserve: stands ready, has no orders of its own and
    costs nothing while it stays. site: the site it belongs to, -1 when unknown.
    """

    start: IntArray
    end: IntArray
    ready_seconds: IntArray
    shift_end_seconds: IntArray
    capacity: IntArray
    reserve: BoolArray
    site: IntArray

    @classmethod
    def of(
        cls,
        *,
        start: Integers,
        end: Integers | int,
        ready_seconds: Integers | int,
        shift_end_seconds: Integers | int,
        capacity: Integers | int,
        reserve: Sequence[bool] | BoolArray | None = None,
        site: Integers | int = 0,
    ) -> Vans:
        """Takes lists or arrays; a single number stands for every van."""
        starts = whole_numbers("vans.start", start)
        count = len(starts)
        flags = np.array(reserve if reserve is not None else [False] * count, dtype=np.bool_).reshape(-1)
        if len(flags) != count:
            raise Invalid("vans.reserve", f"has {len(flags)} entries, expected {count}")
        flags.setflags(write=False)
        return cls(
            start=starts,
            end=whole_numbers("vans.end", end, count),
            ready_seconds=whole_numbers("vans.ready_seconds", ready_seconds, count),
            shift_end_seconds=whole_numbers("vans.shift_end_seconds", shift_end_seconds, count, endless=True),
            capacity=whole_numbers("vans.capacity", capacity, count),
            reserve=flags,
            site=whole_numbers("vans.site", site, count),
        )

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """N undelivered orders; driven stops are not among them. Arrays of length N.

    window_open_seconds, window_close_seconds: service must begin within; a van that comes early waits; a
    window that closes before it opens cannot be met (an area suspended for the day). size: what it
    takes up in a van. priority: weight ≥ 1 of leaving it unserved (vulnerable and key customers weigh more); value:
    breaks ties between equal priorities (fen, for example). source: the place where its goods lie, or -1 when they
    are aboard the van in whose sequence it stands. eta_seconds: the beginning of service the customer was told; -1
    when unknown (then, for orders of sound vans, that of the undisturbed sequence is taken).
    """

    location: IntArray
    window_open_seconds: IntArray
    window_close_seconds: IntArray
    service_seconds: IntArray
    size: IntArray
    priority: IntArray
    value: IntArray
    source: IntArray
    eta_seconds: IntArray

    @classmethod
    def of(
        cls,
        *,
        location: Integers,
        service_seconds: Integers | int,
        size: Integers | int,
        window_open_seconds: Integers | int = 0,
        window_close_seconds: Integers | int = 10**9,
        priority: Integers | int = 1,
        value: Integers | int = 0,
        source: Integers | int = -1,
        eta_seconds: Integers | int = -1,
    ) -> Orders:
        """Takes lists or arrays; a single number stands for every order."""
        locations = whole_numbers("orders.location", location)
        count = len(locations)
        closes = whole_numbers("orders.window_close_seconds", window_close_seconds, count, endless=True)
        given: dict[str, Integers | int] = {
            "window_open_seconds": window_open_seconds,
            "service_seconds": service_seconds,
            "size": size,
            "priority": priority,
            "value": value,
            "source": source,
            "eta_seconds": eta_seconds,
        }
        columns = {name: whole_numbers(f"orders.{name}", raw, count) for name, raw in given.items()}
        return cls(location=locations, window_close_seconds=closes, **columns)

    def __len__(self) -> int:
        return len(self.location)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """P places where goods wait for a van: breakdowns, or a depot with orders to be fetched. Arrays of length P.

    Taking over n orders in one call lasts handover_seconds + n · handover_per_order_seconds. ready_seconds: no
    hand-over before (goods still being picked). site: the site of the broken van, whose reserve comes first; -1 none.
    planned: per place the orders in the sequence the broken van would have driven; end: where it would have returned
    to; both only serve to price the undisturbed remainder and may be empty / -1.
    """

    location: IntArray
    handover_seconds: IntArray
    handover_per_order_seconds: IntArray
    ready_seconds: IntArray
    site: IntArray
    end: IntArray
    planned: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls,
        *,
        location: Integers,
        handover_seconds: Integers | int = 300,
        handover_per_order_seconds: Integers | int = 8,
        ready_seconds: Integers | int = 0,
        site: Integers | int = -1,
        end: Integers | int = -1,
        planned: Sequence[Sequence[int]] | None = None,
    ) -> Places:
        """Takes lists or arrays; a single number stands for every place."""
        locations = whole_numbers("places.location", location)
        count = len(locations)
        rows = sequences("places.planned", planned) if planned is not None else ((),) * count
        if len(rows) != count:
            raise Invalid("places.planned", f"has {len(rows)} entries, expected {count}")
        given: dict[str, Integers | int] = {
            "handover_seconds": handover_seconds,
            "handover_per_order_seconds": handover_per_order_seconds,
            "ready_seconds": ready_seconds,
            "site": site,
            "end": end,
        }
        columns = {name: whole_numbers(f"places.{name}", raw, count) for name, raw in given.items()}
        return cls(location=locations, planned=rows, **columns)

    def __len__(self) -> int:
        return len(self.location)


NO_PLACES = Places.of(location=())


@dataclass(frozen=True, eq=False)
class Problem:
    """A disrupted day at one moment. Checked on construction; raises `Invalid` listing everything wrong.

    travel_seconds: (L, L) integers, [from, to], not necessarily symmetric. planned: per van the orders it would still
    deliver today, in sequence (empty for reserve vans). site_location: (S,) locations of the sites, used to find the
    nearest other site's reserve (E3.3.2). base_driving_seconds: driving of the undisturbed remainder of the day;
    None: computed from `planned` and `places.planned`.
    """

    travel_seconds: npt.NDArray[np.integer]
    vans: Vans
    orders: Orders
    planned: tuple[tuple[int, ...], ...]
    places: Places = NO_PLACES
    site_location: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    base_driving_seconds: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "travel_seconds", np.asarray(self.travel_seconds))
        object.__setattr__(self, "planned", sequences("planned", self.planned))
        object.__setattr__(self, "site_location", whole_numbers("site_location", self.site_location))
        if self.base_driving_seconds is not None:
            driving = whole_number("base_driving_seconds", self.base_driving_seconds)
            object.__setattr__(self, "base_driving_seconds", driving)
        _refuse_if(list(_problems(self)))

    @cached_property
    def home(self) -> IntArray:
        """(N,) the van that has the order aboard, -1 for stranded orders."""
        home = np.full(len(self.orders), -1, dtype=np.int64)
        for van, row in enumerate(self.planned):
            home[list(row)] = van
        return home

    @cached_property
    def nearness_seconds(self) -> IntArray:
        """(P, K) how near a van's remaining line is to the goods of a place: the mean, over its orders, of the shortest
        drive to one from where the van stands or will stop; of a reserve van the drive to the place itself."""
        goods = [self.orders.location[self.orders.source == place] for place in range(len(self.places))]
        targets = [
            lying if len(lying) else [here] for lying, here in zip(goods, self.places.location, strict=True)
        ]
        near = np.empty((len(targets), len(self.vans)), dtype=np.int64)
        if not targets:
            return near
        every, many = np.concatenate(targets), np.array([len(of_place) for of_place in targets])
        first = np.cumsum(many) - many
        for van, row in enumerate(self.planned):
            if self.vans.reserve[van]:
                near[:, van] = self.travel_seconds[self.vans.start[van], self.places.location]
                continue
            stops = np.append(self.orders.location[list(row)], self.vans.start[van])
            shortest = self.travel_seconds[stops[:, None], every[None, :]].min(axis=0)
            near[:, van] = np.add.reduceat(shortest, first, dtype=np.int64) // many
        return near

    @cached_property
    def aboard(self) -> IntArray:
        """(K,) size of the goods aboard each van now."""
        return np.array([self.orders.size[list(row)].sum() for row in self.planned], dtype=np.int64)

    @cached_property
    def van_limit_seconds(self) -> IntArray:
        """(K,) latest return: the shift end, or driving straight home when not even that keeps the shift."""
        straight = self.vans.ready_seconds + self.travel_seconds[self.vans.start, self.vans.end]
        return np.maximum(self.vans.shift_end_seconds, straight)

    @cached_property
    def eta_seconds(self) -> IntArray:
        """(N,) the beginning of service each customer expects; -1 unknown."""
        eta = np.array(self.orders.eta_seconds)
        for van, row in enumerate(self.planned):
            now, here = int(self.vans.ready_seconds[van]), int(self.vans.start[van])
            for order in row:
                there = int(self.orders.location[order])
                now = max(
                    now + int(self.travel_seconds[here, there]), int(self.orders.window_open_seconds[order])
                )
                if eta[order] < 0:
                    eta[order] = now
                now, here = now + int(self.orders.service_seconds[order]), there
        return eta

    @cached_property
    def undisturbed_driving_seconds(self) -> int:
        """Driving that was left today before the disruption."""
        if self.base_driving_seconds is not None:
            return self.base_driving_seconds
        total = 0
        for van, row in enumerate(self.planned):
            if row or not self.vans.reserve[van]:
                total += self._driving(int(self.vans.start[van]), row, int(self.vans.end[van]))
        for place, row in enumerate(self.places.planned):
            if row:
                end = int(self.places.end[place])
                total += self._driving(int(self.places.location[place]), row, end)
        return total

    def _driving(self, start: int, row: Sequence[int], end: int) -> int:
        stops = [start, *(int(self.orders.location[i]) for i in row)]
        if end >= 0:
            stops.append(end)
        return int(self.travel_seconds[stops[:-1], stops[1:]].sum())


def _problems(problem: Problem) -> list[tuple[str, str]]:
    """Everything wrong with the arrays, as (field, message)."""
    matrix, vans, orders, places = problem.travel_seconds, problem.vans, problem.orders, problem.places
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.issubdtype(matrix.dtype, np.integer):
        return [("travel_seconds", f"must be a square integer matrix, is {matrix.dtype}{list(matrix.shape)}")]
    wrong: list[tuple[str, str]] = []
    if matrix.size and int(matrix.min()) < 0:
        wrong.append(("travel_seconds", "has negative entries"))
    if matrix.size and int(matrix.max()) > 10**8:
        wrong.append(
            ("travel_seconds", "has entries above 100,000,000 s; say ‘unreachable’ with at most that")
        )

    def within(name: str, array: IntArray, low: int, high: int) -> None:
        bad = np.flatnonzero((array < low) | (array >= high))
        if len(bad):
            wrong.append((name, f"entry {bad[0]} is {array[bad[0]]}, allowed are {low} to {high - 1}"))

    size, sites = len(matrix), max(len(problem.site_location), 1)
    within("vans.start", vans.start, 0, size)
    within("vans.end", vans.end, 0, size)
    within("vans.ready_seconds", vans.ready_seconds, 0, HUGE)
    within("vans.shift_end_seconds", vans.shift_end_seconds, -HUGE, HUGE + 1)
    within("vans.site", vans.site, -1, sites)
    within("vans.capacity", vans.capacity, 0, HUGE)
    within("orders.location", orders.location, 0, size)
    within("orders.window_open_seconds", orders.window_open_seconds, -HUGE, HUGE)
    within("orders.window_close_seconds", orders.window_close_seconds, -HUGE, HUGE + 1)
    within("orders.eta_seconds", orders.eta_seconds, -HUGE, HUGE)
    within("orders.service_seconds", orders.service_seconds, 0, HUGE)
    within("orders.size", orders.size, 0, HUGE)
    within("orders.priority", orders.priority, 1, 10**6)
    within("orders.value", orders.value, 0, HUGE)
    within("orders.source", orders.source, -1, len(places))
    within("places.location", places.location, 0, size)
    within("places.end", places.end, -1, size)
    within("places.ready_seconds", places.ready_seconds, -HUGE, HUGE)
    within("places.handover_seconds", places.handover_seconds, 0, HUGE)
    within("places.handover_per_order_seconds", places.handover_per_order_seconds, 0, HUGE)
    within("places.site", places.site, -1, sites)
    within("site_location", problem.site_location, 0, size)
    if len(problem.planned) != len(vans):
        return [*wrong, ("planned", f"has {len(problem.planned)} sequences for {len(vans)} vans")]
    return wrong + _sequence_problems(problem)


def _sequence_problems(problem: Problem) -> list[tuple[str, str]]:
    """Each order aboard stands in exactly one van's sequence; a broken van's sequence names only its own orders."""
    wrong: list[tuple[str, str]] = []
    source, count = problem.orders.source, len(problem.orders)
    seen = np.zeros(count, dtype=np.int64)
    for van, row in enumerate(problem.planned):
        for order in row:
            if not 0 <= order < count:
                wrong.append(("planned", f"van {van} has an unknown order {order}"))
                continue
            seen[order] += 1
            if source[order] >= 0:
                wrong.append(
                    ("planned", f"van {van} has order {order}, whose goods lie at place {source[order]}")
                )
        if row and problem.vans.reserve[van]:
            wrong.append(("planned", f"reserve van {van} has orders of its own"))
    bad = np.flatnonzero((source < 0) & (seen != 1))
    if len(bad):
        wrong.append(("planned", f"order {bad[0]} is aboard a van but stands in {seen[bad[0]]} sequences"))
    for place, row in enumerate(problem.places.planned):
        if any(not 0 <= order < count or source[order] != place for order in row) or len(set(row)) != len(
            row
        ):
            wrong.append(
                ("places.planned", f"the sequence of place {place} must name orders that lie there, once")
            )
    return wrong


def _refuse_if(wrong: list[tuple[str, str]]) -> None:
    if wrong:
        raise Invalid(problems=[Wrong(name, message) for name, message in wrong])
