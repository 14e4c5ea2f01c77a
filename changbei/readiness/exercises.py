"""Exercises on any plan in force: what can be practised, one begun beside the real day, those that were held (E2.2).

People sit at their screens and answer as in earnest, or are answered for; every message is marked, nobody outside is
told, no delivery is held and no goods leave a store (ADR 0004). When one is closed its review is made, and the plan is
to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents import plan, rules
from changbei.incidents import services as incidents
from changbei.incidents.access import readable
from changbei.incidents.models import Incident, Level
from changbei.journal.models import Entry
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans import tables
from changbei.plans.checking.tables import samples
from changbei.plans.model import Exercise, Pack, Part, Procedure
from changbei.plans.selectors import packs_in_force
from changbei.readiness import simulations
from changbei.readiness.rehearsals import reports


@dataclass(frozen=True)
class Kind:
    """A procedure that can be practised, at the levels that its plan knows, and when it last was."""

    procedure: Procedure
    levels: tuple[str, ...]
    last: datetime | None


@dataclass(frozen=True)
class Offer:
    """What one plan in force offers."""

    pack: Pack
    exercises: tuple[Exercise, ...]
    kinds: tuple[Kind, ...]


def offered() -> list[Offer]:
    """By plan: the exercises it declares, and each procedure that people report, at each level of its table."""
    last = _practised()
    return [
        Offer(
            pack,
            tuple(pack.exercises.values()),
            tuple(Kind(one, levels_of(one, pack), last.get(one.id)) for one in pack.reported),
        )
        for pack in packs_in_force()
    ]


def levels_of(procedure: Procedure, pack: Pack) -> tuple[str, ...]:
    """The levels that the plan's table may give an event of this procedure, the gravest first."""
    without = (rules.level_without_table(procedure.family),)
    if procedure.level is None:
        return without
    table, given = procedure.level.table, procedure.level.inputs or {}
    fixed = {name: one.value({}, clock.now())[0] for name, one in given.items() if not one.paths}
    if procedure.level.inputs is None and "family" in table.inputs:
        fixed["family"] = procedure.family
    different = {tuple({**one, **fixed}.items()) for one in samples(table, pack)}
    outputs = [tables.evaluate(table, dict(one)).outputs for one in different]
    said = {str(one["level"]) for one in outputs if one}
    return tuple(level for level in Level.values if level in said) or without


def suggested(kind: str, level: str = "", part: Part | None = None) -> tuple[dict[str, Any], str]:
    """A report that an exercise may begin with, and what the table classifies it as: what the plan declares, things of
    the city, and, as far as the form can say it, what makes it `level`.
    """
    found = plan.procedure_in_force(kind).procedure
    return reports.suggest(found, part or Part(kind), clock.now(), level)


@transaction.atomic
def begin(
    kind: str,
    report: Mapping[str, Any],
    *,
    level: str,
    simulated: bool = False,
    part: Part | None = None,
    actor: Person,
) -> Incident:
    """Begin an exercise of `kind` at `level`, beside the real day.

    `simulated`: people who have not answered after a while are answered for, as `part` of a declared exercise says.
    Raises NotAllowed, NotFound for an unknown kind, Invalid with every wrong field, Conflict while one of the same
    thing is open, and for what only begins by its schedule.
    """
    people.require(actor, "drills.run")
    found = plan.procedure_in_force(kind)
    if found.procedure.schedules:
        raise Conflict(gettext_noop("what begins by its schedule is not practised beside the real day"))
    known = levels_of(found.procedure, found.pack)
    if level not in known:
        raise Invalid("level", f"one of {', '.join(known)}")
    answer = incidents.report(kind, report, actor=actor, source="web", drill=True, level=level)
    if answer.joined:
        raise Conflict(gettext_noop("an exercise of the same thing is open: close it first"))
    if simulated:
        simulations.begin(answer.incident, part, actor=actor)
    return answer.incident


def held(*, actor: object) -> QuerySet[Incident]:
    """All exercises that the actor may read, the newest first, with their reviews."""
    drills = readable(actor).filter(drill=True)
    return drills.select_related("review", "run", "simulation").order_by("-reported_at", "-pk")


def took_part(incidents_: Iterable[Incident]) -> dict[UUID, list[str]]:
    """By exercise: the names of all who themselves acknowledged or did a task, each once."""
    rows = Entry.objects.filter(incident__in=[one.uuid for one in incidents_], kind__in=simulations.ANSWERS)
    rows = rows.exclude(data__has_key="simulated").filter(actor_id__isnull=False).order_by("id")
    answered = list(rows.values_list("incident", "actor_id"))
    names = dict(Person.objects.filter(pk__in={actor for _, actor in answered}).values_list("pk", "name"))
    found: dict[UUID, dict[str, None]] = {}
    for incident, actor in answered:
        if incident and actor in names:
            found.setdefault(incident, {})[names[actor]] = None
    return {incident: list(people_) for incident, people_ in found.items()}


def last_of(procedures: Iterable[str]) -> datetime | None:
    """When the newest exercise of one of these procedures that was carried through to the plan's end was begun."""
    practised = _practised()
    return max((practised[one] for one in procedures if one in practised), default=None)


def _practised() -> dict[str, datetime]:
    """By procedure, when the newest exercise that was carried through was begun. Neither what was called off counts,
    nor one in which everybody was answered for: nobody has practised.
    """
    closed = Incident.objects.filter(drill=True, status=Incident.Status.CLOSED)
    closed = closed.exclude(run__state__has_key="ended_by")
    found = list(closed.defer("area").select_related("simulation").order_by("reported_at"))
    simulated = [one for one in found if hasattr(one, "simulation")]
    people_ = took_part(simulated)
    return {one.kind: one.reported_at for one in found if one not in simulated or one.uuid in people_}
