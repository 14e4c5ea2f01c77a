"""Plain JSON: what may enter the state of a run, and how it is written down byte for byte.

Everything that comes from outside passes `clean` once. What it returns survives PostgreSQL's `jsonb`
unchanged: no NUL characters, no lone surrogates, no NaN, no float that `jsonb` would hand back as an
integer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

_DEEPEST = 40
_SAFE_INTEGER_FLOAT = 1e15


def canonical(value: object) -> str:
    """The one way `value` is written: sorted keys, no spaces. Equal states give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def moment(when: datetime) -> str:
    """A time as the state keeps it: ISO 8601 in UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()


def clean(value: object, depth: int = 0) -> Any:
    """`value` as JSON; whatever has no JSON form becomes its text, whatever lies too deep becomes null."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _words(value)
    if isinstance(value, float):
        return _number(value)
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {_words(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date) else _words(str(value))


def clean_map(value: object) -> dict[str, Any]:
    """`clean` for what has to be a map; anything else becomes an empty one."""
    return clean(value) if isinstance(value, Mapping) else {}


def _words(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    if abs(value) >= _SAFE_INTEGER_FLOAT:
        return int(value)
    return value + 0.0  # turns -0.0 into 0.0
