"""The types that settings and the columns of tables may have: string, int, double, bool."""

from __future__ import annotations

from typing import Any

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "double": (int, float),
    "bool": (bool,),
}


def type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "double" if isinstance(value, float) else "string"


def fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    return isinstance(value, _PYTHON_TYPES.get(kind, ()))


def typed(value: Any, kind: str) -> Any:
    """A value that fits, as its type has it: a double may be written as 1."""
    return float(value) if kind == "double" else value
