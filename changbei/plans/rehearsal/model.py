"""What a rehearsal is given: the procedures of a scenario, what people decide, and who holds which role when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from changbei.plans.facts import Json
from changbei.plans.model import Procedure

NOBODY = -1
SOMEBODY_ELSE = -2  # asked where two different people are needed and no second one holds a role
BY_SOMEBODY_ELSE = "somebody-else"


@dataclass(frozen=True, slots=True)
class Case:
    """One procedure that begins `after_seconds` after the scenario, with the context it begins with.

    decisions: option (or `approved`, `refused`) by step; without one every option is as likely as the others, and
    approvals are given. forms: values by step that go before those drawn from the form's schema. results: what an
    action gives, by the action's name. works: median seconds that a step takes, where its limit says little.
    """

    procedure: Procedure
    context: Json
    after_seconds: float = 0.0
    decisions: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, Json] = field(default_factory=dict)
    results: Mapping[str, Json] = field(default_factory=dict)
    works: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roster:
    """Who holds each role over time: for each role the moments (seconds from the beginning, ascending, the first
    0) from which a person holds it. People are numbered; `NOBODY` where a role has no holder.
    """

    people: Sequence[str]  # staff numbers
    holders: Mapping[str, tuple[tuple[float, int], ...]]

    @classmethod
    def one_each(cls, roles: Sequence[str]) -> Roster:
        """A person of its own for every role, at every time: nobody ever has two things to do for two roles."""
        return cls(tuple(roles), {role: ((0.0, number),) for number, role in enumerate(roles)})


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is rehearsed: cases that may hit the same people, from `begins_at` (aware) on.

    called: what other procedures, by plan ("" for the same) and procedure, a step may begin, with what people decide
    there; their context is the step's.
    """

    id: str
    cases: Sequence[Case]
    roster: Roster
    begins_at: datetime
    horizon_seconds: float = 30 * 86400.0
    called: Mapping[tuple[str, str], Case] = field(default_factory=dict)

    def roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(role for case in self.cases for role in case.procedure.roles_used()))


def context_of(procedure: Procedure, report: Json, incident: Json) -> Json:
    """The context a run begins with: what the procedure declares of it."""
    given: dict[str, Any] = {"report": report, "incident": incident}
    return {name: value for name, value in given.items() if name in procedure.context}
