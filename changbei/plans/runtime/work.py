"""The state of a run while one fact is applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from changbei.plans.conditions import Condition
from changbei.plans.facts import CancelTimer, Command, Json, SetTimer
from changbei.plans.model import Procedure
from changbei.plans.plain import moment

_MOST_NOTES = 200


class Work:
    """The state while one fact is applied. Maps are copied the first time they are written; the caller's
    stay as they are.
    """

    __slots__ = ("_own", "at", "commands", "moved", "now", "procedure", "state")

    def __init__(self, procedure: Procedure, state: Json, now: datetime) -> None:
        self.procedure = procedure
        self.state: Json = dict(state)
        self.now = (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(UTC)
        self.at = self.now.isoformat()
        self.commands: list[Command] = []
        self.moved = False  # something changed that may open or close stages and steps
        self._own: set[str] = set()

    def part(self, name: str) -> dict[str, Any]:
        """The part of the state called `name`, ready to be written."""
        if name not in self._own:
            self.state[name] = dict(self.state[name])
            self._own.add(name)
        part: dict[str, Any] = self.state[name]
        return part

    def item(self, item: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.state["items"].get(item)
        return found

    def update(self, item: str, **changes: Any) -> None:
        items = self.part("items")
        items[item] = {**items.get(item, {}), **changes}

    def remember(self, name: str, key: str, value: Any) -> None:
        """Write result.KEY, decision.KEY or happened[KEY] into what conditions see."""
        context = self.part("context")
        context[name] = {**context[name], key: value}

    def note(self, item: str, what: str, detail: str = "") -> None:
        """Keep a remark once; the same one again changes nothing."""
        notes: list[dict[str, str]] = self.state["notes"]
        if len(notes) >= _MOST_NOTES:
            return
        if any(n["item"] == item and n["what"] == what and n["detail"] == detail for n in notes):
            return
        self.state["notes"] = [*notes, {"at": self.at, "item": item, "what": what, "detail": detail}]

    def holds(self, condition: Condition | None, item: str, which: str) -> bool:
        if condition is None:
            return True
        holds, trouble = condition.test(self.state["context"], self.now)
        if trouble:
            self.note(item, f"{which} could not be evaluated", trouble)
        return holds

    def value(self, expression: Condition, item: str, which: str) -> Any:
        """The value of the expression; None, with a note, when it cannot be evaluated."""
        value, trouble = expression.value(self.state["context"], self.now)
        if trouble:
            self.note(item, f"{which} could not be evaluated", trouble)
        return value

    def values(self, expressions: Mapping[str, Condition], item: str) -> Json:
        """The values of these expressions; one that cannot be evaluated is left out and noted."""
        found: Json = {}
        for name, expression in expressions.items():
            value, trouble = expression.value(self.state["context"], self.now)
            if trouble:
                self.note(item, f"{name} could not be evaluated", trouble)
            else:
                found[name] = value
        return found

    def set_timer(self, key: str, due_at: datetime) -> None:
        self.part("timers")[key] = moment(due_at)
        self.commands.append(SetTimer(key, due_at))

    def cancel_timers(self, item: str, *kinds: str) -> None:
        if not self.state["timers"]:
            return
        beginnings = tuple([f"{kind}:{item}:" for kind in kinds])
        for key in [key for key in self.state["timers"] if f"{key}:".startswith(beginnings)]:
            if parse_timer(key)[1] == item:  # keys of elements may contain colons
                self.cancel_timer(key)

    def cancel_timer(self, key: str) -> None:
        if key in self.state["timers"]:
            del self.part("timers")[key]
            self.commands.append(CancelTimer(key))


def parse_timer(key: str) -> tuple[str, str, str]:
    """What a timer is for: its kind, the item, and the rung of the chain or the mark."""
    kind, _, rest = key.partition(":")
    if kind in {"wait", "timeout"}:
        return kind, rest, ""
    item, _, last = rest.rpartition(":")
    return kind, item, last


def late_seconds(due_at: str | None, now: datetime) -> int:
    """How many whole seconds `now` lies after the due time; 0 when in time or without one; at least 1
    when late.
    """
    if due_at is None:
        return 0
    late = (now - datetime.fromisoformat(due_at)).total_seconds()
    return max(1, int(late)) if late > 0 else 0
