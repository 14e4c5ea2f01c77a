"""What people fill in during a rehearsal: values that fit a form's JSON Schema, drawn by a seeded generator."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

WORDS = "rehearsal"  # stands for a text that somebody would write
MOMENT = "\0moment"  # stands for a date and time; replaced by the virtual time at which the form is filled in
_SQUARE = ((120.0, 32.0), (120.2, 32.0), (120.2, 32.2), (120.0, 32.2), (120.0, 32.0))


def fill(form: Mapping[str, Any], given: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Every required field and every given one; what is given goes first. Date-times are `MOMENT`."""
    properties: Mapping[str, Mapping[str, Any]] = form.get("properties", {})
    wanted = [name for name in properties if name in given or name in form.get("required", ())]
    filled = {name: given[name] if name in given else _value(properties[name], random) for name in wanted}
    return {**filled, **{name: value for name, value in given.items() if name not in properties}}


def holds_moment(value: object) -> bool:
    """Whether a value has to be completed with the time at which it is given."""
    if isinstance(value, Mapping):
        return any(holds_moment(inner) for inner in value.values())
    if isinstance(value, list):
        return any(holds_moment(inner) for inner in value)
    return value == MOMENT


def with_moment(value: Any, moment: str) -> Any:
    """The value with `MOMENT` replaced."""
    if isinstance(value, Mapping):
        return {name: with_moment(inner, moment) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_moment(inner, moment) for inner in value]
    return moment if value == MOMENT else value


def _value(schema: Mapping[str, Any], random: Random) -> Any:
    if schema.get("x-widget") == "area":
        return {"type": "Polygon", "coordinates": [[list(point) for point in _SQUARE]]}
    if "const" in schema:
        return schema["const"]
    if "oneOf" in schema:
        return random.choice([option["const"] for option in schema["oneOf"]])
    if "enum" in schema:
        return random.choice(list(schema["enum"]))
    kind = schema.get("type")
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "integer":
        return int(schema.get("minimum", 0))
    if kind == "number":
        return float(schema.get("minimum", 0))
    if kind == "array":
        items = schema.get("items", {})
        return [_value(items, random) for _ in range(int(schema.get("minItems", 0)))]
    if kind == "object":
        return fill(schema, {}, random)
    if schema.get("format") == "date-time":
        return MOMENT
    if schema.get("format") == "date":
        return "2026-01-01"
    return WORDS
