"""The checks that the product offers to plans (`checks.yaml`, `kind:`); each module declares its kinds."""

from __future__ import annotations

from datetime import datetime

from changbei.plans import kinds
from changbei.plans.model import Check, Pack
from changbei.readiness.checks import (
    contacts,
    equipment,
    exercises,
    files,
    goods,
    inspections,
    leading,
    matters,
    reviews,
    technicians,
    vehicles,
    weather,
)
from changbei.readiness.rules import Trouble

__all__ = [
    "contacts",
    "equipment",
    "exercises",
    "files",
    "goods",
    "inspections",
    "is_known",
    "leading",
    "matters",
    "reviews",
    "technicians",
    "troubles",
    "vehicles",
    "weather",
]


def is_known(check: Check) -> bool:
    """Whether some room looks for checks of this kind."""
    return check.kind in kinds.kinds()


def troubles(check: Check, pack: Pack, now: datetime) -> list[Trouble]:
    """What does not hold of one check, now. Raises NotFound for a kind the product does not know."""
    return list(kinds.get(check.kind).look(check.params, pack, now))
