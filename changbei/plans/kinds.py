"""What plans may ask to be always true (`checks.yaml`, `kind:`), each declared by the room that looks.

A room's `checks` module declares its kinds; Django's start-up imports these modules (`apps.py`). The checker
of plans reads names and parameters here, as it does for actions. A parameter whose schema says `x-setting`
names a setting of the pack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
