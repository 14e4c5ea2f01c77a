"""Reading runs and tasks for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet

from changbei.core.texts import Text
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.runs.models import OPEN, Evidence, RoleHolding, Run, Task
from changbei.runs.scheduling import PREFIX


def my_tasks(person: Person) -> QuerySet[Task]:
    """The open tasks a person holds, the one due first on top."""
    return (
        Task.objects.filter(holder=person, status__in=OPEN)
        .select_related("run")
        .order_by(F("due_at").asc(nulls_last=True), "id")
    )


def done_by(person: Person) -> QuerySet[Task]:
    """What a person has done, the newest first."""
    return Task.objects.filter(done_by=person).select_related("run").order_by("-done_at", "-id")


def tasks_of(run: Run) -> QuerySet[Task]:
    """All tasks of a run in the order they opened, with everybody who had to do with them."""
    return run.tasks.select_related("holder", "acknowledged_by", "done_by").order_by("opened_at", "id")


def tasks_of_runs(runs: Sequence[Run]) -> list[Task]:
    """All tasks of several runs in the order they opened, each with its run; one query."""
    by_pk = {run.pk: run for run in runs}
    rows = Task.objects.filter(run__in=list(by_pk)).select_related("holder", "acknowledged_by", "done_by")
    tasks = list(rows.order_by("opened_at", "id"))
    for task in tasks:
        task.run = by_pk[task.run_id]
    return tasks


def runs_of_incident(incident: UUID) -> list[Run]:
    """The run of an incident and those it has called, in the order they began."""
    rows = Run.objects.filter(incident=incident).select_related("plan_version").defer("plan_version__files")
    return list(rows.order_by("pk"))


def called_by(run: Run) -> list[Run]:
    """The runs that this one has called, and those that they have, from the top down."""
    found: list[Run] = []
    waiting = [run]
    while waiting:
        rows = Run.objects.filter(caller__in=waiting).select_related("plan_version")
        waiting = list(rows.defer("plan_version__files").order_by("pk"))
        found += waiting
    return found


def begun_by_schedule() -> QuerySet[Run]:
    """Runs that began by themselves, the newest first."""
    rows = Run.objects.filter(incident=None, caller=None, number__startswith=PREFIX)
    rows = rows.select_related("plan_version")
    return rows.defer("plan_version__files").order_by("-started_at", "-id")


def evidence_of(*runs: Run) -> QuerySet[Evidence]:
    """What was attached to the tasks of these runs, oldest first."""
    return Evidence.objects.filter(task__run__in=runs).select_related("task", "by").order_by("at", "id")


@dataclass(frozen=True)
class HeldRole:
    """A role of the plan, who holds it in this run, since when and why."""

    role: str
    title: Text
    clause: str
    person: Person | None
    why: str
    pinned: bool
    since: datetime


def roles_of(run: Run) -> list[HeldRole]:
    """The roles of a run in the order of the plan, with their present holders; one query."""
    plan = pack_for(run.plan_version).roles
    order = {role: number for number, role in enumerate(plan)}
    rows = RoleHolding.objects.filter(run=run, until__isnull=True).select_related("person")
    return [
        HeldRole(
            row.role, plan[row.role].title, plan[row.role].clause, row.person, row.why, row.pinned, row.since
        )
        for row in sorted(rows, key=lambda row: order[row.role])
    ]
