"""The page of an incident: who does what by when, who was told, what has happened; and what leaders may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages as flashes
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid
from changbei.incidents import access, services
from changbei.incidents.models import Authorisation, CommandPost, Incident, Level, Report, Warning
from changbei.journal import heartbeat
from changbei.journal import services as journal
from changbei.notify.models import Message, Notice
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.readiness.models import Simulation
from changbei.runs import selectors as runs
from changbei.runs.models import OPEN, Run, Task
from changbei.web import handling, htmx, mapping, running, sentences, showing
from changbei.web.components import Clause, PersonCard, TaskCard
from changbei.web.entry import actor, staff
from changbei.web.errors import said
from changbei.web.views.tasks import due_or_never, my_actions

ENTRIES_SHOWN = 80
NOTICES_SHOWN = 40
VERBS = ("incidents.command", "incidents.resume", "incidents.restore", "incidents.close", "incidents.suspend")


@staff
def incident_page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page, or with htmx the parts that change."""
    found = access.get_incident(request.user, uuid)
    part = htmx.wants_part(request)
    context = picture(request, found)
    response = render(request, f"web/incident/{'live' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=heartbeat.still_seconds()) if part else response


@dataclass(frozen=True)
class RoleRow:
    """A role of the plan, who holds it and why."""

    title: str
    person: Person | None
    why: str
    since: datetime
    clause: Clause | None


@dataclass(frozen=True)
class Told:
    """A notice with each person's messages; customers are counted by state."""

    notice: Notice
    messages: Sequence[Message]
    customers: Sequence[tuple[str, int]]


def picture(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    """Everything the page shows; the number of queries does not depend on how much has happened."""
    run = incident.run
    pack = pack_for(run.plan_version) if run else None
    all_runs = runs.runs_of_incident(incident.uuid) if run else []
    tasks = runs.tasks_of_runs(all_runs)
    now, person = clock.now(), people.person_of(request.user)
    open_tasks = sorted((task for task in tasks if task.status in OPEN), key=due_or_never)
    everything = request.GET.get("all") == "1"
    entries = journal.timeline(incident.uuid).order_by("-id")
    if not everything:
        entries = entries.exclude(kind="notify.told", data__template__in=sentences.TOLD_BY_OTHERS)
    shown = list(entries if everything else entries[: ENTRIES_SHOWN + 1])
    reports = list(incident.reports.select_related("reporter").order_by("pk"))
    warnings = list(incident.warnings.defer("raw", "area").order_by("pk"))
    return {
        "incident": incident,
        "run": run,
        "focus": f"{incident.longitude},{incident.latitude},12" if incident.longitude is not None else "",
        "next_task": open_tasks[0] if open_tasks else None,
        "late": sum(showing.is_late(task, now) for task in open_tasks),
        "open_count": len(open_tasks),
        "steps": showing.stages(run, pack) if run and pack else [],
        "runs": _views(all_runs, tasks, incident, person),
        "command": _command(incident),
        "roles": _roles(incident, pack) if pack else [],
        "told": _told(incident),
        "entries": sentences.timeline(
            shown[:ENTRIES_SHOWN] if not everything else shown, pack, incident.kind, runs=all_runs
        ),
        "more_entries": not everything and len(shown) > ENTRIES_SHOWN,
        "reports": _reports(reports, pack, incident, warnings),
        "warnings": warnings,
        "suspensions": list(
            incident.suspensions.annotate(customers=Count("retailers")).defer("area").order_by("pk")
        ),
        "evidence": list(runs.evidence_of(*all_runs)) if run else [],
        "request_page": handling.request_page(run) if run else None,
        "drill_banner": _banner(incident) if incident.drill else "",
        **_may(request, incident),
    }


def _banner(incident: Incident) -> str:
    said = [_("All messages are marked; nobody outside is told.")]
    if Simulation.objects.filter(incident=incident).exists():
        said.append(_("Simulated colleagues answer for whoever does not; that is marked."))
    return " ".join(said)


def _views(
    all_runs: Sequence[Run], tasks: Sequence[Task], incident: Incident, reader: Person | None
) -> list[running.RunView]:
    """The incident's run and those it has called, each with its own tasks."""
    back = reverse("incident", args=[incident.uuid])
    cards = {task.pk: _card(task, reader, back) for task in tasks}
    return [running.view(run, [task for task in tasks if task.run_id == run.pk], cards) for run in all_runs]


def _card(task: Task, reader: Person | None, back: str) -> TaskCard:
    """A task; its holder gets the buttons here as well."""
    mine = reader is not None and task.holder_id == reader.pk and task.status in OPEN
    actions = my_actions(task, back) if mine else ()
    return showing.task_card(task, actions=actions, with_incident=False)


@dataclass(frozen=True)
class Command:
    """Who leads, and whether an acting commander has been authorised."""

    post: CommandPost | None
    cards: Sequence[PersonCard]
    authorisation: Authorisation | None


def _command(incident: Incident) -> Command:
    post = (
        CommandPost.objects.filter(incident=incident).select_related("commander", "deputy_commander").first()
    )
    if post is None:
        return Command(None, _leaders(incident), None)
    cards = [
        showing.person_card(post.commander, post=_("Commander"), acting=post.acting),
        *(
            [showing.person_card(post.deputy_commander, post=_("Deputy commander"))]
            if post.deputy_commander
            else []
        ),
    ]
    asked = post.authorisations.select_related("acting_commander", "granted_by").order_by("-pk").first()
    return Command(post, cards, asked)


def _leaders(incident: Incident) -> list[PersonCard]:
    """Below major there is no command post: the leader who instructs the departments (E2.1d)."""
    command = (incident.run.scope.get("command") or {}) if incident.run else {}
    names = {"commander": _("Instructing leader"), "deputy-commander": _("Deputy")}
    known = {
        one.staff_no: one for one in Person.objects.filter(staff_no__in=[v for v in command.values() if v])
    }
    return [
        showing.person_card(known[staff_no], post=names.get(role, role))
        for role, staff_no in command.items()
        if staff_no in known
    ]


def _roles(incident: Incident, pack: Pack) -> list[RoleRow]:
    if incident.run is None:
        return []
    return [
        RoleRow(
            showing.say(held.title),
            held.person,
            showing.why(held.why, pinned=held.pinned),
            held.since,
            showing.clause(held.clause, pack),
        )
        for held in runs.roles_of(incident.run)
    ]


def _told(incident: Incident) -> list[Told]:
    """The newest notices first: three queries."""
    notices = list(Notice.objects.filter(incident=incident.uuid).order_by("-pk")[:NOTICES_SHOWN])
    rows = Message.objects.filter(notice__in=notices).select_related("person", "contact")
    staff_rows: dict[int, list[Message]] = defaultdict(list)
    for row in rows.filter(retailer=None).order_by("person_id", "contact_id", "rung", "pk"):
        staff_rows[row.notice_id].append(row)
    customers: dict[int, list[tuple[str, int]]] = defaultdict(list)
    counted = Message.objects.filter(notice__in=notices, retailer__isnull=False)
    for notice, state, count in (
        counted.values_list("notice", "state").annotate(n=Count("pk")).order_by("state")
    ):
        customers[notice].append((state, count))
    return [Told(one, staff_rows[one.pk], customers[one.pk]) for one in notices]


@dataclass(frozen=True)
class Reported:
    report: Report
    said: Sequence[handling.Said]


def _reports(
    rows: Sequence[Report], pack: Pack | None, incident: Incident, warnings: Sequence[Warning]
) -> list[Reported]:
    """What each report says; a warning that made one speaks the reader's language."""
    procedure = pack.procedures.get(incident.kind) if pack else None
    titles = {str(one.uuid): services.headline_of(one, showing.language()) for one in warnings}
    found = []
    for row in rows:
        title = titles.get(str(row.data.get("warning")))
        data = row.data | {"headline": title} if title else row.data
        found.append(Reported(row, handling.said(procedure.form, data) if procedure else []))
    return found


def _may(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    """What the reader may do with this incident, for the buttons; the verbs look again."""
    person = people.person_of(request.user)
    held = people.permissions_of(person)
    commands = access.commands(person, incident)
    may = {verb: verb in held or (verb in access.COMMAND and commands) for verb in VERBS}
    is_open = incident.status != Incident.Status.CLOSED
    everyday = incident.level == Level.SERVICE and not incident.drill
    return {
        "is_open": is_open,
        "may_change_level": is_open and may["incidents.command"] and not everyday,
        "may_clear": is_open and may["incidents.resume"] and incident.family == "weather",
        "may_restore": incident.status == Incident.Status.OPEN and may["incidents.restore"] and not everyday,
        "may_close": is_open and may["incidents.close"],
        "suspend_url": showing.address("suspend", incident.uuid)
        if is_open and may["incidents.suspend"] and not everyday
        else "",
        "review_url": "" if everyday else showing.address("review", incident.uuid),
        "levels": [level.value for level in Level if level not in (incident.level, Level.SERVICE)],
        "staff_no": person.staff_no if person else "",
    }


# ---------------------------------------------------------------- verbs


def _back(request: HttpRequest, uuid: UUID, text: str) -> HttpResponse:
    flashes.success(request, text)
    return htmx.go_to(request, reverse("incident", args=[uuid]))


def _refused(request: HttpRequest, incident: Incident, error: Invalid, dialog: str) -> HttpResponse:
    """The page again, with the dialog open and what is missing in it."""
    context = picture(request, incident) | {"wrong": {dialog: [said(one.message) for one in error.problems]}}
    return render(request, "web/incident/page.html", context, status=422)


@staff
@require_POST
def authorise(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A leader who is away authorises the acting commander (E2.1c)."""
    services.authorise(access.get_command_post(request.user, uuid), actor=actor(request))
    return _back(request, uuid, _("Authorised."))


@staff
@require_POST
def all_clear(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The weather is over."""
    services.declare_all_clear(access.get_incident(request.user, uuid), actor=actor(request))
    return _back(request, uuid, _("All-clear declared."))


@staff
@require_POST
def restored(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Service is back."""
    services.restored(access.get_incident(request.user, uuid), actor=actor(request))
    return _back(request, uuid, _("Marked: service is back."))


@staff
@require_POST
def close(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The incident is over."""
    incident, person = access.get_incident(request.user, uuid), actor(request)
    access.require(person, "incidents.close", incident)
    services.close(incident, reason=request.POST.get("reason", ""), actor=person)
    return _back(request, uuid, _("%(number)s is closed.") % {"number": incident.number})


@staff
@require_POST
def change_level(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Classified anew, with a reason."""
    incident = access.get_incident(request.user, uuid)
    try:
        services.change_level(
            incident,
            request.POST.get("level", ""),
            reason=request.POST.get("reason", ""),
            actor=actor(request),
        )
    except Invalid as error:
        return _refused(request, incident, error, "level")
    return _back(request, uuid, _("The level was changed."))


# ---------------------------------------------------------------- its map


@staff
def incident_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The city with what concerns this incident."""
    found = access.get_incident(request.user, uuid)
    language = showing.language()
    warnings = mapping.warnings_layer(language, found)
    if found.area and not warnings["features"]:
        warnings = mapping.area_layer(found)
    layers: dict[str, Any] = {
        "warnings": {"data": warnings},
        "suspensions": {"data": mapping.suspensions_layer(language, found)},
        "retailers": {"data": mapping.affected_layer(found), "label": _("Customers concerned")},
        "incidents": {"data": mapping.incidents_layer(language, Incident.objects.filter(pk=found.pk))},
    }
    if found.family == "vehicle":
        layers["vans"] = mapping.renewed("vans", language)
    return mapping.drawn(layers, language)


urlpatterns = [
    path("incidents/<uuid:uuid>/", incident_page, name="incident"),
    path("incidents/<uuid:uuid>/map.json", incident_map, name="incident-map"),
    path("incidents/<uuid:uuid>/authorise", authorise, name="incident-authorise"),
    path("incidents/<uuid:uuid>/all-clear", all_clear, name="incident-all-clear"),
    path("incidents/<uuid:uuid>/restored", restored, name="incident-restored"),
    path("incidents/<uuid:uuid>/close", close, name="incident-close"),
    path("incidents/<uuid:uuid>/level", change_level, name="incident-level"),
]
