"""Parameters of checks: their schemas, and numbers that may be settings of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changbei.core.durations import Duration, parse
from changbei.plans.model import Pack

Json = dict[str, Any]


def whole(name: str, words: str, *, minimum: int = 0) -> Json:
    """The schema of a whole number that is given itself, or as `NAME_setting`, the name of a setting."""
    return {
        name: {"type": "integer", "minimum": minimum, "description": words},
        f"{name}_setting": {"type": "string", "x-setting": True, "description": f"A setting: {words}"},
    }


def names(name: str, words: str) -> Json:
    """The schema of a list of identifiers."""
    return {name: {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "description": words}}


def params(*properties: Json, required: tuple[str, ...] = ()) -> Json:
    """The schema of `with:`: these and nothing else."""
    merged: Json = {}
    for one in properties:
        merged |= one
    return {
        "type": "object",
        "properties": merged,
        "required": list(required),
        "additionalProperties": False,
    }


def number(given: Mapping[str, Any], name: str, pack: Pack, default: int) -> int:
    """A number given in the check itself, or by the name of a setting of the plan (`NAME_setting`)."""
    if setting := given.get(f"{name}_setting"):
        return int(pack.settings[setting].value)
    return int(given.get(name, default))


def length(name: str, words: str) -> Json:
    """The schema of a length of time ("5h") that is given itself, or as `NAME_setting`."""
    return {
        name: {"type": "string", "pattern": "^\\d+(s|m|h|d)$", "description": words},
        f"{name}_setting": {"type": "string", "x-setting": True, "description": f"A setting: {words}"},
    }


def seconds(given: Mapping[str, Any], name: str, pack: Pack, default: str) -> int:
    """A length of time given in the check itself, or by the name of a setting of the plan, in seconds."""
    setting = given.get(f"{name}_setting")
    value = pack.settings[setting].value if setting else given.get(name, default)
    return value.seconds if isinstance(value, Duration) else parse(str(value)).seconds
