"""What the product offers to plans, as the checker sees it: actions, checks, facts, and what rooms read by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from changbei.plans import actions, kinds
from changbei.plans.actions import Action
from changbei.plans.kinds import CheckKind, FactKind, Readings


@dataclass(frozen=True)
class Offer:
    actions: Mapping[str, Action] = field(default_factory=dict)
    checks: Mapping[str, CheckKind] = field(default_factory=dict)
    facts: Mapping[str, FactKind] = field(default_factory=dict)
    readings: Mapping[str, Readings] = field(default_factory=dict)


def declared() -> Offer:
    """What the rooms have declared; complete once Django is set up."""
    return Offer(actions.registry(), kinds.kinds(), kinds.facts(), kinds.readings())
