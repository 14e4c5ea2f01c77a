"""What conditions can find where: JSON Schemas of the report, of what steps return, and of what facts carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from changbei.plans.checking.offer import Offer
from changbei.plans.conditions import Condition
from changbei.plans.model import Procedure, Stage, Step, Table
from changbei.plans.schemas import COUNT, FLAG, MAP, NOTHING_ELSE, TEXT, carried

Schema = Mapping[str, Any]
ANYTHING: Schema = {}
EVIDENCE: Schema = {
    "type": "array",
    "items": carried(kind=TEXT, sha256=TEXT, at=TEXT, by=TEXT),
    "maxItems": 0,
}


def shape_of(procedure: Procedure, offer: Offer) -> Schema:
    """The schema of a run's context, as far as it is known."""
    results = {step.key: result_of(step, offer) for step in procedure.steps.values()}
    decisions = {step.key: TEXT for step in procedure.steps.values() if step.kind in {"decide", "approve"}}
    return {
        "properties": {
            "report": _closed(procedure.form),
            "result": {"properties": results},
            "decision": {"properties": decisions},
        }
    }


def result_of(step: Step, offer: Offer) -> Schema:
    """What the step leaves in `result.STEP`."""
    form = dict((step.task.form or {}).get("properties", {})) if step.task else {}
    extra: dict[str, Any] = {"evidence": EVIDENCE}
    match step.kind:
        case "task" if step.each is not None:
            return {"properties": {"count": COUNT, "done": MAP}}
        case "task":
            return _of({**form, **extra})
        case "decide":
            return _of({**form, **extra, "option": TEXT})
        case "approve":
            return _of({**form, **extra, "approved": FLAG, "timed_out": FLAG, "provisional": FLAG})
        case "do":
            action = offer.actions.get(step.action)
            if action is None or "properties" not in action.returns:
                return ANYTHING
            closed = action.returns.get("additionalProperties") is False
            return {
                **_of({**form, **action.returns["properties"], **extra}),
                "additionalProperties": not closed,
            }
        case "await":
            fact = offer.facts.get(step.awaits)
            if fact is None or "properties" not in fact.data:
                return ANYTHING
            closed = fact.data.get("additionalProperties") is False
            return {**_of({**form, **fact.data["properties"], **extra}), "additionalProperties": not closed}
        case "countdown" if step.countdown is not None:
            marks = {mark.key: ANYTHING for mark in step.countdown.marks}
            return _of({**marks, "ended": TEXT, "until": TEXT})
    return ANYTHING


def _of(properties: Mapping[str, Any]) -> Schema:
    return carried(**properties) | NOTHING_ELSE


def _closed(form: Schema) -> Schema:
    return {**form, **NOTHING_ELSE} if "properties" in form else form


def find(schema: Schema, path: tuple[str, ...]) -> tuple[Schema | None, str]:
    """The schema at `path` and the path as far as it is known; None when there can be nothing."""
    for position, name in enumerate(path):
        inner = schema.get("properties")
        if inner is None:
            if schema.get("type") in {"string", "integer", "number", "boolean"}:
                return None, ".".join(path[:position])
            return ANYTHING, ".".join(path)
        if name not in inner:
            if schema.get("additionalProperties") is False:
                return None, ".".join(path[:position])
            return ANYTHING, ".".join(path)
        schema = inner[name]
    return schema, ".".join(path)


def choices(schema: Schema | None) -> list[str]:
    """What a field can be, where its form lists it."""
    if not schema:
        return []
    if "oneOf" in schema:
        return [str(one["const"]) for one in schema["oneOf"] if "const" in one]
    return [str(one) for one in schema.get("enum", ())]


# --- every expression -------------------------------------------------------------------------------------


def expressions(procedure: Procedure) -> Iterator[tuple[Step | Stage | None, Condition]]:
    """Every expression on a run's context with the step or stage it belongs to; None for the head's."""
    head = [procedure.same.by if procedure.same else None, *procedure.roles.values()]
    if procedure.level is not None:
        head += (procedure.level.inputs or {}).values()
    for condition in head:
        if condition is not None:
            yield None, condition
    for stage in procedure.stages:
        for of_stage in (stage.when, stage.hold_until):
            if of_stage is not None:
                yield stage, of_stage
        for step in stage.steps:
            for of_step in step.conditions():
                yield step, of_step


def asked_tables(procedure: Procedure) -> Iterator[tuple[Table, Mapping[str, Condition] | None]]:
    """The tables a procedure asks, with the inputs it gives."""
    if procedure.level is not None:
        yield procedure.level.table, procedure.level.inputs
    for step in procedure.steps.values():
        if step.limit is not None:
            yield step.limit.table, step.limit.inputs
