"""Report an event: choose its kind, fill in the plan's form, and see the number it got and what happens next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from changbei.core.errors import Invalid, NotFound
from changbei.delivery import selectors as delivery
from changbei.incidents import access, services
from changbei.incidents import plan as plans_in_force
from changbei.incidents.models import Incident, Report
from changbei.notify import selectors as notify
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import EVERYDAY, Pack
from changbei.plans.selectors import packs_in_force
from changbei.runs import access as run_access
from changbei.runs import selectors as runs
from changbei.runs import services as run_services
from changbei.runs.models import OPEN, Run, Task
from changbei.web import htmx, showing
from changbei.web.entry import actor, staff
from changbei.web.forms import SchemaForm
from changbei.web.planned import FAMILY_ICONS

Json = dict[str, Any]
TOLD_SHOWN = 12
# whose reports are mostly about what: that card comes first
USUAL = {
    "driver": "vehicle",
    "customer_manager": "demand",
    "market_manager": "demand",
    "technician": "network",
    "guard": "safety",
}


@dataclass(frozen=True)
class Kind:
    """One kind of event that can be reported."""

    id: str
    title: str
    summary: str
    icon: str
    family: str


@dataclass(frozen=True)
class Group:
    """What can be reported by one plan."""

    id: str
    title: str
    icon: str
    kinds: list[Kind]


@staff
def kinds(request: HttpRequest) -> HttpResponse:
    """What happened? One card per procedure of the plans in force that people begin; everyday service comes last."""
    people.require(request.user, "incidents.report")
    person = people.person_of(request.user)
    usual = USUAL.get(person.job, "") if person else ""
    found = [_group(pack, usual) for pack in packs_in_force()]
    return render(request, "web/report/kinds.html", {"groups": [group for group in found if group.kinds]})


def _group(pack: Pack, usual: str) -> Group:
    rows = [
        Kind(
            one.id,
            showing.say(one.title),
            showing.say(one.summary),
            FAMILY_ICONS.get(one.family, "flag"),
            one.family,
        )
        for one in pack.reported
    ]
    icon = FAMILY_ICONS[EVERYDAY] if pack.is_everyday else "alert-triangle"
    return Group(pack.id, showing.say(pack.titles), icon, sorted(rows, key=lambda kind: kind.family != usual))


@staff
def form(request: HttpRequest, kind: str) -> HttpResponse:
    """The form of one kind; what is missing comes back next to its field (422)."""
    people.require(request.user, "incidents.report")
    person = actor(request)
    schema = plans_in_force.procedure_in_force(kind).procedure.form
    if request.method != "POST":
        filled = SchemaForm(schema, language=showing.language(), initial=_known(schema, person, request))
        return _form_page(request, kind, filled)
    filled = SchemaForm(schema, request.POST, request.FILES, language=showing.language())
    if filled.is_valid():
        try:
            answer = services.report(kind, filled.result, actor=person, source="web")
        except Invalid as error:
            filled.refuse(error)
        else:
            _keep_photos(request, answer.incident, filled.uploads, person)
            filed = answer.incident.reports.filter(reporter=person).order_by("-pk")[0]
            return htmx.go_to(request, reverse("report-answer", args=[filed.uuid]))
    return _form_page(request, kind, filled, status=422)


def _known(schema: Mapping[str, Any], person: Person, request: HttpRequest) -> Json:
    """What need not be asked: the van of the reporter's tour today, and what the link that led here names."""
    fields = schema.get("properties", {})
    given = {name: request.GET[name] for name in fields if request.GET.get(name)}
    for name, field in fields.items():
        if field.get("x-widget") == "vehicle" and name not in given:
            tour = delivery.current_tour(person)
            if tour is not None:
                given[name] = tour.vehicle.number
    return given


