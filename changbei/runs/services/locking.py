"""The locks of the verbs: the run's row first of all, the caller before those that it has called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from django.utils.translation import gettext_noop

from changbei.core.errors import Conflict, Words, there
from changbei.journal import prepared
from changbei.plans.models import PlanVersion
from changbei.runs.models import OPEN, Run, Task


def lock(run_uuid: UUID) -> Run:
    """The run, locked until the end of the transaction. The first lock of every verb."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("plan_version")
        .defer("plan_version__files")
        .filter(uuid=run_uuid)
        .first()
    )
    return there(run, f"no run {run_uuid}")


def lock_free(keys: Collection[int]) -> list[Run]:
    """Those of these runs (keys) that nobody has locked, locked in the order of their keys; with one statement."""
    found = prepared.objects(
        Run, "WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED", [list(keys)]
    )
    versions = PlanVersion.objects.defer("files").in_bulk({run.plan_version_id for run in found})
    for run in found:
        run.plan_version = versions[run.plan_version_id]
    return found


def lock_task(task: Task) -> tuple[Run, Task]:
    """The task as it is now, behind the lock of its run."""
    run = lock(task.run.uuid)
    fresh = Task.objects.select_related("holder", "done_by").get(pk=task.pk)
    fresh.run = run
    return run, fresh


def require_open(task: Task) -> None:
    """Conflict when the task is done or cancelled."""
    if task.status not in OPEN:
        if task.done_by is None:
            raise Conflict(gettext_noop("the task was closed already"))
        raise Conflict(Words(gettext_noop("the task was closed by %(name)s already"), name=task.done_by.name))


def running_called(run_uuid: UUID) -> Iterator[UUID]:
    """The running runs that this one has called, and those that they have, from the top down."""
    waiting = [run_uuid]
    while waiting:
        found = Run.objects.filter(caller__uuid__in=waiting).order_by("pk").values_list("uuid", "status")
        waiting = []
        for called, status in found:
            waiting.append(called)
            if status == Run.Status.RUNNING:
                yield called
