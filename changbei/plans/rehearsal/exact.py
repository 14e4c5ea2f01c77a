"""A run on the runtime itself, behind the interface of `light.py`: for procedures with steps the light one does not
know, and for proving that the light one does the same.

Items are the runtime's own names. Besides what a light run puts `out` there are

    ("timer", key, at)                          any timer of the runtime
    ("call", item, plan, procedure, report, wait)   another procedure is carried out
    ("closed", item)                            a task was closed, by whatever
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from changbei.plans import facts, runtime
from changbei.plans.facts import Fact, Json
from changbei.plans.model import Procedure, Step
from changbei.plans.plain import moment as written

Out = tuple[Any, ...]
_MICRO = timedelta(microseconds=1)


class ExactRun:
    """One run. `facts` are what happened, each with its moment."""

    __slots__ = (
        "_announced",
        "_begins",
        "_procedure",
        "_unasked",
        "context",
        "facts",
        "finished_at",
        "out",
        "restored_at",
        "state",
    )

    def __init__(self, procedure: Procedure, context: Json, begins: datetime) -> None:
        self._procedure = procedure
        self._begins = begins
        self.context = context
        self.state = runtime.start_state()
        self.out: list[Out] = []
        self.facts: list[tuple[datetime, Fact]] = []
        self.restored_at = self.finished_at = -1
        self._unasked = [
            step for step in procedure.steps.values() if step.kind == "await" and step.task is None
        ]
        self._announced: set[str] = set()

    def name(self, item: str) -> str:
        return item

    def step(self, item: str) -> Step:
        found = self._procedure.step(item)
        assert found is not None
        return found

    def begin(self, now: int) -> None:
        self._apply(facts.Started(self.context), now)

    def acknowledge(self, item: str, by: str, now: int) -> None:
        self._apply(facts.Acknowledged(item, by), now)

    def complete(self, item: str, by: str, result: Json, now: int) -> None:
        entry = self.state["items"].get(item, {})
        if self.step(item).kind in {"do", "call"} and not entry.get("fallback"):
            self._apply(facts.ActionDone(item, result), now)
        else:
            self._apply(facts.Completed(item, by, result), now)

    def began(self, item: str, result: Json, now: int) -> None:
        self._apply(facts.ActionDone(item, result), now)

    def call_ended(self, item: str, result: Json, now: int) -> None:
        self._apply(facts.CallEnded(item, result), now)

    def fail(self, item: str, now: int) -> None:
        self._apply(facts.ActionFailed(item, "rehearsed failure"), now)

    def happen(self, kind: str, data: Json, by: str, now: int) -> None:
        self._apply(facts.Happened(kind, data, by), now)

    def elapse(self, key: str, now: int) -> None:
        """A timer fires, unless it was cancelled or moved."""
        due = self.state["timers"].get(key)
        if due is not None and (datetime.fromisoformat(due) - self._begins) // _MICRO <= now:
            self._apply(facts.TimerFired(key), now)

    def is_open(self, item: str) -> bool:
        return bool(self.state["items"].get(item, {}).get("status") == "open")

    def _apply(self, fact: Fact, now: int) -> None:
        at = self._begins + timedelta(microseconds=now)
        self.facts.append((at, fact))
        self.state, commands = runtime.step(self._procedure, self.state, fact, at)
        for command in commands:
            if isinstance(command, facts.OpenTask):
                self.out.append(("task", command.item, command.role, now, command.holder))
            elif isinstance(command, facts.CallAction):
                self.out.append(("do", command.item))
            elif isinstance(command, facts.SetTimer):
                self.out.append(("timer", command.key, (command.due_at - self._begins) // _MICRO))
            elif isinstance(command, facts.CloseTask):
                self.out.append(("closed", command.item))
            elif isinstance(command, facts.CallPlan):
                self.out.append(
                    ("call", command.item, command.plan, command.procedure, command.report, command.wait)
                )
            elif isinstance(command, facts.Finished):
                self.finished_at = now
        for step in self._unasked:
            if self.is_open(step.id) and step.id not in self._announced:
                self._announced.add(step.id)
                self.out.append(("outside", step.id))
        if self.restored_at < 0 and self.state.get("restored_at"):
            self.restored_at = now

    def written(self, now: int) -> str:
        return written(self._begins + timedelta(microseconds=now))
