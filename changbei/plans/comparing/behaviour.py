"""What changed in procedures: steps, who does them, by when, under which conditions, and who is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from changbei.core.durations import Duration
from changbei.plans.comparing.change import ADDED, CHANGED, MOVED, REMOVED, Change
from changbei.plans.comparing.lengths import compared, said
from changbei.plans.conditions import Condition
from changbei.plans.model import Pack, Procedure, Stage, Step

Aspects = dict[str, str]
DEADLINES = ("acknowledge_within", "within", "escalate_every", "wait", "times_out_after")


def procedures(before: Pack, after: Pack) -> Iterator[Change]:
    for name in dict.fromkeys([*before.procedures, *after.procedures]):
        old, new = before.procedures.get(name), after.procedures.get(name)
        if old is None or new is None:
            one = new or old
            how = ADDED if old is None else REMOVED
            yield Change("procedure", name, how, one.clauses[0] if one and one.clauses else "")
        else:
            yield from _procedure(old, new)


def _procedure(old: Procedure, new: Procedure) -> Iterator[Change]:
    clause = new.clauses[0] if new.clauses else ""
    yield from _aspects("procedure", new.id, clause, _head(old), _head(new))
    lengths = [one.same.within if one.same else None for one in (old, new)]
    yield from _length("procedure", new.id, clause, "same_within", lengths[0], lengths[1])
    yield from _stages(old, new)
    for step in dict.fromkeys([*old.steps, *new.steps]):
        first, second = old.steps.get(step), new.steps.get(step)
        subject = f"{new.id}/{step}"
        if first is None or second is None:
            one = second or first
            how = ADDED if first is None else REMOVED
            words = _summary(one) if one else ""
            yield Change(
                "step",
                subject,
                how,
                one.clause if one else "",
                before="" if first is None else words,
                after="" if second is None else words,
            )
        else:
            yield from _step(subject, first, second)


def _head(procedure: Procedure) -> Aspects:
    level = procedure.level
    found = {
        "family": procedure.family,
        "clauses": ", ".join(procedure.clauses),
        "same_by": _source(procedure.same.by if procedure.same else None),
        "level": f"{level.table.id} {_sources(level.inputs or {})}".strip() if level else "",
        "restored_by": procedure.restored_by,
        "confidential": "yes" if procedure.confidential else "",
        "form": _form(procedure.form),
        "schedule": "; ".join(
            f"{one.every} {one.at:%H:%M}"
            + (f" weekday {one.weekday}" if one.weekday else "")
            + (f" day {one.day}" if one.day else "")
            for one in procedure.schedules
        ),
    }
    return found | {f"role {role}": condition.source for role, condition in procedure.roles.items()}


def _form(form: Mapping[str, Any]) -> str:
    """The fields with their types, `*` where one is needed."""
    needed = set(form.get("required", ()))
    fields = form.get("properties", {})
    return ", ".join(
        f"{name}{'*' if name in needed else ''}: {_field(field)}" for name, field in fields.items()
    )


def _field(field: Mapping[str, Any]) -> str:
    choices = [str(one.get("const")) for one in field.get("oneOf", ())]
    limits = {key: field[key] for key in ("minimum", "maximum", "minLength", "maxLength") if key in field}
    more = f" ({'|'.join(choices)})" if choices else f" {json.dumps(limits)}" if limits else ""
    return f"{field.get('type', 'object')}{more}"


def _stages(old: Procedure, new: Procedure) -> Iterator[Change]:
    first, second = {one.id: one for one in old.stages}, {one.id: one for one in new.stages}
    for stage in dict.fromkeys([*first, *second]):
        subject = f"{new.id}/{stage}"
        if stage not in first or stage not in second:
            yield Change("stage", subject, ADDED if stage not in first else REMOVED)
        else:
            yield from _aspects("stage", subject, "", _stage(first[stage]), _stage(second[stage]))


def _stage(stage: Stage) -> Aspects:
    return {
        "after": ", ".join(stage.after),
        "when": _source(stage.when),
        "hold_until": _source(stage.hold_until),
    }


def _step(subject: str, old: Step, new: Step) -> Iterator[Change]:
    if old.stage != new.stage:
        yield Change("step", subject, MOVED, new.clause, "stage", old.stage, new.stage)
    yield from _aspects("step", subject, new.clause, _of_step(old), _of_step(new))
    first, second = _deadlines(old), _deadlines(new)
    for name in DEADLINES:
        yield from _length("step", subject, new.clause, name, first.get(name), second.get(name))


def _of_step(step: Step) -> Aspects:
    task = step.task
    found = {
        "kind": step.kind,
        "clause": step.clause,
        "after": ", ".join(step.after),
        "when": _source(step.when),
        "hold_until": _source(step.hold_until),
        "role": task.role if task else "",
        "overdue": " → ".join(task.chain) if task else "",
        "urgency": task.urgency if task else "",
        "evidence": ", ".join(task.evidence) if task else "",
        "form": _form(task.form or {}) if task else "",
        "options": ", ".join(option.id for option in task.options) if task else "",
        "page": task.page if task else "",
        "limit": f"{step.limit.table.id} {_sources(step.limit.inputs)}" if step.limit else "",
        "not_same_as": ", ".join(sorted(step.apart)),
        "delegates": ", ".join(step.delegates),
        "confirm": f"{step.confirm.at_least}, {' → '.join(step.confirm.chain)}" if step.confirm else "",
        "times_out_as": ("approved" if step.timeout.approves else "refused") if step.timeout else "",
        "act_first": _source(step.act_first),
        "await": step.awaits,
        "do": step.action,
        "with": _sources(step.params),
        "message": step.template,
        "told": ", ".join([*step.roles, step.audience] if step.audience else step.roles),
        "values": _sources(step.values),
        "wait_until": _source(step.wait_until),
        "call": f"{step.call.plan}/{step.call.procedure}".strip("/") if step.call else "",
        "each": _source(step.each.of) if step.each else "",
    }
    if step.countdown is not None:
        found |= {
            "countdown_until": _source(step.countdown.until),
            "countdown_plus": said(step.countdown.plus),
            "marks": ", ".join(f"{mark.id} {said(mark.before)}" for mark in step.countdown.marks),
            "stop_when": _source(step.countdown.stop_when),
        }
    return found


def _deadlines(step: Step) -> dict[str, Duration | None]:
    found: dict[str, Duration | None] = {"wait": step.wait_for}
    if step.task is not None:
        found |= {
            "acknowledge_within": step.task.acknowledge_within,
            "within": step.task.within,
            "escalate_every": step.task.escalate_every,
        }
    if step.timeout is not None:
        found["times_out_after"] = step.timeout.after
    return found


def _summary(step: Step) -> str:
    who = f" {step.task.role} {said(step.task.within)}" if step.task else ""
    what = step.action or step.awaits or step.template
    return f"{step.kind}{f' {what}' if what else ''}{who}"


def _aspects(part: str, subject: str, clause: str, old: Aspects, new: Aspects) -> Iterator[Change]:
    for aspect in dict.fromkeys([*old, *new]):
        first, second = old.get(aspect, ""), new.get(aspect, "")
        if first != second:
            yield Change(part, subject, CHANGED, clause, aspect, first, second)


def _length(
    part: str, subject: str, clause: str, aspect: str, old: Duration | None, new: Duration | None
) -> Iterator[Change]:
    if old is None and new is None:
        return
    how = compared(old, new)
    if how:
        how = ADDED if old is None else REMOVED if new is None else how
        yield Change(part, subject, how, clause, aspect, said(old), said(new))


def _source(condition: Condition | None) -> str:
    return " ".join(condition.source.split()) if condition else ""


def _sources(expressions: Mapping[str, Condition]) -> str:
    return ", ".join(f"{name} = {_source(one)}" for name, one in sorted(expressions.items()))
