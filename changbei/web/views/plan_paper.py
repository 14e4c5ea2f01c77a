"""The plan in force as the official document, as files to keep, and procedures as diagrams; also of a running event."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.safestring import mark_safe

from changbei.core import clock
from changbei.people import access as people
from changbei.plans.diagrams import progress
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack, step_of
from changbei.plans.models import PlanVersion
from changbei.plans.rendering import html
from changbei.plans.selectors import in_force
from changbei.runs import access as runs
from changbei.runs.models import OPEN, Run
from changbei.web import drawn, planned, showing
from changbei.web.downloads import download
from changbei.web.entry import staff


def _in_force(request: HttpRequest, pack_id: str) -> tuple[PlanVersion, Pack]:
    people.require(request.user, "plans.see")
    version = in_force(pack_id)
    return version, pack_for(version)


@staff
def document(request: HttpRequest, pack_id: str) -> HttpResponse:
    """The document as a page."""
    version, pack = _in_force(request, pack_id)
    contacts = request.GET.get("contacts") == "1"
    made = drawn.document(pack, showing.language(), reader=request.user, contacts=contacts)
    context = {
        "version": version,
        "pack": pack,
        "paper": mark_safe(html.cover(made.cover) + html.body(made)),  # noqa: S308 - the writer escapes every word
        "contacts": contacts,
        "may_contacts": people.may(request.user, "plans.print_contacts"),
        "roles": [(role.id, showing.say(role.title)) for role in pack.roles.values()],
    }
    return render(request, "web/plan/document.html", context)


@staff
def document_file(request: HttpRequest, pack_id: str, kind: str) -> HttpResponse:
    """The document as HTML, Word or PDF; `?contacts=1` with phone numbers."""
    _version, pack = _in_force(request, pack_id)
    contacts = request.GET.get("contacts") == "1"
    return handed(drawn.document_file(pack, showing.language(), kind, reader=request.user, contacts=contacts))


@staff
def handbook_file(request: HttpRequest, pack_id: str, who: str, kind: str) -> HttpResponse:
    """The pocket handbook of a role or post, or of all."""
    _version, pack = _in_force(request, pack_id)
    contacts = request.GET.get("contacts") == "1"
    return handed(
        drawn.handbook_file(pack, who, showing.language(), kind, reader=request.user, contacts=contacts)
    )


@staff
def procedure(request: HttpRequest, pack_id: str, procedure_id: str) -> HttpResponse:
    """One procedure as a diagram; its steps lead to where the plan page describes them."""
    _version, pack = _in_force(request, pack_id)
    one = drawn.procedure_of(pack, procedure_id)
    page = reverse("plan-pack", args=[pack.id])
    diagram = drawn.diagram(
        pack,
        one,
        showing.language(),
        link=lambda step: f"{page}#{planned.anchor_of(f'step:{one.id}/{step}')}",
    )
    others = [(one.id, showing.say(one.title)) for one in pack.procedures.values()]
    context = {"pack": pack, "procedure": one, "diagram": diagram, "others": others}
    return render(request, "web/plan/diagram.html", context)


@staff
def bpmn_file(request: HttpRequest, pack_id: str, procedure_id: str) -> HttpResponse:
    _version, pack = _in_force(request, pack_id)
    return handed(drawn.bpmn_file(pack, procedure_id, showing.language()))


@staff
def running(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A run as a diagram that shows how far it has come; steps with a task lead to it."""
    run = runs.run_for(request.user, uuid)
    pack = pack_for(run.plan_version)
    one = drawn.procedure_of(pack, run.procedure)
    tasks = _task_links(run)
    diagram = drawn.diagram(
        pack,
        one,
        showing.language(),
        states=progress.states(one, run.state, clock.now()),
        link=lambda step: tasks.get(step, ""),
    )
    context = {
        "run": run,
        "pack": pack,
        "procedure": one,
        "diagram": diagram,
        "back": showing.run_address(run),
    }
    return render(request, "web/runs/diagram.html", context)


def _task_links(run: Run) -> dict[str, str]:
    """Step → its task's page; of a step with many tasks the first that is open."""
    found: dict[str, str] = {}
    for task in run.tasks.order_by("pk"):
        if step_of(task.item) not in found or task.status in OPEN:
            found[step_of(task.item)] = reverse("task", args=[task.uuid])
    return found


def handed(file: drawn.File) -> HttpResponse:
    """As something to keep: an HTML page of its own would not get its styles under the policy of our pages."""
    return download(file.data, file.name, file.kind, shown=file.kind == "application/pdf")


urlpatterns = [
    path("plan/<slug:pack_id>/document/", document, name="plan-document"),
    path("plan/<slug:pack_id>/document.<slug:kind>", document_file, name="plan-file"),
    path("plan/<slug:pack_id>/handbook/<slug:who>.<slug:kind>", handbook_file, name="plan-handbook"),
    path("plan/<slug:pack_id>/procedures/<slug:procedure_id>/", procedure, name="plan-procedure"),
    path("plan/<slug:pack_id>/procedures/<slug:procedure_id>.bpmn", bpmn_file, name="plan-bpmn"),
    path("runs/<uuid:uuid>/diagram/", running, name="run-diagram"),
]
