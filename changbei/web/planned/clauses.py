"""Clauses with both: what carries them out by the plan, and where that happens now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.plans import document
from changbei.plans.document import ClauseView, Fulfilment
from changbei.plans.model import Pack
from changbei.runs.access import hidden_runs
from changbei.runs.models import OPEN, ActionCall, Run, Task
from changbei.web import showing
from changbei.web.planned.words import anchor_of

KIND_WORDS = {
    "procedure": gettext_lazy("Procedure"),
    "step": gettext_lazy("Step"),
    "check": gettext_lazy("Check"),
    "checklist": gettext_lazy("Checklist"),
    "registry": gettext_lazy("Register"),
    "table": gettext_lazy("Decision table"),
    "role": gettext_lazy("Role"),
    "setting": gettext_lazy("Setting"),
}
KIND_ICONS = {
    "procedure": "list-details",
    "step": "player-play",
    "check": "shield-check",
    "checklist": "clipboard-list",
    "registry": "database",
    "table": "table",
    "role": "id-badge-2",
    "setting": "adjustments",
}


@dataclass(frozen=True)
class Running:
    """Something that is being carried out on the ground of a clause at this moment."""

    number: str
    title: str
    url: str
    who: str
    due_at: datetime | None
    opened_at: datetime | None
    drill: bool


@dataclass(frozen=True)
class Fulfiller:
    """What carries a clause out, as a link into the page."""

    kind: str
    icon: str
    title: str
    url: str


@dataclass(frozen=True)
class ClauseRow:
    """A clause with both: what carries it out by the plan, and where that happens now."""

    view: ClauseView
    fulfilled_by: Sequence[Fulfiller]
    running: Sequence[Running]


@dataclass(frozen=True)
class Chapter:
    """Clauses that belong together: E3.3 with E3.3.1 to E3.3.5."""

    id: str
    clauses: Sequence[ClauseRow]

    @property
    def running(self) -> int:
        return sum(len(row.running) for row in self.clauses)


def chapters(pack: Pack, now: Mapping[str, Sequence[Running]]) -> list[Chapter]:
    """The document in its order."""
    found: dict[str, list[ClauseRow]] = {}
    for view in document.clauses(pack, showing.language()):
        row = ClauseRow(view, _fulfillers(view.fulfilled_by), now.get(view.id, ()))
        found.setdefault(_chapter_of(view.id), []).append(row)
    return [Chapter(name, rows) for name, rows in found.items()]


def _chapter_of(clause: str) -> str:
    head, *rest = clause.split(".")
    return head if head != "E3" or not rest else f"{head}.{rest[0]}"


def _fulfillers(found: Iterable[Fulfilment]) -> list[Fulfiller]:
    """Whole procedures, checks, tables … first; single steps stand with their procedure below."""
    return [
        Fulfiller(
            str(KIND_WORDS.get(one.kind, one.kind)),
            KIND_ICONS.get(one.kind, "point"),
            showing.say(one.title),
            f"#{anchor_of(one.ref)}" if one.kind != "registry" else "",
        )
        for one in found
    ]


def running_by_clause(pack: Pack, actor: object) -> dict[str, list[Running]]:
    """Open tasks and unfinished actions of the runs of this plan that the actor may read, by the clause they cite."""
    hidden = hidden_runs(actor)
    found: dict[str, list[Running]] = defaultdict(list)
    for clause, running in (*_open_tasks(pack, hidden), *_unfinished_actions(pack, hidden)):
        found[clause].append(running)
    return dict(found)


def _open_tasks(pack: Pack, hidden: QuerySet[Run]) -> Iterator[tuple[str, Running]]:
    tasks = (
        Task.objects.filter(status__in=OPEN, run__plan_version__pack=pack.id)
        .exclude(run__in=hidden)
        .select_related("run", "holder")
        .order_by("due_at", "pk")
    )
    for task in tasks:
        who = f"{showing.role_title(pack, task.role)} · {task.holder.name if task.holder else _('vacant')}"
        yield (
            task.clause,
            Running(
                task.run.number,
                showing.say(task.title),
                showing.address("task", task.uuid),
                who,
                task.due_at,
                task.opened_at,
                task.run.drill,
            ),
        )


def _unfinished_actions(pack: Pack, hidden: QuerySet[Run]) -> Iterator[tuple[str, Running]]:
    """Actions by the clause of their step; those of steps without one are left out."""
    calls = ActionCall.objects.filter(
        due_at__isnull=False, run__plan_version__pack=pack.id, run__status=Run.Status.RUNNING
    )
    for call in calls.exclude(run__in=hidden).select_related("run").order_by("pk"):
        procedure = pack.procedures.get(call.run.procedure)
        step = procedure.steps.get(call.item) if procedure else None
        if step is not None and step.clause:
            url = showing.address("incident", call.run.incident) if call.run.incident else ""
            yield (
                step.clause,
                Running(
                    call.run.number,
                    call.action,
                    url,
                    _("the system"),
                    None,
                    call.requested_at,
                    call.run.drill,
                ),
            )
