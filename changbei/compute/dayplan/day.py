"""The whole day while it is planned: its ground, its lines, and what each van's fair share is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from changbei.compute.dayplan.ground import Travel, ground_for, is_timed, stop_table, van_table
from changbei.compute.dayplan.kernel.inserting import anywhere, best_place, into_empty
from changbei.compute.dayplan.kernel.lines import (
    COUNT,
    DRIVING,
    LOAD,
    PRICE,
    SERVICE,
    SERVICES,
    SIZE,
    USUAL,
    WAITING,
    cost,
    holds,
    lay,
    no_lines,
    put_in,
    refresh,
    sequence_of,
)
from changbei.compute.dayplan.model import DayPlan, DayStops, DayVans, Even
from changbei.compute.recovery.kernel.chance import State, state_of
from changbei.compute.whole import IntArray

NOBODY: IntArray = np.zeros(0, dtype=np.int64)


class Day:
    """Lines that hold all limits at any moment; `rounds` of the search so far, `chance` that all of it draws from."""

    def __init__(
        self,
        travel: npt.NDArray[np.integer],
        stops: DayStops,
        vans: DayVans,
        even: Even | None,
        seed: int,
        idle: float = 0.0,
    ) -> None:
        self.travel: Travel = np.ascontiguousarray(travel, dtype=np.int32)
        self.location = np.asarray(stops.location, dtype=np.int64)
        self.depot = np.asarray(vans.depot, dtype=np.int64)
        self.stop, self.van = stop_table(stops), van_table(vans)
        self.even = even is not None
        self.timed = is_timed(self.travel, self.stop, self.van)
        self.chance: State = state_of(seed)
        self.fair = np.ones((len(self.van), 3))
        self.ground = ground_for(
            self.travel,
            self.location,
            self.depot,
            self.stop,
            self.van,
            self.fair,
            timed=self.timed,
            even=(even.percent_seconds, even.tolerance) if even else (0.0, 1.0),
            idle=idle,
        )
        self.lines = no_lines(len(self.stop), len(self.van))
        self.rounds = 0
        for van in range(len(self.van)):
            lay(self.ground, self.lines, van, NOBODY)
        self.share_fairly()

    def lay_what_holds(self, van: int, line: Sequence[int]) -> None:
        """A line becomes this sequence, without the stops that would break a limit."""
        lay(self.ground, self.lines, van, np.array(line, dtype=np.int64))
        if holds(self.ground, self.lines, van):
            return
        kept: list[int] = []
        self.lines.van[list(line)] = -1
        for stop in line:
            lay(self.ground, self.lines, van, np.array([*kept, stop], dtype=np.int64))
            if holds(self.ground, self.lines, van):
                kept.append(stop)
            else:
                self.lines.van[stop] = -1
        lay(self.ground, self.lines, van, np.array(kept, dtype=np.int64))

    def serve_the_others(self) -> None:
        """Put everybody who is on no line where that is cheapest, far ones first, until nobody fits any more."""
        reach = -self.travel[self.depot[0], self.location]
        missing = self.lines.van < 0
        while missing.any():
            for stop in np.argsort(reach, kind="stable").tolist():
                if missing[stop]:
                    self._serve(stop)
            if (missing == (self.lines.van < 0)).all():
                return
            missing = self.lines.van < 0

    def _serve(self, stop: int) -> None:
        ground, lines, limit = self.ground, self.lines, float(self.stop[stop, PRICE])
        _price, before, van = best_place(ground, lines, stop, limit, self.chance)
        if van < 0:
            _price, before, van = anywhere(ground, lines, stop, limit)
        if van < 0:
            _price, van = into_empty(ground, lines, stop, limit)
            before = len(self.stop) + van
        if van >= 0:
            put_in(ground, lines, stop, before, van)

    def share_fairly(self) -> None:
        """What each van's share of its depot's stops, work and load is by now; who is on no line yet is shared out."""
        tally, waiting = self.lines.tally, self.lines.van < 0
        hours = np.maximum(self.van[:, 2] - self.van[:, 1], 1).astype(float)
        room = np.maximum(self.van[:, 0], 1).astype(float)
        work = float(self.stop[waiting, SERVICE].sum()) + float(self.ground.travel.mean()) * waiting.sum()
        more = np.array([waiting.sum(), work]), float(self.stop[waiting, SIZE].sum())
        for depot in np.unique(self.depot).tolist():
            crew = np.flatnonzero(self.depot == depot)
            mine = tally[crew].sum(axis=0)
            done = np.array([mine[COUNT], mine[DRIVING] + mine[SERVICES] + mine[WAITING]])
            each = done / hours[crew].sum() + more[0] / hours.sum()
            self.fair[crew, :2] = np.maximum(hours[crew, None] * each, 1.0)
            load = mine[LOAD] / room[crew].sum() + more[1] / room.sum()
            self.fair[crew, 2] = np.maximum(room[crew] * load, 1.0)

    def price(self) -> float:
        """What all this costs, in driving seconds."""
        lines = sum(cost(self.ground, self.lines, van) for van in range(len(self.van)))
        return lines + float(self.stop[self.lines.van < 0, PRICE].sum())

    def sequences(self) -> list[IntArray]:
        """The stops of each van."""
        return [sequence_of(self.lines, van) for van in range(len(self.van))]

    def lay_all(self, sequences: Sequence[IntArray]) -> None:
        """The lines become these, which hold all limits."""
        self.lines.van[:] = -1
        for van, line in enumerate(sequences):
            lay(self.ground, self.lines, van, line)

    def result(self, wall_seconds: float) -> DayPlan:
        """The lines as they are."""
        lines = tuple(tuple(line.tolist()) for line in self.sequences())
        for van in range(len(self.van)):
            refresh(self.ground, self.lines, van)
        back = self.lines.early[len(self.stop) + len(self.van) :] - self.van[:, 1]
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
