"""Routine work: what begins by its schedule, without an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core.errors import Conflict
from changbei.journal import services as journal
from changbei.people import access as people
from changbei.plans import selectors as plans
from changbei.plans.loading import pack_for
from changbei.runs import access, scheduling, services
from changbei.runs import selectors as runs
from changbei.runs.models import OPEN
from changbei.web import handling, htmx, running, sentences, showing
from changbei.web.entry import actor, next_url, staff
from changbei.web.errors import said
from changbei.web.views.tasks import my_actions

SHOWN = 60


@dataclass(frozen=True)
class Coming:
    """What begins next; `at` is None for a day that is drawn and not told ahead."""

    title: str
    at: datetime | None
    error: str


@staff
def routine(request: HttpRequest) -> HttpResponse:
    """What began by itself, the newest first, and what begins next."""
    people.require(request.user, "runs.see")
    is_open = Q(tasks__status__in=OPEN)
    rows = runs.begun_by_schedule().exclude(pk__in=access.hidden_runs(request.user))
    rows = rows.annotate(open_tasks=Count("tasks", filter=is_open))[:SHOWN]
    return render(request, "web/runs/list.html", {"rows": list(rows), "coming": coming()})


def coming() -> list[Coming]:
    found = []
    for row in scheduling.coming():
        procedure = plans.pack_in_force(row.pack).procedures.get(row.procedure)
        if procedure is not None and row.position < len(procedure.schedules):
            secret = procedure.schedules[row.position].random
            found.append(Coming(showing.say(procedure.title), None if secret else row.due_at, row.error))
    return sorted(found, key=lambda one: (one.at is None, one.at and one.at.timestamp(), one.title))


@staff
def run_page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One run that belongs to no incident; others are shown with theirs."""
    run = access.run_for(request.user, uuid)
    if run.incident is not None:
        return redirect(showing.run_address(run))
    pack, person = pack_for(run.plan_version), people.person_of(request.user)
    procedure = pack.procedures[run.procedure]
    family = [run, *runs.called_by(run)]
    tasks = runs.tasks_of_runs(family)
    cards = {
        task.pk: showing.task_card(
            task,
            actions=my_actions(task, request.path)
            if person is not None and task.holder_id == person.pk and task.status in OPEN
            else (),
            with_incident=False,
        )
        for task in tasks
    }
    views = [running.view(one, [task for task in tasks if task.run_id == one.pk], cards) for one in family]
    entries = list(journal.run_timeline(*(one.uuid for one in family)).order_by("-id")[:SHOWN])
    context = {
        "run": run,
        "one": views[0],
        "runs": views,
        "steps": showing.stages(run, pack),
        "said": handling.said(procedure.form, run.state["context"].get("report", {})),
        "entries": sentences.timeline(entries, pack, run.procedure, runs=family),
        "evidence": list(runs.evidence_of(*family)),
        "may_end": run.status == run.Status.RUNNING and person is not None and access.may_end(person, run),
    }
    return render(request, "web/runs/page.html", context)


@staff
@require_POST
def end(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What a schedule or somebody began is over; an incident is closed on its own page."""
    run, person = access.run_for(request.user, uuid), actor(request)
    if run.incident is not None:
        return redirect(showing.run_address(run))
    services.end(run, actor=person)
    messages.success(request, _("Ended; what was open is cancelled."))
    return htmx.go_to(request, reverse("run", args=[uuid]))


@staff
@require_POST
def give_back(request: HttpRequest, uuid: UUID, role: str) -> HttpResponse:
    """A role that somebody was given goes to whom posts, roster and absences give it."""
    run, person = access.run_for(request.user, uuid), actor(request)
    try:
        services.hand_back(run, role, actor=person)
        messages.success(request, _("Given back: the plan says who holds it now."))
    except Conflict as error:
        messages.warning(request, said(str(error)))
    return htmx.go_to(request, next_url(request, reverse("absence")))


urlpatterns = [
    path("runs/", routine, name="runs"),
    path("runs/<uuid:uuid>/", run_page, name="run"),
    path("runs/<uuid:uuid>/end", end, name="run-end"),
    path("runs/<uuid:uuid>/roles/<str:role>/back", give_back, name="role-back"),
]
