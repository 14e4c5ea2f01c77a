"""The shipped plan pack, and a walk through one of its procedures in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from changbei.plans import runtime
from changbei.plans.facts import (
    ActionDone,
    ActionFailed,
    CallAction,
    Completed,
    Escalate,
    Fact,
    Finished,
    Happened,
    Json,
    OpenTask,
    Started,
    Tell,
    TimerFired,
)
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Pack, Procedure, step_of
from changbei.testing.city import SHIPPED

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in the city, a working day


@cache
def pack() -> Pack:
    return load_pack(read_folder(SHIPPED), check_actions=False)


class Walk:
    """A run of a procedure in memory. Timers fire when `later` passes them.

    `log` is the story in order: `task ITEM ROLE CLAUSE`, `do ACTION`, `tell TEMPLATE → WHOM`.
    """

    def __init__(self, procedure: str, report: Json, **incident: Any) -> None:
        self.procedure: Procedure = pack().procedures[procedure]
        self.state = runtime.start_state()
        self.now = MONDAY
        self.log: list[str] = []
        self.params: dict[str, Json] = {}
        self.told: dict[str, Json] = {}
        self.escalated: list[tuple[str, str, str]] = []
        self.finished = False
        given = {"level": "LOCAL", "share": 0.0, "place": "G50, km 312", "reported_at": MONDAY.isoformat()}
        self.context = {"report": report, "incident": {**given, **incident}}
        self.apply(Started(self.context))

    def apply(self, fact: Fact) -> None:
        self.state, commands = runtime.step(self.procedure, self.state, fact, self.now)
        for command in commands:
            match command:
                case OpenTask(item=item, role=role):
                    self.log.append(f"task {item} {role} {self.procedure.steps[step_of(item)].clause}")
                case CallAction(item=item, action=action, params=params):
                    self.log.append(f"do {action}")
                    self.params[item] = params
                case Tell(item=item, template=template, roles=roles, audience=audience, values=values):
                    self.log.append(f"tell {template} → {audience or ' '.join(roles)}")
                    self.told[item] = values
                case Escalate(item=item, role=role, why=why):
                    self.escalated.append((item, role, why))
                case Finished():
                    self.finished = True

    def done(self, *items: str, **result: Any) -> list[str]:
        """Somebody completes these tasks; returns what the log gained."""
        return self._since(*(Completed(item, "1001", result) for item in items))

    def decide(self, item: str, option: str, by: str = "1001", **form: Any) -> list[str]:
        return self._since(Completed(item, by, {"option": option, **form}))

    def approve(self, item: str, approved: bool, by: str = "1001") -> list[str]:
        return self._since(Completed(item, by, {"approved": approved}))

    def returns(self, item: str, **result: Any) -> list[str]:
        return self._since(ActionDone(item, result))

    def fails(self, item: str) -> list[str]:
        return self._since(ActionFailed(item, "no answer"))

    def happens(self, kind: str, **data: Any) -> list[str]:
        return self._since(Happened(kind, data, "2001"))

    def later(self, **delta: float) -> list[str]:
        """Time passes, and the timers that fall due fire in their order."""
        begin, until = len(self.log), self.now + timedelta(**delta)
        while due := sorted(
            (when, key) for key, when in self.state["timers"].items() if datetime.fromisoformat(when) <= until
        ):
            self.now = datetime.fromisoformat(due[0][0])
            self.apply(TimerFired(due[0][1]))
        self.now = until
        return self.log[begin:]

    def _since(self, *facts: Fact) -> list[str]:
        begin = len(self.log)
        for fact in facts:
            self.apply(fact)
        return self.log[begin:]

    def open(self) -> set[str]:
        """Steps that somebody or something still has to finish."""
        return {item for item, entry in self.state["items"].items() if entry["status"] == "open"}

    def finish_all(self, **result: Any) -> None:
        """Everybody does the tasks that are open, again and again until nobody has one."""
        while waiting := [
            item for item in self.state["items"] if item in self.open() and self._is_task(item)
        ]:
            self.done(*waiting, **result)

    def _is_task(self, item: str) -> bool:
        step = self.procedure.steps[step_of(item)]
        return step.kind == "task" or bool(self.state["items"][item].get("fallback"))
