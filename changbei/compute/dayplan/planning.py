"""Planning a whole day: savings, then ruin and recreate with simulated annealing.

A round looks beside neighbours only and costs the same whatever the size of the day: that is the decomposition, and up
to 8,000 stops the only one. Beyond, a pass goes over pieces, each a neighbourhood of lines around a stop drawn by
chance; every pass draws them anew, so that what was a border is the middle of a piece before long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from changbei.compute.dayplan.ground import Travel, ground_for, is_timed, stop_table, van_table
from changbei.compute.dayplan.kernel.annealing import anneal
from changbei.compute.dayplan.kernel.inserting import best_place
from changbei.compute.dayplan.kernel.lines import (
    COUNT,
    DRIVING,
    LOAD,
    SERVICES,
    SIZE,
    USUAL,
    Ground,
    Lines,
    holds,
    lay,
    no_lines,
    put_in,
    refresh,
    sequence_of,
)
from changbei.compute.dayplan.kernel.savings import join
from changbei.compute.dayplan.model import DayPlan, DayStops, DayVans, Even, IntArray, refuse_wrong
from changbei.compute.recovery.kernel.chance import State, below, state_of

PIECE_STOPS = 8000
"""Days up to this size are searched in one piece: measured at 4,000 and 7,000 stops, pieces were 2.4 % dearer after the
same seconds, as a hot search that may not cross a border freezes there. Larger days would not fit into memory."""
SMALL_PIECE_STOPS = 700
PIECE_SECONDS = 0.4
"""Time a piece gets in one pass at least: laying it out takes a tenth of that."""
ROUNDS_AT_ONCE = 500
"""Rounds between two looks at the clock, some 20 ms."""
EMPTY_VANS_OF_A_KIND = 3
HOT, COLD = 2.0, 0.03
"""Temperatures at the beginning and the end, in legs of average length between stops …"""
LONG_LINE_STOPS = 24.0
"""… and hotter when lines are longer than this: their stops are harder to get from one line to another."""
HOT_TIMED = 1.5
MOST_PASSES = 12
TINY = 1e-6
NOBODY: IntArray = np.zeros(0, dtype=np.int64)

Clock = Callable[[], float]


def plan(
    travel_seconds: npt.NDArray[np.integer],
    stops: DayStops,
    vans: DayVans,
    *,
    seconds: float,
    seed: int,
    iterations: int | None = None,
    even: Even | None = None,
    usual_lines: Sequence[Sequence[int]] | None = None,
    clock: Clock = time.perf_counter,
) -> DayPlan:
    """Lines for a day; capacity, windows and shifts are hard.

    travel_seconds: (L, L) integers, from row to column; it may be asymmetric. Cheapest is the sum of driving seconds,
    prices of stops left out, of strangers (`DayStops.strange_seconds`) and of uneven lines (`even`). `usual_lines`: per
    van the stops to begin with instead of savings; what does not hold there is put elsewhere. `seconds` of `clock` on
    one core; with `iterations` (rounds of ruin and recreate in all) the clock is not looked at and the result depends
    on the arguments only. Raises `Invalid`.
    """
    began = clock()
    refuse_wrong(travel_seconds, stops, vans)
    job = _Day(travel_seconds, stops, vans, even, seed)
    if len(stops.location):
        job.begin(usual_lines)
        _Cooling(job, began, seconds, iterations, clock).run()
    return job.result(clock() - began)


class _Day:
    """The whole day: its ground, its lines and the chance that all searching draws from."""

    def __init__(
        self,
        travel: npt.NDArray[np.integer],
        stops: DayStops,
        vans: DayVans,
        even: Even | None,
        seed: int,
    ) -> None:
        self.travel: Travel = np.ascontiguousarray(travel, dtype=np.int32)
        self.location = np.asarray(stops.location, dtype=np.int64)
        self.depot = np.asarray(vans.depot, dtype=np.int64)
        self.stop, self.van = stop_table(stops), van_table(vans)
        self.even = (even.percent_seconds, even.tolerance) if even else (0.0, 1.0)
        self.timed = is_timed(self.travel, self.stop, self.van)
        self.chance: State = state_of(seed)
        self.fair = np.ones((len(self.van), 3))
        self.ground = self._ground()
        self.lines = no_lines(len(self.stop), len(self.van))
        self.rounds = 0
        for van in range(len(self.van)):
            lay(self.ground, self.lines, van, NOBODY)

    def _ground(self) -> Ground:
        return ground_for(
            self.travel,
            self.location,
            self.depot,
            self.stop,
            self.van,
            self.fair,
            timed=self.timed,
            even=self.even,
        )

    def begin(self, usual: Sequence[Sequence[int]] | None) -> None:
        """First lines; then everybody who is on none, far ones first, where it is cheapest."""
        if usual is None:
            self._save()
        else:
            for van, line in enumerate(usual):
                self._lay_what_holds(van, line)
        self.share_fairly()
        reach = self.travel[self.depot[0], self.location]
        for stop in np.argsort(-reach, kind="stable").tolist():
            if self.lines.van[stop] < 0:
                self._put(stop)
        self.share_fairly()

    def _put(self, stop: int) -> None:
        price, before, van = best_place(self.ground, self.lines, stop, self.chance)
        if van >= 0 and price < self.stop[stop, 4]:
            put_in(self.ground, self.lines, stop, before, van)

    def _lay_what_holds(self, van: int, line: Sequence[int]) -> None:
        lay(self.ground, self.lines, van, np.array(line, dtype=np.int64))
        if holds(self.ground, self.lines, van):
            return
        kept: list[int] = []
        for stop in line:
            self.lines.van[list(line)] = -1
            lay(self.ground, self.lines, van, np.array([*kept, stop], dtype=np.int64))
            if holds(self.ground, self.lines, van):
                kept.append(stop)
        self.lines.van[list(line)] = -1
        lay(self.ground, self.lines, van, np.array(kept, dtype=np.int64))

    def _save(self) -> None:
        """Each depot's stops joined to trips; the largest go to the largest vans."""
        nearest = self._nearest_depot()
        for depot in np.unique(self.depot).tolist():
            crew = np.flatnonzero(self.depot == depot)
            mine = np.flatnonzero(nearest == depot)
            if not len(mine):
                continue
            trips = self._trips(depot, crew, mine)
            by_room = crew[np.argsort(-self.van[crew, 0], kind="stable")]
            for van, trip in zip(by_room.tolist(), trips, strict=False):
                self._lay_what_holds(van, trip)

    def _nearest_depot(self) -> IntArray:
        """(N,) the nearest depot, as long as its vans have room; who would lose most elsewhere chooses first."""
        depots = np.unique(self.depot)
        there = self.travel[depots[:, None], self.location[None, :]].astype(np.int64)
        chosen: IntArray = depots[there.argmin(axis=0)]
        if len(depots) == 1:
            return chosen
        ranked = np.sort(there, axis=0)
        room = {int(depot): int(self.van[self.depot == depot, 0].sum()) for depot in depots}
        for stop in np.argsort(ranked[0] - ranked[1], kind="stable").tolist():
            size = int(self.stop[stop, SIZE])
            by_distance = depots[np.argsort(there[:, stop], kind="stable")].tolist()
            depot = next((one for one in by_distance if room[one] >= size), by_distance[0])
            room[depot] -= size
            chosen[stop] = depot
        return chosen

    def _trips(self, depot: int, crew: IntArray, mine: IntArray) -> list[list[int]]:
        near = self.ground.near[mine]
        rank = np.full(len(self.stop), -1)
        rank[mine] = np.arange(len(mine))
        first, second = np.repeat(np.arange(len(mine)), near.shape[1]), rank[near.ravel()]
        first, second = first[second >= 0], second[second >= 0]
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
        at = self.location[mine]
        out, home = self.travel[depot, at].astype(np.int64), self.travel[at, depot].astype(np.int64)
        saved = home[first] + out[second] - self.travel[at[first], at[second]]
        order = np.argsort(-saved, kind="stable")
        order = order[saved[order] > 0]
        hours = (int(self.van[crew, 1].min()), int(self.van[crew, 2].max()))
        capacity = int(self.van[crew, 0].max())
        turnable = not self.timed and self._symmetric()
        table = self.stop[mine]
        route, head, after = join(
            self.travel, at, table, depot, hours, capacity, first[order], second[order], turnable
        )
        trips = []
        for top in np.unique(route).tolist():
            trip, here = [], int(head[top])
            while here >= 0:
                trip.append(int(mine[here]))
                here = int(after[here])
            trips.append(trip)
        return sorted(trips, key=lambda trip: -int(self.stop[trip, SIZE].sum()))

    def _symmetric(self) -> bool:
        """Judged by up to 64 rows."""
        some = slice(None, None, max(1, len(self.travel) // 64))
        return bool(np.array_equal(self.travel[some], self.travel[:, some].T))

    def share_fairly(self) -> None:
        """What each van's share of its depot's stops, work and load is by now."""
        tally = self.lines.tally
        hours = np.maximum(self.van[:, 2] - self.van[:, 1], 1).astype(float)
        for depot in np.unique(self.depot).tolist():
            crew = np.flatnonzero(self.depot == depot)
            by_hours = hours[crew] / hours[crew].sum()
            room = np.maximum(self.van[crew, 0], 1).astype(float)
            work = tally[crew, DRIVING].sum() + tally[crew, SERVICES].sum()
            self.fair[crew, 0] = np.maximum(by_hours * tally[crew, COUNT].sum(), 1.0)
            self.fair[crew, 1] = np.maximum(by_hours * work, 1.0)
            self.fair[crew, 2] = np.maximum(room / room.sum() * tally[crew, LOAD].sum(), 1.0)

    def result(self, wall_seconds: float) -> DayPlan:
        lines = tuple(tuple(sequence_of(self.lines, van).tolist()) for van in range(len(self.van)))
        count = len(self.stop)
        for van in range(len(self.van)):
            refresh(self.ground, self.lines, van)
        back = self.lines.early[count + len(self.van) :] - self.van[:, 1]
        usual = self.stop[:, USUAL]
        return DayPlan(
            lines=lines,
            left_out=tuple(np.flatnonzero(self.lines.van < 0).tolist()),
            driving_seconds=int(self.lines.tally[:, DRIVING].sum()),
            work_seconds=tuple(int(work) if line else 0 for work, line in zip(back, lines, strict=True)),
            strangers=int(((usual >= 0) & (self.lines.van >= 0) & (self.lines.van != usual)).sum()),
            rounds=self.rounds,
            wall_seconds=wall_seconds,
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some stops and vans of the day, laid out for themselves; `stops` and `vans` are their numbers in the day."""

    ground: Ground
    lines: Lines
    best: Lines
    stops: IntArray
    vans: IntArray

    @classmethod
    def of(cls, day: _Day, stops: IntArray, vans: IntArray) -> _Piece:
        used = np.unique(np.concatenate([day.location[stops], day.depot[vans]]))
        travel = day.travel[np.ix_(used, used)]
        number = np.full(len(day.van), -2)
        number[vans] = np.arange(len(vans))
        stop = day.stop[stops]
        known = stop[:, USUAL] >= 0
        stop[known, USUAL] = number[stop[known, USUAL]]
        ground = ground_for(
            np.ascontiguousarray(travel),
            np.searchsorted(used, day.location[stops]),
            np.searchsorted(used, day.depot[vans]),
            stop,
            day.van[vans],
            day.fair[vans],
            timed=day.timed,
            even=day.even,
        )
        piece = cls(ground, no_lines(len(stops), len(vans)), no_lines(len(stops), len(vans)), stops, vans)
        rank = np.full(len(day.stop), -1)
        rank[stops] = np.arange(len(stops))
        for at, van in enumerate(vans.tolist()):
            lay(ground, piece.lines, at, rank[sequence_of(day.lines, van)])
        return piece

    def back(self, day: _Day) -> None:
        """The piece's lines become the day's."""
        day.lines.van[self.stops] = -1
        for at, van in enumerate(self.vans.tolist()):
            lay(day.ground, day.lines, van, self.stops[sequence_of(self.lines, at)])

    def snapshot(self) -> tuple[IntArray, IntArray]:
        return self.lines.van.copy(), self.lines.after.copy()

    def go_back_to(self, kept: tuple[IntArray, IntArray]) -> None:
        after = kept[1]
        count = len(self.stops)
        self.lines.van[:] = -1
        for at in range(len(self.vans)):
            line, node = [], int(after[count + at])
            while node < count:
                line.append(node)
                node = int(after[node])
            lay(self.ground, self.lines, at, np.array(line, dtype=np.int64))


class _Cooling:
    """The search over all pieces and passes, while the temperature falls."""

    def __init__(self, day: _Day, began: float, seconds: float, iterations: int | None, clock: Clock) -> None:
        self.day, self.began, self.seconds, self.iterations, self.clock = (
            day,
            began,
            seconds,
            iterations,
            clock,
        )
        self.ready = 0.0 if iterations is not None else clock() - began
        count, vans = len(day.stop), max(int((day.lines.tally[:, COUNT] > 0).sum()), 1)
        legs = day.lines.leg[:count][(day.lines.van >= 0) & (day.lines.after[:count] < count)]
        leg = max(float(legs.mean()) if len(legs) else 1.0, 1.0)
        longer = max(count / vans / LONG_LINE_STOPS, 1.0)
        self.hot = leg * (HOT_TIMED if day.timed else HOT * longer**2)
        self.cold = leg * COLD

    def progress(self) -> float:
        """0 … 1 and beyond."""
        if self.iterations is not None:
            return self.day.rounds / self.iterations if self.iterations else 1.0
        left = max(self.seconds - self.ready, 1e-9)
        return (self.clock() - self.began - self.ready) / left

    def heat(self) -> float:
        return float(self.hot * (self.cold / self.hot) ** min(self.progress(), 1.0))

    def run(self) -> None:
        whole = len(self.day.stop)
        while self.progress() < 1.0:
            pieces = self._pieces()
            passes = self._passes_left(len(pieces))
            begun, done = self.progress(), 0
            share = (1.0 - begun) / passes
            for stops, vans in pieces:
                done += len(stops)
                until = 1.0 if passes == 1 and done == whole else begun + share * done / whole
                self._search(stops, vans, until, last=passes == 1)
            self.day.share_fairly()

    def _passes_left(self, pieces: int) -> int:
        if pieces == 1 and self.day.even[0] == 0.0:
            return 1
        if self.iterations is not None:
            left, least = float(self.iterations - self.day.rounds), 4.0 * ROUNDS_AT_ONCE
        else:
            left, least = (1.0 - self.progress()) * (self.seconds - self.ready), PIECE_SECONDS
        return max(1, min(MOST_PASSES, int(left / (pieces * least))))

    def _search(self, stops: IntArray, vans: IntArray, until: float, *, last: bool) -> None:
        """Rounds on one piece until the whole has come so far; at last the cheapest lines met are taken, before that
        those where the walk is."""
        piece = _Piece.of(self.day, stops, np.concatenate([vans, self._empty_vans()]))
        kept, now, lowest = piece.snapshot(), 0.0, 0.0
        while (progress := self.progress()) < until:
            rounds = self._rounds(until - progress)
            moved, best = anneal(piece.ground, piece.lines, piece.best, self.day.chance, rounds, self.heat())
            self.day.rounds += rounds
            if now + best < lowest - TINY:
                lowest = now + best
                kept = piece.best.van.copy(), piece.best.after.copy()
            now += moved
        if last and now > lowest + TINY:
            piece.go_back_to(kept)
        piece.back(self.day)

    def _rounds(self, part: float) -> int:
        if self.iterations is None:
            return ROUNDS_AT_ONCE
        return max(1, min(ROUNDS_AT_ONCE, round(part * self.iterations)))

    def _pieces(self) -> list[tuple[IntArray, IntArray]]:
        """All lines, in neighbourhoods of some hundred stops around stops drawn by chance."""
        day = self.day
        free = np.ones(len(day.stop), dtype=bool)
        found: list[tuple[IntArray, IntArray]] = []
        if len(free) <= PIECE_STOPS:
            return [(np.arange(len(free)), np.flatnonzero(day.lines.tally[:, COUNT] > 0))]
        while free.any():
            waiting = np.flatnonzero(free)
            seed = int(waiting[below(day.chance, len(waiting))])
            far = day.travel[day.location[seed], day.location].astype(np.int64)
            far = far + day.travel[day.location, day.location[seed]]
            order = waiting[np.argsort(far[waiting], kind="stable")]
            stops, vans = self._around(order)
            free[stops] = False
            found.append((stops, vans))
        return found

    def _around(self, order: IntArray) -> tuple[IntArray, IntArray]:
        """The first lines and unserved stops in this order, until they are enough."""
        day = self.day
        chosen: list[IntArray] = []
        vans: dict[int, None] = {}
        count = 0
        for stop in order.tolist():
            if count >= SMALL_PIECE_STOPS:
                break
            van = int(day.lines.van[stop])
            if van in vans:
                continue
            line = np.array([stop]) if van < 0 else sequence_of(day.lines, van)
            if van >= 0:
                vans[van] = None
            chosen.append(line)
            count += len(line)
        return np.concatenate(chosen), np.array(list(vans), dtype=np.int64)

    def _empty_vans(self) -> IntArray:
        """Vans that may be begun, some of each kind; a small day may use whichever has a habit for it."""
        day = self.day
        empty = np.flatnonzero(day.lines.tally[:, COUNT] == 0)
        if len(day.stop) <= PIECE_STOPS:
            return empty
        kinds = day.van[empty, 3]
        some = [empty[kinds == kind][:EMPTY_VANS_OF_A_KIND] for kind in np.unique(kinds)]
        return np.concatenate(some) if some else NOBODY


@cache
def warm() -> None:
    """The compiled search made ready: loaded from disk, or compiled, once per machine (half a minute)."""
    none, late = np.zeros(3, dtype=np.int64), np.full(3, 1000)
    street = np.abs(np.arange(4)[:, None] - np.arange(4)[None, :]) * 60
    stops = DayStops(np.arange(1, 4), none + 1, none + 60, none, late)
    plan(street, stops, DayVans(none, late, none, late), seconds=0.0, seed=1, iterations=20)
