"""What plans may ask to be always true (`checks.yaml`, `kind:`), each declared by the room that looks.

A room's `checks` module declares its kinds; Django's start-up imports these modules (`apps.py`). The checker
of plans reads names and parameters here, as it does for actions. A parameter whose schema says `x-setting`
names a setting of the pack.

A room's `facts` module declares in the same way which facts it records for plans to wait for (`await:`), and what
it reads out of packs by name: settings, tables, roles and messages that no procedure needs to mention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from changbei.core.errors import NotFound

Look = TypeVar("Look", bound=Callable[..., Sequence[Any]])


@dataclass(frozen=True, slots=True)
class CheckKind:
    """`params` is the JSON Schema of `with:` (an object); `registry` the register its findings are mended in.

    `look(params, pack, now)` returns what does not hold, in words; an empty list when all is well.
    """

    name: str
    params: Mapping[str, Any]
    look: Callable[..., Sequence[Any]]
    registry: str = ""

    @property
    def param_names(self) -> tuple[str, ...]:
        return tuple(self.params.get("properties", {}))

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.params.get("required", ()))

    @property
    def setting_params(self) -> tuple[str, ...]:
        """The parameters that name a setting of the pack."""
        return tuple(name for name, one in self.params.get("properties", {}).items() if one.get("x-setting"))


_registry: dict[str, CheckKind] = {}


def check_kind(name: str, *, params: Mapping[str, Any], registry: str = "") -> Callable[[Look], Look]:
    """Declare the decorated function as what looks for checks of kind `name`."""

    def declare(look: Look) -> Look:
        known = _registry.get(name)
        if known is not None and known.look.__qualname__ != look.__qualname__:
            raise ValueError(
                f"check {name}: declared twice, in {known.look.__module__} and {look.__module__}"
            )
        _registry[name] = CheckKind(name, params, look, registry)
        return look

    return declare


def kinds() -> Mapping[str, CheckKind]:
    """All declared kinds of checks by name."""
    return dict(_registry)


def get(name: str) -> CheckKind:
    """The kind `name`; NotFound when no room has declared it."""
    found = _registry.get(name)
    if found is None:
        raise NotFound(f"no room checks {name}; there are {', '.join(sorted(_registry)) or 'none'}")
    return found


# --- facts that plans may wait for ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactKind:
    """A fact of the journal; `data` is the JSON Schema of the object it carries, which conditions see."""

    name: str
    data: Mapping[str, Any]


_facts: dict[str, FactKind] = {}


def fact(name: str, data: Mapping[str, Any] | None = None) -> FactKind:
    """Declare that a room records facts of the kind `name` for runs of plans, and what they carry."""
    declared = FactKind(name, data or {"type": "object"})
    known = _facts.get(name)
    if known is not None and known != declared:
        raise ValueError(f"fact {name}: declared twice, differently")
    _facts[name] = declared
    return declared


def facts() -> Mapping[str, FactKind]:
    """All declared facts by name."""
    return dict(_facts)


# --- what rooms read out of packs -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Readings:
    """What a room reads out of any pack by name; `messages` with the placeholders it fills."""

    settings: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    messages: Mapping[str, frozenset[str]] = field(default_factory=dict)


_readings: dict[str, Readings] = {
    "plans": Readings(settings=frozenset({"plan_signatures"})),  # how many of the leading group sign (E2.2)
}


def reads(
    room: str,
    *,
    settings: Iterable[str] = (),
    tables: Iterable[str] = (),
    roles: Iterable[str] = (),
    messages: Mapping[str, Iterable[str]] | None = None,
) -> Readings:
    """Declare what `room` reads out of packs by name. Once for each room."""
    found = Readings(
        frozenset(settings),
        frozenset(tables),
        frozenset(roles),
        {name: frozenset(placeholders) for name, placeholders in (messages or {}).items()},
    )
    _readings[room] = found
    return found


def readings() -> Mapping[str, Readings]:
    """What each room reads out of packs."""
    return dict(_readings)
