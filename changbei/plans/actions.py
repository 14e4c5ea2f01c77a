"""What plans may call by name (`do: delivery.recover`), each declared by the room that has it.

A room's `actions.py` declares them; Django's start-up imports these modules (`apps.py`). The checker of
plans reads names and parameters here, so that a plan naming an action wrongly fails before anybody signs
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from changbei.core.errors import NotFound

Perform = TypeVar("Perform", bound=Callable[..., Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class Action:
    """`params` and `returns` are JSON Schemas of objects; `perform` gets the caller's context and returns
    JSON.
    """

    name: str
    params: Mapping[str, Any]
    returns: Mapping[str, Any]
    perform: Callable[..., Mapping[str, Any]]

    @property
    def param_names(self) -> tuple[str, ...]:
        return tuple(self.params.get("properties", {}))

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.params.get("required", ()))


def message(*fills: str) -> dict[str, Any]:
    """The schema of a parameter that names a message of the plan: the action fills these placeholders, beside number
    and title. What else such a message contains is found by `changbei plan check`, with the keys of a map `values`.
    """
    return {"type": "string", "x-template": sorted(fills)}


_registry: dict[str, Action] = {}


def action(
    name: str, *, params: Mapping[str, Any], returns: Mapping[str, Any] | None = None
) -> Callable[[Perform], Perform]:
    """Declare the decorated function as the capability `name` ("room.verb")."""

    def declare(perform: Perform) -> Perform:
        known = _registry.get(name)
        if known is not None and known.perform.__qualname__ != perform.__qualname__:
            raise ValueError(
                f"action {name}: declared twice, in {known.perform.__module__} and {perform.__module__}"
            )
        _registry[name] = Action(name, params, returns or {"type": "object"}, perform)
        return perform

    return declare


def registry() -> Mapping[str, Action]:
    """All declared actions by name."""
    return dict(_registry)


def get(name: str) -> Action:
    """The action `name`; NotFound when no room has declared it."""
    found = _registry.get(name)
    if found is None:
        raise NotFound(
            f"no room offers the action {name}; there are {', '.join(sorted(_registry)) or 'none'}"
        )
    return found
