"""Shapes of what this room's actions take and give."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
LIST = {"type": "array"}
COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"type": "number"}


def object_(*optional: str, **properties: Any) -> dict[str, Any]:
    """A JSON Schema of an object with these properties, all required but the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
