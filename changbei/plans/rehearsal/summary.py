"""What many runs say together: how long until the first action, until service is back, what was late, who was the
bottleneck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from changbei.plans.rehearsal.draws import MICRO
from changbei.plans.rehearsal.playing import (
    CAUSE,
    DUE,
    FINISHED,
    NEVER,
    OPENED,
    READY,
    ROLE,
    SEEN_AT,
    SLOT,
    STARTED,
    TOLD,
    Played,
    Record,
)
from changbei.plans.rehearsal.preparing import Prepared

PERCENTS = (50, 90, 99)


@dataclass(slots=True)
class RoleSum:
    """Seconds over all runs. `critical` are those that lie on the way to service being back."""

    tasks: int = 0
    answer: int = 0
    queue: int = 0
    work: int = 0
    critical_wait: int = 0
    critical_work: int = 0
    escalations: int = 0


@dataclass(slots=True)
class Tally:
    """Sums over runs; `add` one after the other. Times are microseconds."""

    prepared: Prepared
    runs: int = 0
    first: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    by_case: list[list[int]] = field(default_factory=list)
    not_restored: int = 0
    opened: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    nobody: list[int] = field(default_factory=list)
    roles: dict[str, RoleSum] = field(default_factory=dict)
    critical: int = 0

    def __post_init__(self) -> None:
        slots = len(self.prepared.slots)
        self.opened, self.late, self.nobody = [0] * slots, [0] * slots, [0] * slots
        self.by_case = [[] for _ in self.prepared.scenario.cases]

    def add(self, played: Played) -> None:
        self.runs += 1
        if played.first_action >= 0:
            self.first.append(played.first_action)
        self._ends(played)
        slots, roles = self.prepared.slots, self.roles
        for records in played.records:
            for record in records.values():
                role = record[ROLE]
                if not role:
                    continue
                number = record[SLOT]
                self.opened[number] += 1
                finished = record[FINISHED]
                if finished > record[DUE] or finished < 0:
                    self.late[number] += 1
                if record[SEEN_AT] < 0:
                    self.nobody[number] += 1
                    continue
                found = roles.get(role)
                if found is None:
                    found = roles[role] = RoleSum()
                found.tasks += 1
                found.answer += record[SEEN_AT] - record[OPENED]
                slot = slots[number]
                found.escalations += record[TOLD] + _late_steps(record, slot.every, len(slot.chain))
                if record[STARTED] >= 0:
                    found.queue += record[STARTED] - record[READY]
                    if finished >= 0:
                        found.work += finished - record[STARTED]

    def _ends(self, played: Played) -> None:
        """When service was back: the last of the cases, each by its own step that says so."""
        back, ended, complete = -1, -1, True
        for number, case in enumerate(self.prepared.scenario.cases):
            run = played.runs[number]
            assert run is not None
            at = run.restored_at if case.procedure.restored_by else run.finished_at
            ended = max(ended, run.finished_at)
            complete = complete and run.finished_at >= 0
            if at >= 0:
                self.by_case[number].append(at - round(case.after_seconds * MICRO))
                self._critical_path(number, played, run.restored_at)
            elif run.finished_at < 0:
                self.not_restored += 1
                return
            back = max(back, at)
        if back >= 0:
            self.restored.append(back)
        if complete:
            self.finished.append(ended)

    def _critical_path(self, case: int, played: Played, restored_at: int) -> None:
        """From the step that says service is back to the beginning, always by what let the step open."""
        procedure = self.prepared.scenario.cases[case].procedure
        if restored_at < 0 or not procedure.restored_by:
            return
        light = self.prepared.lights[case]
        item: Any = light.index[procedure.restored_by] if light else procedure.restored_by
        records = played.records[case]
        while item is not None and (record := records.get(item)) is not None and record[FINISHED] >= 0:
            whole = record[FINISHED] - record[OPENED]
            self.critical += whole
            if record[ROLE] and record[STARTED] >= 0:
                found = self.roles.setdefault(record[ROLE], RoleSum())
                found.critical_wait += record[SEEN_AT] - record[OPENED] + record[STARTED] - record[READY]
                found.critical_work += record[FINISHED] - record[STARTED]
            item = record[CAUSE] if record[CAUSE] != item else None

    # --- results

    def percentiles(self, values: Sequence[int]) -> dict[str, float | None]:
        """p50, p90, p99 and mean in seconds, None without values."""
        if not values:
            return {**{f"p{percent}": None for percent in PERCENTS}, "mean": None}
        array = np.asarray(values) / MICRO
        found: dict[str, float | None] = {
            f"p{percent}": round(float(np.percentile(array, percent)), 1) for percent in PERCENTS
        }
        return {**found, "mean": round(float(array.mean()), 1)}

    def bottleneck(self) -> str:
        """The role that the way to service being back waits for longest; "" when it waits for none."""
        waited = {role: found.critical_wait for role, found in self.roles.items() if found.critical_wait}
        if not waited:
            waited = {role: found.answer + found.queue for role, found in self.roles.items()}
        return min(waited, key=lambda role: (-waited[role], role), default="")

    def missed(self) -> float:
        """Deadlines missed a run, on average."""
        return round(sum(self.late) / self.runs, 3) if self.runs else 0.0


def _late_steps(record: Record, every: int, chain: int) -> int:
    """How many of the chain were told because the task was late; those told before it was seen are counted apart."""
    due, finished = record[DUE], record[FINISHED]
    if due >= NEVER or finished < 0 or finished < due or record[SEEN_AT] > due:
        return 0
    return min(chain, 1 + (finished - due) // every) if every else min(chain, 1)


__all__ = ["PERCENTS", "RoleSum", "Tally"]
