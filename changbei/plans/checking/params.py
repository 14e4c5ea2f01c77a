"""What steps hand to actions: of the types that the actions take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from changbei.plans.checking.finding import ERROR, Finding, finding
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.places import Places
from changbei.plans.checking.shapes import find, shape_of
from changbei.plans.conditions import Condition
from changbei.plans.model import Pack, Procedure, Step

_OF_CEL = {
    "STRING": "string",
    "INT": "integer",
    "UINT": "integer",
    "DOUBLE": "number",
    "BOOL": "boolean",
    "TIMESTAMP": "string",
}
_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
}


def findings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    for procedure in pack.procedures.values():
        shape = shape_of(procedure, offer)
        for step in procedure.steps.values():
            action = offer.actions.get(step.action)
            if action is not None:
                yield from _step(procedure, step, action.params.get("properties", {}), shape, places)


def _step(
    procedure: Procedure, step: Step, wanted: Mapping[str, Any], shape: Mapping[str, Any], places: Places
) -> Iterator[Finding]:
    for name, expression in step.params.items():
        needed = wanted.get(name, {}).get("type")
        given = _type_of(expression, shape)
        if isinstance(needed, str) and given and not _fits(given, needed):
            place = places.expression(
                f"procedures/{procedure.id}.yaml",
                expression.source,
                (*places.step_path(procedure.id, step.id), "with", name),
            )
            yield finding(
                ERROR,
                "param-type",
                step.clause,
                place,
                action=step.action,
                param=name,
                wanted=_NAMES[needed],
                given=_NAMES.get(given, given),
            )


def _type_of(expression: Condition, shape: Mapping[str, Any]) -> str:
    """The JSON type of the value, "" where it cannot be known."""
    kind = expression.result_type
    if kind in _OF_CEL:
        return _OF_CEL[kind]
    if kind.startswith("LIST"):
        return "array"
    if kind.startswith("MAP"):
        path = _only_path(expression)
        return "object" if path is None or len(path) == 1 else ""
    path = _only_path(expression)
    if path is None or path[0] not in {"report", "result", "decision"}:
        return ""
    found, _ = find(shape, path)
    given = (found or {}).get("type")
    return given if isinstance(given, str) else ""


def _only_path(expression: Condition) -> tuple[str, ...] | None:
    """The path, when the expression is nothing but one."""
    words = expression.source.strip()
    return next((path for path in expression.paths if ".".join(path) == words), None)


def _fits(given: str, needed: str) -> bool:
    return given == needed or (given == "integer" and needed == "number")
