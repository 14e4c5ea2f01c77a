"""Exercises on any plan in force: what can be practised, one begun beside the real day, those that were held (E2.2).

People sit at their screens and answer as in earnest; every message is marked, nobody outside is told, no delivery is
held and no goods leave a store (ADR 0004). When one is closed its review is made, and the plan is to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents import plan, rules
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident, Level
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans import tables
from changbei.plans.checking.tables import samples
from changbei.plans.model import Exercise, Pack, Part, Procedure
from changbei.readiness.rehearsals import reports
from changbei.runs.models import Task


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
    last = dict(_drills().values_list("kind").annotate(at=Max("reported_at")))
    return [
        Offer(
            pack,
            tuple(pack.exercises.values()),
            tuple(
                Kind(one, levels_of(one, pack), last.get(one.id))
                for one in pack.procedures.values()
                if not one.schedules
            ),
        )
        for pack in plan.packs_in_force()
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
def begin(kind: str, report: Mapping[str, Any], *, level: str, actor: Person) -> Incident:
    """Begin an exercise of `kind` at `level`, beside the real day.

    Raises NotAllowed, NotFound for an unknown kind, Invalid with every wrong field, Conflict while one of the same
    thing is open.
    """
    people.require(actor, "drills.run")
    found = plan.procedure_in_force(kind)
    known = levels_of(found.procedure, found.pack)
    if level not in known:
        raise Invalid("level", f"one of {', '.join(known)}")
    answer = incidents.report(kind, report, actor=actor, source="web", drill=True, level=level)
    if answer.joined:
        raise Conflict(gettext_noop("an exercise of the same thing is open: close it first"))
    return answer.incident


def held() -> QuerySet[Incident]:
    """All exercises, the newest first, with their reviews."""
    return _drills().select_related("review", "run").order_by("-reported_at", "-pk")


def took_part(incidents_: Iterable[Incident]) -> dict[int, list[str]]:
    """By the exercise's run: the names of all who acknowledged or did a task, each once."""
    runs = [one.run_id for one in incidents_ if one.run_id]
    rows = Task.objects.filter(run__in=runs).order_by("opened_at", "pk")
    found: dict[int, dict[str, None]] = {}
    for run, *names in rows.values_list("run_id", "acknowledged_by__name", "done_by__name"):
        found.setdefault(run, {}).update(dict.fromkeys(name for name in names if name))
    return {run: list(names) for run, names in found.items() if names}


def last_of(procedures: Iterable[str]) -> datetime | None:
    """When the newest exercise of one of these procedures that was carried through to the plan's end was begun."""
    newest: datetime | None = (
        _drills()
        .filter(kind__in=list(procedures), status=Incident.Status.CLOSED)
        .exclude(run__state__has_key="ended_by")  # called off
        .aggregate(at=Max("reported_at"))["at"]
    )
    return newest


def _drills() -> QuerySet[Incident]:
    return Incident.objects.filter(drill=True)
