"""Rehearsing the plan in force against this city's people: command line, page and API ask here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.delivery.planning import next_delivery_day
from changbei.incidents import plan
from changbei.people import access as people
from changbei.plans.model import Exercise, Pack, Part
from changbei.plans.rehearsal import Case, Pace, Scenario
from changbei.plans.rehearsal import rehearse as play
from changbei.plans.selectors import packs_in_force
from changbei.readiness.rehearsals import paces, reports
from changbei.readiness.rehearsals.roster import roster

MOST_RUNS = 20_000
BEGINS = time(9, 40)

__all__ = ["MOST_RUNS", "exercises", "names", "rehearse", "scenario"]


def exercises() -> dict[str, Exercise]:
    """The exercises that the plans in force declare, by their ids; of two with one id the first plan's."""
    found: dict[str, Exercise] = {}
    for pack in packs_in_force():
        found = {**pack.exercises, **found}
    return found


def names() -> list[str]:
    """What can be rehearsed: the exercises of the plans in force, then every other procedure."""
    declared = exercises()
    return [*declared, *sorted(plan.procedures_in_force() - set(declared))]


def rehearse(
    name: str,
    *,
    runs: int = 1000,
    seed: int = 1,
    no_answer_share: float | None = None,
    at: time = BEGINS,
    journal: bool = False,
    actor: object | None = None,
) -> dict[str, Any]:
    """Rehearse the scenario or procedure `name` with the people on file; the result is JSON, times in seconds.

    at: wall clock of the next delivery day. journal: response times from the journal where there are enough.
    actor: None for the command line. Raises NotFound for an unknown name, Invalid, NotAllowed, Conflict.
    """
    if actor is not None:
        people.require(actor, "drills.run")
    if not 1 <= runs <= MOST_RUNS:
        raise Invalid("runs", f"between 1 and {MOST_RUNS}")
    pace = Pace()
    if no_answer_share is not None:
        if not 0 <= no_answer_share < 1:
            raise Invalid("no_answer", "a share between 0 and 1")
        pace = replace(pace, no_answer_share=no_answer_share)
    if journal:
        pace = paces.from_journal(pace)
    return play(scenario(name, at=at, seed=seed), pace, runs=runs, seed=seed)


def scenario(name: str, *, at: time = BEGINS, seed: int = 1) -> Scenario:
    """The scenario with this city's reports and roster, beginning at `at` of the next delivery day."""
    day = next_delivery_day(clock.today())
    begins_at = datetime.combine(day, at, clock.LOCAL)
    begun = []
    declared = exercises().get(name)
    for part in declared.parts if declared else (Part(name),):
        try:
            found = plan.procedure_in_force(part.procedure)
        except NotFound:
            raise NotFound(f"{name!r} is no scenario; there are {', '.join(names())}") from None
        begun.append((found.pack, reports.begin(found.procedure, part, begins_at, seed=seed)))
    scope: dict[str, Any] = {}
    for _, one in begun:
        named = {**one.scope["named"], **scope.get("named", {})}
        scope = {**one.scope, **{key: value for key, value in scope.items() if value}, "named": named}
    cases = tuple(one.case for _, one in begun)
    called = _called(cases, begun[0][0], begins_at, seed)
    concerned = (*cases, *called.values())
    roles = tuple(dict.fromkeys(role for case in concerned for role in case.procedure.roles_used()))
    held = roster(begun[0][0], roles, scope, begins_at, family=cases[0].procedure.family)
    return Scenario(name, cases, held, begins_at, called=called)


def _called(
    cases: tuple[Case, ...], pack: Pack, begins_at: datetime, seed: int
) -> dict[tuple[str, str], Case]:
    """Only where some step calls another procedure."""
    calls = any(step.call for case in cases for step in case.procedure.steps.values())
    return reports.called(pack, begins_at, seed=seed) if calls else {}
