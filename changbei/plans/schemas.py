"""JSON Schemas of what the rooms' actions take and give and what their facts carry, in few words."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
LIST = {"type": "array"}
MAP = {"type": "object"}
COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"type": "number"}
NOTHING_ELSE = {"additionalProperties": False}


def object_(*optional: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others, all required but the optional ones."""
    required = [name for name in properties if name not in optional]
    return carried(**properties) | {"required": required} | NOTHING_ELSE


def carried(**properties: Any) -> dict[str, Any]:
    """An object that may have these properties, and others."""
    return {"type": "object", "properties": properties}
