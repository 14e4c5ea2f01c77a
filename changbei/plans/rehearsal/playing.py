"""A run while it is played and what is left of it: the moments that lie ahead, and a record of every task, action and
wait.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

from changbei.plans.rehearsal.exact import ExactRun
from changbei.plans.rehearsal.light import LightRun
from changbei.plans.rehearsal.model import NOBODY
from changbei.plans.rehearsal.preparing import Prepared, Slot

BEGIN, SEEN, WORK, DONE, ACTED, FAILED, TIMER, OUTSIDE = range(8)
NEVER = 1 << 62

# A record of a task, action or wait of one run.
OPENED, SEEN_AT, STARTED, FINISHED, PERSON, ROLE, DUE, ACK_DUE, CAUSE, SLOT, TOLD, READY = range(12)
Record = list[Any]


@dataclass(slots=True)
class Played:
    """One run: moments are microseconds from the beginning, -1 for what did not happen."""

    runs: list[LightRun | ExactRun | None]  # by case; None for one that was not called
    records: list[dict[Any, Record]]  # by case, then by item
    first_action: int


class Playing:
    """What everybody who plays along knows: the runs, their records, and what happens next."""

    __slots__ = ("cause", "first_action", "heap", "number", "prepared", "records", "runs")

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        scenario = prepared.scenario
        begins = scenario.begins_at
        self.runs: list[Any] = [
            LightRun(light, begins) if light else ExactRun(case.procedure, case.context, begins)
            for case, light in zip(scenario.cases, prepared.lights, strict=False)
        ]
        self.runs += [None] * (len(prepared.cases) - len(self.runs))
        self.records: list[dict[Any, Record]] = [{} for _ in prepared.cases]
        self.first_action = -1
        self.heap: list[tuple[int, int, int, int, Any]] = []
        self.number = 0
        self.cause: Any = None

    def push(self, at: int, what: int, case: int, item: Any) -> None:
        self.number += 1
        heapq.heappush(self.heap, (at, self.number, what, case, item))

    def record(self, case: int, item: Any, now: int) -> Slot:
        number = self._slot(case, item)
        self.records[case][item] = [now, -1, -1, -1, NOBODY, "", -1, -1, self.cause, number, 0, -1]
        return self.prepared.slots[number]

    def _slot(self, case: int, item: Any) -> int:
        if isinstance(item, int):
            return self.prepared.offsets[case] + item
        return self.prepared.slot_of[case, item.partition("@")[0]]
