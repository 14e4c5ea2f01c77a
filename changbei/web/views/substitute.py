"""Who guides or drives when the driver cannot: people who know the line (E3.3.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from changbei.core.errors import Invalid, NotAllowed, NotFound
from changbei.delivery import selectors
from changbei.delivery.models import Breakdown
from changbei.incidents.models import Report
from changbei.plans.loading import pack_for
from changbei.runs import access as runs_access
from changbei.runs import services as runs
from changbei.runs.models import OPEN, Task
from changbei.web import entry, htmx
from changbei.web.forms import SchemaForm
from changbei.web.showing import clause, job, say

PAGE = "delivery.substitute"


@entry.staff
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Candidates with their trips on the line and their phones; sent, the task is done with the one chosen."""
    task = runs_access.task_for(request.user, uuid)
    if task.page != PAGE:
        raise NotFound(_("This task is done elsewhere."))
    actor = entry.actor(request)
    may = runs_access.may_act(actor, task) and task.status in OPEN
    if request.method != "POST":
        return _page(request, task, _form(task), may=may)
    if not runs_access.may_act(actor, task):
        raise NotAllowed(_("This task belongs to somebody else."))
    form = _form(task, request.POST)
    if form.is_valid():
        try:
            runs.complete(task, form.result, actor=actor)
        except Invalid as error:
            form.refuse(error)
        else:
            messages.success(request, _("Appointed. The person is called now."))
            if form.result.get("duty") == "deliver":
                messages.info(
                    request, _("Note on “What has changed” when the van drives on: its list goes along.")
                )
            return htmx.go_to(request, entry.next_url(request, reverse("task", args=[task.uuid])))
    return _page(request, task, form, may=may, status=422)


def _form(task: Task, data: Any = None) -> SchemaForm:
    """The form of the plan's step; who is chosen is a candidate of the page, or anybody searched for."""
    step = pack_for(task.run.plan_version).procedures[task.run.procedure].task(task.item)
    if step is None or not step.form:
        raise NotFound(_("This task has no form."))
    return SchemaForm(step.form, data, language=get_language() or "")


def _page(
    request: HttpRequest, task: Task, form: SchemaForm, *, may: bool, status: int = 200
) -> HttpResponse:
    vehicle = vehicle_of(task)
    found = selectors.substitutes(vehicle) if vehicle else []
    chosen = form["staff_no"].value() if "staff_no" in form.fields else ""
    context = {
        "task": task,
        "title": say(task.title),
        "guide": say(task.guide),
        "clause": clause(task.clause, of=task.run.uuid),
        "vehicle": vehicle,
        "candidates": [(one, job(one.person.job)) for one in found],
        "chosen": chosen or (found[0].person.staff_no if found and may else ""),
        "form": form,
        "others": [field for field in form if field.name != "staff_no"],
        "may": may,
        "drill_banner": _("This task belongs to a drill.") if task.run.drill else "",
    }
    return render(request, "web/substitute/page.html", context, status=status)


def vehicle_of(task: Task) -> str:
    """The number of the van the run is about: of its breakdown, else as it was reported."""
    broken = Breakdown.objects.filter(run=task.run).select_related("tour__vehicle").first()
    if broken is not None:
        return broken.tour.vehicle.number
    report = Report.objects.filter(incident__run=task.run).order_by("pk").first()
    return str(report.data.get("vehicle", "")) if report else ""


urlpatterns = [path("tasks/<uuid:uuid>/substitute/", show, name="substitute")]
