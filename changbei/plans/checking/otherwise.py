"""A procedure as it would be if the city had chosen its settings otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from changbei.plans.conditions import Condition
from changbei.plans.loading.pack import indexed
from changbei.plans.model import Pack, Procedure

T = TypeVar("T")


def otherwise(procedure: Procedure, pack: Pack) -> Iterator[Procedure]:
    """With each of its switches (settings that are true or false) turned, one at a time."""
    words = repr(procedure)
    for name, setting in pack.settings.items():
        if isinstance(setting.value, bool) and f"setting.{name}" in words:
            yield indexed(_with(procedure, {name: not setting.value}))


def _with(thing: T, values: Mapping[str, Any]) -> T:
    found: Any = thing
    if isinstance(thing, Condition):
        found = thing.with_settings(values)
    elif is_dataclass(thing) and not isinstance(thing, type):
        changed = {one.name: _with(getattr(thing, one.name), values) for one in fields(thing)}
        found = replace(thing, **changed)
    elif isinstance(thing, tuple):
        found = tuple(_with(one, values) for one in thing)
    elif isinstance(thing, dict):
        found = {key: _with(one, values) for key, one in thing.items()}
    return found  # type: ignore[no-any-return]
