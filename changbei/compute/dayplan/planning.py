"""Planning a whole day: savings or the usual lines, then ruin and recreate with simulated annealing.

A round looks beside neighbours only and costs the same whatever the size of the day: that is the decomposition. Pieces
with borders were dearer at every size measured, as a hot search that may not cross a border freezes there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from changbei.compute.dayplan.beginning import begin
from changbei.compute.dayplan.day import Day
from changbei.compute.dayplan.kernel.annealing import TINY, anneal
from changbei.compute.dayplan.kernel.lines import COUNT, no_lines
from changbei.compute.dayplan.model import DayPlan, DayStops, DayVans, Even, InvalidDay, refuse_wrong
from changbei.compute.whole import IntArray, whole_number

ROUNDS_AT_ONCE = 500
"""Rounds between two looks at the clock, some 20 ms."""
HOT, HOT_TIMED, COLD = 2.0, 1.0, 0.1
"""Temperatures at the beginning, without and with hours to be kept, and at the end, in legs of average length between
stops …"""
LONG_LINE_STOPS = 24.0
"""… and hotter when lines are longer than this: their stops are harder to get from one line to another."""
HOT_USUAL = 0.5
"""The beginning from usual lines, however long: what is good in them stays."""
PASSES = 12
"""How often fair shares are reckoned anew when lines are to be even: work depends on the lines."""

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
    waiting: float = 0.0,
    clock: Clock = time.perf_counter,
) -> DayPlan:
    """Lines for a day; capacity, windows and shifts are hard.

    travel_seconds: (L, L) integers, from row to column; it may be asymmetric. Cheapest is the sum of driving seconds,
    prices of stops left out, of strangers (`DayStops.strange_seconds`), of uneven lines (`even`) and of waiting until
    a customer opens (`waiting`, 0 to 1 for a second of it: crews are paid while they stand). `usual_lines`: per
    van the stops to begin with instead of savings; what does not hold there is put elsewhere. `seconds` of `clock` on
    one core; with `iterations` (rounds of ruin and recreate in all) the clock is not looked at and the result depends
    on the arguments only. It is never dearer than what was begun with, and nobody is left out who would still fit in.
    Raises `InvalidDay`, naming array and entry, also for stops that no van could ever serve (`refused_stops`).
    """
    began, travel_seconds, seed = clock(), np.asarray(travel_seconds), whole_number("seed", seed)
    if iterations is not None:
        iterations = whole_number("iterations", iterations, least=0)
    if not 0.0 <= waiting <= 1.0:
        raise InvalidDay("waiting", f"is {waiting}, allowed are 0 to 1")
    refuse_wrong(travel_seconds, stops, vans, usual_lines)
    day = Day(travel_seconds, stops, vans, even, seed, waiting)
    if len(day.stop):
        begin(day, usual_lines)
        _Cooling(day, usual_lines is not None, began, seconds, iterations, clock).run()
        day.serve_the_others()
    return day.result(clock() - began)


class _Cooling:
    """The search, while the temperature falls."""

    def __init__(
        self, day: Day, usual: bool, began: float, seconds: float, iterations: int | None, clock: Clock
    ) -> None:
        self.day, self.iterations, self.clock = day, iterations, clock
        self.ready = clock()
        self.left = max(began + seconds - self.ready, 1e-9)
        between = (day.lines.van >= 0) & (day.lines.after[: len(day.stop)] < len(day.stop))
        legs = day.lines.leg[: len(day.stop)][between]
        leg = max(float(legs.mean()) if len(legs) else 1.0, 1.0)
        driving = max(int((day.lines.tally[:, COUNT] > 0).sum()), 1)
        longer = max(len(day.stop) / driving / LONG_LINE_STOPS, 1.0)
        hot = HOT_USUAL if usual else (HOT_TIMED if day.timed else HOT) * longer**2
        self.hot, self.cold = leg * hot, leg * COLD

    def progress(self) -> float:
        """0 … 1 and beyond."""
        if self.iterations is not None:
            return self.day.rounds / self.iterations if self.iterations else 1.0
        return (self.clock() - self.ready) / self.left

    def run(self) -> None:
        """The cheapest lines of all passes are taken, those begun with among them."""
        day, passes = self.day, PASSES if self.day.even else 1
        kept, lowest = day.sequences(), day.price()
        for number in range(passes):
            found = self._search((number + 1) / passes)
            walk = day.sequences()
            day.lay_all(found)
            day.share_fairly()
            if day.price() < lowest - TINY:
                kept, lowest = found, day.price()
            if number + 1 < passes:
                day.lay_all(walk)
        day.lay_all(kept)

    def _search(self, until: float) -> list[IntArray]:
        """Rounds until the whole has come so far; the cheapest lines met."""
        day, best = self.day, no_lines(len(self.day.stop), len(self.day.van))
        kept, now, lowest = day.lines.after.copy(), 0.0, 0.0
        while (progress := self.progress()) < until:
            rounds = self._rounds(until - progress)
            heat = float(self.hot * (self.cold / self.hot) ** min(progress, 1.0))
            moved, deepest = anneal(day.ground, day.lines, best, day.chance, rounds, heat)
            day.rounds += rounds
            if now + deepest < lowest - TINY:
                lowest = now + deepest
                kept = best.after.copy()
            now += moved
        return _sequences(kept, len(day.stop), len(day.van))

    def _rounds(self, part: float) -> int:
        if self.iterations is None:
            return ROUNDS_AT_ONCE
        return max(1, min(ROUNDS_AT_ONCE, round(part * self.iterations)))


def _sequences(after: IntArray, stops: int, vans: int) -> list[IntArray]:
    """Lines from what follows each node."""
    found = []
    for van in range(vans):
        line, node = [], int(after[stops + van])
        while node < stops:
            line.append(node)
            node = int(after[node])
        found.append(np.array(line, dtype=np.int64))
    return found


@cache
def warm() -> None:
    """The compiled search made ready: loaded from disk, or compiled, once per machine (half a minute)."""
    none, late = np.zeros(3, dtype=np.int64), np.full(3, 1000)
    street = np.abs(np.arange(4)[:, None] - np.arange(4)[None, :]) * 60
    stops = DayStops(np.arange(1, 4), none + 1, none + 60, none, late)
    plan(street, stops, DayVans(none, late, none, late), seconds=0.0, seed=1, iterations=20)