def _form_page(request: HttpRequest, kind: str, filled: SchemaForm, status: int = 200) -> HttpResponse:
    procedure = plans_in_force.procedure_in_force(kind).procedure
    required = [filled[name] for name, field in filled.fields.items() if field.required]
    others = [filled[name] for name, field in filled.fields.items() if not field.required]
    context = {
        "kind": kind,
        "title": showing.say(procedure.title),
        "icon_name": FAMILY_ICONS.get(procedure.family, "flag"),
        "form": filled,
        "required": required,
        "others": others,
        "open_others": any(bound.errors for bound in others),
    }
    return render(request, "web/report/form.html", context, status=status)


def _keep_photos(
    request: HttpRequest, incident: Incident, uploads: dict[str, UploadedFile[Any]], person: Person
) -> None:
    """Photos go as evidence to a task of the reporter, first to one that asks for a photo."""
    if not uploads or incident.run is None:
        return
    tasks = [task for task in runs.tasks_of(incident.run) if task.status in OPEN]
    mine = sorted(
        (task for task in tasks if run_access.may_act(person, task)),
        key=lambda task: ("photo" not in task.evidence, task.pk),
    )
    if not mine:
        messages.warning(request, _("The photo was not kept: send it to whoever handles the event."))
        return
    for photo in uploads.values():
        try:
            run_services.attach(mine[0], "photo", file=photo, actor=person)
        except Invalid as error:
            messages.warning(request, _("The photo was not kept: %(why)s") % {"why": error})


@staff
def answer(request: HttpRequest, report: UUID) -> HttpResponse:
    """The number, whether somebody had said it before, who has been told, and what happens next; who reported something
    confidential and has no part in it reads the number alone.
    """
    filed = Report.objects.select_related("incident__run", "reporter").filter(uuid=report).first()
    if filed is None:
        raise NotFound(str(report))
    person = people.person_of(request.user)
    if person is not None and filed.reporter == person and not access.may_read(person, filed.incident):
        return render(request, "web/report/kept.html", {"report": filed, "incident": filed.incident})
    incident = access.get_incident(request.user, filed.incident.uuid)
    run = incident.run
    tasks = list(_open_tasks(run)) if run else []
    context = {
        "report": filed,
        "incident": incident,
        "first": incident.reports.filter(joined=False).select_related("reporter").first(),
        "mine": [showing.task_card(task) for task in tasks if person and task.holder_id == person.pk],
        "others": [
            showing.task_card(task, with_incident=False)
            for task in tasks
            if not person or task.holder_id != person.pk
        ],
        "steps": showing.stages(run, pack_for(run.plan_version)) if run else [],
        "told": _told(incident),
    }
    part = htmx.wants_part(request)
    response = render(request, f"web/report/{'after' if part else 'answer'}.html", context)
    return htmx.stamp(response) if part else response


def _open_tasks(run: Run) -> Iterator[Task]:
    for task in runs.tasks_of(run).select_related("run__plan_version"):
        if task.status in OPEN:
            yield task


@dataclass(frozen=True)
class Told:
    """Colleagues who were told, each once with the best that was observed; customers and contacts as a number."""

    colleagues: list[tuple[str, str]]
    more: int
    outside: int


_BEST = ("acknowledged", "delivered", "handed", "sending", "queued", "unreachable", "failed", "stopped")
_SHOWN = {"acknowledged": "answered", "handed": "sent", "sending": "queued", "unreachable": "failed"}


def _told(incident: Incident) -> Told:
    best: dict[str, str] = {}
    outside: set[tuple[int | None, int | None]] = set()
    for message in notify.messages(incident=incident.uuid):
        if message.person is None:
            outside.add((message.retailer_id, message.contact_id))
            continue
        before = best.get(message.person.name, _BEST[-1])
        best[message.person.name] = min(before, message.state, key=_BEST.index)
    shown = [(name, _SHOWN.get(state, state)) for name, state in best.items()]
    return Told(shown[:TOLD_SHOWN], max(0, len(shown) - TOLD_SHOWN), len(outside))


urlpatterns = [
    path("report/", kinds, name="report"),
    path("report/answer/<uuid:report>/", answer, name="report-answer"),
    path("report/<slug:kind>/", form, name="report-form"),
]
