"""Reading runs and tasks for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet

from changbei.core.texts import Text
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.runs.models import ActionCall, Evidence, RoleHolding, Run, Task, Timer

OPEN = (Task.Status.OPEN, Task.Status.ACKNOWLEDGED)


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


def evidence_of(run: Run) -> QuerySet[Evidence]:
    """What was attached to the tasks of a run, oldest first."""
    return Evidence.objects.filter(task__run=run).select_related("task", "by").order_by("at", "id")


def actions_of(run: Run) -> QuerySet[ActionCall]:
    """The capabilities the run has called, oldest first."""
    return run.actions.order_by("requested_at", "id")


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


def role_history(run: Run) -> QuerySet[RoleHolding]:
    """Who held which role from when until when, for the review."""
    return RoleHolding.objects.filter(run=run).select_related("person").order_by("role", "since", "id")


def running(*, incident: UUID | None = None) -> QuerySet[Run]:
    """Runs that go on, the oldest first."""
    runs = Run.objects.filter(status=Run.Status.RUNNING).select_related("plan_version")
    runs = runs.defer("plan_version__files").order_by("started_at", "id")
    return runs if incident is None else runs.filter(incident=incident)


def next_timer(run: Run) -> Timer | None:
    """What the run waits for next."""
    return run.timers.filter(due_at__isnull=False).order_by("due_at").first()
