"""What a step says beyond what every step says, by its kind."""

from __future__ import annotations

from typing import Any

from changbei.plans.conditions import Condition
from changbei.plans.kinds import facts
from changbei.plans.loading.bench import ZERO
from changbei.plans.loading.procedures.approvals import read_approval
from changbei.plans.loading.procedures.reader import ProcedureReader
from changbei.plans.loading.procedures.tasks import read_each, read_task
from changbei.plans.loading.shapes import allowed_words, listed
from changbei.plans.loading.source import Path
from changbei.plans.model import (
    DEFAULT_ESCALATE_EVERY,
    STANDARD_PLACEHOLDERS,
    Call,
    Confirmation,
    Countdown,
    Mark,
    key_of,
)

_COUNTDOWN_WORDS = frozenset({"ended", "until"})


def particulars(reader: ProcedureReader, path: Path, kind: str, clause: str) -> dict[str, Any]:
    match kind:
        case "do":
            return {
                "action": _action(reader, (*path, "do")),
                "params": _params(reader, path),
                "task": read_task(reader, (*path, "on_failure"), "do", clause),
            }
        case "await":
            task = (
                read_task(reader, path, "await", clause, (*path, "task"))
                if "task" in reader.map(path)
                else None
            )
            return {"awaits": _fact(reader, (*path, "await")), "task": task}
        case "call":
            return {
                "call": Call(
                    reader.words((*path, "call", "plan")),
                    reader.words((*path, "call", "procedure")),
                    reader.at((*path, "wait")) is not False,
                ),
                "params": reader.checked_values((*path, "with")),
                "task": read_task(reader, (*path, "on_failure"), "do", clause),
            }
        case "countdown":
            return {"countdown": _countdown(reader, (*path, "countdown"))}
        case "notify":
            return _notify(reader, (*path, "notify"))
        case "wait":
            return {
                "wait_for": reader.duration((*path, "wait", "for")),
                "wait_until": reader.checked_value((*path, "wait", "until")),
            }
        case "approve":
            return read_approval(reader, path, clause)
        case "task":
            return {
                "task": read_task(reader, path, "do", clause, (*path, kind)),
                "each": read_each(reader, (*path, "each")),
            }
    return {"task": read_task(reader, path, kind, clause, (*path, kind))}


def _action(reader: ProcedureReader, path: Path) -> str:
    if reader.bench.actions is None:
        return reader.words(path)
    return reader.known(path, "action", reader.bench.actions)


def _fact(reader: ProcedureReader, path: Path) -> str:
    """A fact that some room records for plans; as with actions, not asked of versions already carried out."""
    if reader.bench.actions is None:
        return reader.words(path)
    return reader.known(path, "fact", facts())


def _params(reader: ProcedureReader, path: Path) -> dict[str, Condition]:
    declared = (reader.bench.actions or {}).get(reader.words((*path, "do")))
    given = reader.map((*path, "with"))
    if declared is not None:
        open_ended = declared.params.get("additionalProperties", False) is not False
        names = declared.param_names
        for name in given:
            if name not in names and not open_ended:
                message = f"{declared.name} has no parameter {name!r}; {listed(name, names)}"
                reader.problem((*path, "with", name), message, at_key=True)
        for name in declared.required:
            if name not in given:
                reader.problem((*path, "with", name), f"is missing: {declared.name} needs it")
    return reader.checked_values((*path, "with"))


def _notify(reader: ProcedureReader, path: Path) -> dict[str, Any]:
    template = reader.known((*path, "template"), "template", reader.bench.known.get("message", ()))
    values: Path = (*path, "values")
    if found := reader.bench.templates.get(template):
        _check_values(reader, values, found.placeholders)
    return {
        "template": template,
        "roles": reader.roles((*path, "roles")),
        "audience": reader.known((*path, "audience"), "audience", reader.bench.audiences),
        "values": reader.checked_values(values),
        "confirm": _confirm(reader, path),
    }


def _confirm(reader: ProcedureReader, path: Path) -> Confirmation | None:
    at: Path = (*path, "confirm")
    within, at_least = reader.duration((*at, "within")), reader.at((*at, "at_least"))
    if within is None or not isinstance(at_least, int):
        return None
    told = len(reader.list((*path, "roles")))
    if not reader.at((*path, "audience")) and at_least > told:
        reader.problem((*at, "at_least"), f"{at_least} cannot confirm: only {told} are told")
    chain = reader.chain((*at, "overdue"))
    every = reader.duration((*at, "escalate_every")) or DEFAULT_ESCALATE_EVERY
    return Confirmation(at_least, within, chain, every)


def _check_values(reader: ProcedureReader, path: Path, placeholders: frozenset[str]) -> None:
    given = reader.map(path)
    for name in sorted(placeholders - STANDARD_PLACEHOLDERS):
        if name not in given:
            reader.problem((*path, name), f"is missing: the template contains {{{name}}}")
    for name in given:
        if name not in placeholders:
            allowed = allowed_words(placeholders)
            reader.problem(
                (*path, name), f"the template contains no {{{name}}}; it contains: {allowed}", at_key=True
            )


def _countdown(reader: ProcedureReader, path: Path) -> Countdown | None:
    marks: dict[str, Mark] = {}
    for at in reader.entries((*path, "marks")):
        mark = _mark(reader, at)
        if mark.key in _COUNTDOWN_WORDS:
            reader.problem((*at, "id"), f"{mark.id!r} says how the count-down ended; take another word")
        elif mark.key in marks:
            reader.problem((*at, "id"), f"the mark {mark.id!r} is there twice")
        marks[mark.key] = mark
    until = reader.checked_value((*path, "until"))
    stop_when = reader.checked_condition((*path, "stop_when"))
    if until is None:
        return None
    return Countdown(
        title=reader.map((*path, "title")),
        until=until,
        plus=reader.duration((*path, "plus")),
        marks=tuple(sorted(marks.values(), key=lambda mark: -mark.before.seconds)),
        stop_when=stop_when,
    )


def _mark(reader: ProcedureReader, path: Path) -> Mark:
    before = reader.duration((*path, "before")) or ZERO
    if before.working_days:
        reader.problem((*path, "before"), "a mark lies hours or days before the end, not working days")
    word = reader.words((*path, "id"))
    return Mark(word, key_of(word), before, reader.map((*path, "title")))
