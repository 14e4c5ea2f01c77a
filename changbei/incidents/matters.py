"""Matters of everyday service that are open: who owns each, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from changbei.incidents.models import Incident, Level
from changbei.people.models import Person
from changbei.runs.models import OPEN, ActionCall, Task, Timer


@dataclass(frozen=True)
class Matter:
    """`task` is the open one that is due first; `waits`: nobody has to act now, the product does or a time passes."""

    incident: Incident
    task: Task | None
    open_tasks: int
    ownerless: bool
    waits: bool

    @property
    def owner(self) -> Person | None:
        return self.task.holder if self.task else None

    @property
    def due_at(self) -> datetime | None:
        return self.task.due_at if self.task else None

    def is_late(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at < now


def open_matters(incidents: QuerySet[Incident]) -> list[Matter]:
    """Those of `incidents` that are everyday matters and open, the one that is due first at the top; four queries."""
    rows = incidents.filter(level=Level.SERVICE).exclude(status=Incident.Status.CLOSED)
    found = list(rows.select_related("run__plan_version").defer("run__plan_version__files", "area"))
    runs = [one.run_id for one in found if one.run_id]
    tasks: dict[int, list[Task]] = defaultdict(list)
    for task in Task.objects.filter(run__in=runs, status__in=OPEN).select_related("holder__unit"):
        tasks[task.run_id].append(task)
    busy = _busy(runs)
    matters = [_matter(one, tasks.get(one.run_id or 0, []), one.run_id in busy) for one in found]
    return sorted(
        matters, key=lambda one: (not one.ownerless, one.due_at is None, one.due_at, one.incident.pk)
    )


def _matter(incident: Incident, tasks: list[Task], busy: bool) -> Matter:
    first = min(tasks, key=lambda one: (one.due_at is None, one.due_at, one.pk), default=None)
    vacant = any(task.holder_id is None for task in tasks)
    return Matter(incident, first, len(tasks), vacant or not (tasks or busy), not tasks and busy)


def _busy(runs: Collection[int]) -> set[int]:
    """Runs in which the product is at work, or waits for a time."""
    pending = ActionCall.objects.filter(run__in=runs, due_at__isnull=False).values_list("run_id", flat=True)
    waiting = Timer.objects.filter(run__in=runs, due_at__isnull=False).values_list("run_id", flat=True)
    return set(pending) | set(waiting)
