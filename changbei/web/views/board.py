"""The situation board: what is going on, what is due next, where, and what was the last that happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from changbei.core import clock
from changbei.delivery.models import Tour
from changbei.incidents import access, warned
from changbei.incidents.models import Incident, Level, SuspendedRetailer
from changbei.journal import heartbeat
from changbei.journal.models import Entry
from changbei.notify.models import Message
from changbei.people import access as people
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.runs.models import OPEN, ActionCall, Task, Timer
from changbei.web import htmx, sentences, showing
from changbei.web.components import Step, TimelineEntry
from changbei.web.entry import staff
from changbei.web.views import calls, forecast
from changbei.web.views.tasks import due_or_never

NEXT_SHOWN = 8
NEWS_SHOWN = 12
LEVELS = [Level.MAJOR.value, Level.LOCAL.value, Level.DEMAND.value]
QUIET = (
    "runs.stage_closed",
    "runs.stage_dropped",
    "runs.action_called",
    "notify.acknowledged",
    "notify.told",
)


@dataclass(frozen=True)
class Next:
    """What is to happen next in an incident, by whom, and until when."""

    text: str
    due_at: datetime | None = None
    opened_at: datetime | None = None
    who: str = ""


@dataclass(frozen=True)
class Case:
    """An open incident on the board."""

    incident: Incident
    open_tasks: int
    late: int
    unanswered: int
    stages: Sequence[Step]
    now_in: str
    next: Next


@staff
def board(request: HttpRequest) -> HttpResponse:
    """The page, or with htmx the parts that change."""
    people.require(request.user, "incidents.see")
    part = htmx.wants_part(request)
    context = situation(request.user)
    response = render(request, f"web/board/{'live' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=heartbeat.still_seconds()) if part else response


def situation(actor: object) -> dict[str, Any]:
    """Everything the board shows to the actor; the number of queries does not depend on how much is going on."""
    incidents = list(
        access.readable(actor)
        .exclude(status=Incident.Status.CLOSED)
        .exclude(level=Level.SERVICE)  # everyday service has a page of its own
        .select_related("run__plan_version")
        .defer("run__plan_version__files", "area")
    )
    incidents.sort(key=lambda one: (LEVELS.index(one.level), one.reported_at))
    tasks = _open_tasks([one.run_id for one in incidents if one.run_id])
    cases = _cases(incidents, tasks)
    now = clock.now()
    lists = calls.on_the_board(actor)
    return {
        "cases": cases,
        "figures": _figures(cases, tasks, lists),
        "warnings": warned.gravest_first(warned.in_force(now).defer("raw", "area")),
        "forecast": forecast.card(),
        "call_lists": lists[: calls.MOST_LISTS],
        "next_tasks": [showing.task_card(task) for task in tasks[:NEXT_SHOWN]],
        "more_tasks": max(0, len(tasks) - NEXT_SHOWN),
        "news": _news(incidents),
        "drill_banner": "",
    }


def _open_tasks(runs: Iterable[int]) -> list[Task]:
    rows = (
        Task.objects.filter(run__in=list(runs), status__in=OPEN)
        .select_related("run__plan_version", "holder")
        .defer("run__plan_version__files", "run__state")
    )
    return sorted(rows, key=due_or_never)


def _cases(incidents: Sequence[Incident], tasks: Sequence[Task]) -> list[Case]:
    now = clock.now()
    by_run: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        by_run[task.run_id].append(task)
    uuids = [one.uuid for one in incidents]
    runs = [one.run_id for one in incidents if one.run_id]
    silent = _unanswered(uuids)
    busy = set(ActionCall.objects.filter(run__in=runs, due_at__isnull=False).values_list("run_id", flat=True))
    waits = dict(
        Timer.objects.filter(run__in=runs, due_at__isnull=False, key__startswith="wait:")
        .values_list("run_id")
        .annotate(at=Min("due_at"))
    )
    found = []
    for incident in incidents:
        run = incident.run
        pack = pack_for(run.plan_version) if run else None
        mine = by_run.get(incident.run_id or 0, [])
        found.append(
            Case(
                incident=incident,
                open_tasks=len(mine),
                late=sum(showing.is_late(task, now) for task in mine),
                unanswered=silent.get(incident.uuid, 0),
                stages=showing.stages(run, pack) if run and pack else (),
                now_in="、".join(showing.open_stages(run, pack)) if run and pack else "",
                next=_next(incident, mine, pack, incident.run_id in busy, waits.get(incident.run_id)),
            )
        )
    return found


def _next(
    incident: Incident, tasks: Sequence[Task], pack: Pack | None, busy: bool, wait: datetime | None
) -> Next:
    """The deadline that comes first: of accepting while nobody has, else of the task itself."""
    moments = [(_deadline(task), task) for task in tasks]
    if moments and pack:
        due, task = min(moments, key=lambda pair: (pair[0] or due_or_never(pair[1]), pair[1].pk))
        text = showing.say(task.title)
        if task.status == Task.Status.OPEN and due == task.acknowledge_due_at:
            text = _("Accept: %(task)s") % {"task": text}
        who = task.holder.name if task.holder else _("vacant")
        return Next(text, due, task.opened_at, f"{showing.role_title(pack, task.role)} {who}")
    if busy:
        return Next(_("The system is at work"))
    if wait:
        return Next(_("Waits, and looks again"), wait)
    if incident.status == Incident.Status.RESTORED:
        return Next(_("Service is back; ready to be closed"))
    return Next(_("Nothing is open; ready to be closed"))


def _deadline(task: Task) -> datetime | None:
    if task.status == Task.Status.OPEN and task.acknowledge_due_at and task.acknowledge_due_at > clock.now():
        return min(task.acknowledge_due_at, task.due_at or task.acknowledge_due_at)
    return task.due_at


def _unanswered(incidents: Sequence[UUID]) -> dict[UUID, int]:
    """People who were told, should confirm, and have not, by incident."""
    rows = (
        Message.objects.filter(notice__incident__in=incidents, notice__needs_acknowledgement=True)
        .filter(notice__stopped_at=None, channel="inbox", state=Message.State.DELIVERED)
        .values_list("notice__incident")
        .annotate(count=Count("pk"))
    )
    return dict(rows)


@dataclass(frozen=True)
class Figure:
    label: str
    value: object
    tone: str = "neutral"
    icon: str = ""
    hint: str = ""


def _figures(cases: Sequence[Case], tasks: Sequence[Task], lists: Sequence[calls.OnTheBoard]) -> list[Figure]:
    major = sum(case.incident.level == Level.MAJOR for case in cases)
    late = sum(case.late for case in cases)
    silent = sum(case.unanswered for case in cases)
    suspended = (
        SuspendedRetailer.objects.filter(suspension__resumed_at=None).values("retailer").distinct().count()
    )
    vans = Counter(Tour.objects.filter(day__date=clock.today()).values_list("status", flat=True))
    whole, driving = sum(vans.values()), vans[Tour.Status.DRIVING]
    broken = vans[Tour.Status.BROKEN_DOWN]
    return [
        Figure(
            _("Open incidents"),
            len(cases),
            "bad" if major else "warn" if cases else "good",
            "flag",
            _("%(count)d major") % {"count": major} if major else "",
        ),
        Figure(_("Open tasks"), len(tasks), icon="list-check"),
        Figure(pgettext("state", "Late"), late, "bad" if late else "good", "clock-exclamation"),
        Figure(_("Not confirmed"), silent, "warn" if silent else "good", "bell-ringing"),
        Figure(_("Customers suspended"), suspended, "warn" if suspended else "good", "player-pause"),
        Figure(
            _("Calls"),
            f"{sum(one.done for one in lists)} / {sum(one.total for one in lists)}",
            "notice" if any(one.left for one in lists) else "neutral",
            "phone-call",
        ),
        Figure(
            _("Vans on their lines"),
            f"{driving} / {whole}",
            "warn" if broken else "neutral",
            "truck-delivery",
            _("%(count)d broken down") % {"count": broken} if broken else "",
        ),
    ]


def _news(incidents: Sequence[Incident]) -> list[TimelineEntry]:
    """The last facts of the open incidents, the newest first, each with its incident's number."""
    numbers = {one.uuid: one for one in incidents}
    rows = list(
        Entry.objects.filter(incident__in=numbers).exclude(kind__in=QUIET).order_by("-id")[:NEWS_SHOWN]
    )
    known = sentences.names_for(rows, None, "")
    found = []
    for row in rows:
        incident = numbers[row.incident] if row.incident else None
        if incident is None:
            continue
        pack = pack_for(incident.run.plan_version) if incident.run else None
        procedure = pack.procedures.get(incident.kind) if pack else None
        names = sentences.Names(pack, procedure, known.people)
        found.append(sentences.told(row, names, of=incident))
    return found


urlpatterns = [path("", board, name="board")]
