"""Facts and commands as JSON, so that a run can be stored, sent and replayed.

`{"type": "Completed", "item": "rescue", "by": "3107", "result": {}}`; times are ISO 8601 in UTC. What is
written here has passed `plain.clean`, so it comes back from the database as it went in.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, get_args

from changbei.core.errors import Invalid
from changbei.plans import facts
from changbei.plans.facts import Command, Fact, Json
from changbei.plans.plain import clean

_FACTS: dict[str, type] = {kind.__name__: kind for kind in get_args(facts.Fact)}
_COMMANDS: dict[str, type] = {kind.__name__: kind for kind in get_args(facts.Command)}


def to_json(thing: Fact | Command) -> Json:
    """The JSON form of a fact or a command."""
    return {"type": type(thing).__name__} | {
        field.name: clean(getattr(thing, field.name)) for field in fields(thing)
    }


def fact_from_json(data: Json) -> Fact:
    """The fact that `data` describes; Invalid when it describes none."""
    fact: Fact = _read(data, _FACTS, "fact")
    return fact


def command_from_json(data: Json) -> Command:
    """The command that `data` describes; Invalid when it describes none."""
    command: Command = _read(data, _COMMANDS, "command")
    return command


def _read(data: Json, kinds: dict[str, type], what: str) -> Any:
    kind = kinds.get(str(data.get("type")))
    if kind is None:
        raise Invalid("type", f"{data.get('type')!r} is not a {what}; there are {', '.join(sorted(kinds))}")
    given = {name: _value(name, value) for name, value in data.items() if name != "type"}
    try:
        return kind(**given)
    except TypeError:
        wanted = ", ".join(field.name for field in fields(kind))
        raise Invalid(
            "", f"a {kind.__name__} has the fields {wanted}; these were given: {', '.join(sorted(given))}"
        ) from None


def _value(name: str, value: Any) -> Any:
    if name.endswith("due_at") and isinstance(value, str):
        return datetime.fromisoformat(value)
    return tuple(value) if name == "roles" and isinstance(value, list) else value
