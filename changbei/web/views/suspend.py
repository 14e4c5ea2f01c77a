"""Deciding that service to an area is suspended: draw it, see whom it concerns, decide (E3.2.1, E3.2.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents import access, rules, suspensions
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident, Suspension
from changbei.incidents.services.lines import may_decide
from changbei.network import selectors as network
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs import access as runs_access
from changbei.runs import services as runs
from changbei.runs.models import OPEN, Task
from changbei.web import entry, htmx, mapping
from changbei.web.errors import refuse
from changbei.web.showing import clause, language, say
from changbei.web.widgets import AreaField, MomentField

PAGE = "incidents.suspend"
SUSPEND = "suspend"
ROUNDED = timedelta(minutes=5)
USUALLY = timedelta(hours=24)
GOODS = (
    (Suspension.Goods.HOLD, gettext_lazy("Wait at the site, and go out on resumption")),
    (Suspension.Goods.MERGE, gettext_lazy("Go out with the first delivery day afterwards")),
)


class DrawnArea(AreaField):
    """The area as the map of the page writes it."""

    widget = forms.HiddenInput  # type: ignore[assignment]


class SuspendForm(forms.Form):
    """Area, from, until, reason, and what becomes of the goods that are sorted already."""

    area = DrawnArea(label=gettext_lazy("Area"))
    starts_at = MomentField(label=gettext_lazy("From"))
    ends_at = MomentField(label=gettext_lazy("Until (looked at again)"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)
    goods = forms.ChoiceField(
        label=gettext_lazy("Goods sorted already"),
        choices=GOODS,
        initial=Suspension.Goods.HOLD,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """What the verb would refuse, said where it belongs."""
        given = super().clean() or self.cleaned_data
        starts_at, ends_at = given.get("starts_at"), given.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("The end has to be after the beginning."))
        elif ends_at and ends_at <= clock.now():
            self.add_error("ends_at", _("this time is over already"))
        elif starts_at and ends_at and ends_at - starts_at > rules.LONGEST_SUSPENSION:
            longest = {"days": rules.LONGEST_SUSPENSION.days}
            self.add_error("ends_at", _("At most %(days)d days; it can be extended then.") % longest)
        if area := given.get("area"):
            try:
                if not network.retailer_ids_in(area):
                    self.add_error("area", _("No customer lies in this area."))
            except Invalid:
                self.add_error("area", _("This is not an area on the map."))
        return given

    @property
    def result(self) -> dict[str, Any]:
        """As the plan's decision takes it."""
        return {
            "area": self.cleaned_data["area"],
            "starts_at": self.cleaned_data["starts_at"].astimezone(clock.LOCAL).isoformat(),
            "ends_at": self.cleaned_data["ends_at"].astimezone(clock.LOCAL).isoformat(),
            "reason": self.cleaned_data["reason"],
            "goods": self.cleaned_data["goods"] or Suspension.Goods.HOLD,
        }


@entry.staff
def suspend(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The form; sent, it decides the plan's task when that is the actor's, else suspends directly."""
    incident = access.get_incident(request.user, uuid)
    actor = entry.actor(request)
    task = task_for(incident, actor)
    if task is None and not access.may(actor, "incidents.suspend", incident):
        raise NotAllowed(_("The leading group and its office suspend service, and whoever the plan asks."))
    if task is not None and task.kind != Task.Kind.DECIDE and (lasting := suspensions.going_on(incident)):
        return htmx.go_to(request, reverse("suspension", args=[lasting.uuid]))
    if request.method != "POST":
        form = SuspendForm(initial=_suggestion(incident))
        return render(request, "web/suspend/page.html", _context(incident, task, form, actor))
    form = SuspendForm(request.POST)
    if form.is_valid():
        try:
            return _decide(request, incident, task, form, actor)
        except Invalid as error:
            refuse(form, error)
    return render(request, "web/suspend/page.html", _context(incident, task, form, actor), status=422)


def task_for(incident: Incident, actor: Person) -> Task | None:
    """The open task of the plan that this page does, when it is the actor's."""
    open_ = Task.objects.filter(run__of_incident=incident, page=PAGE, status__in=OPEN).select_related(
        "run__plan_version"
    )
    return next((task for task in open_.order_by("pk") if runs_access.may_act(actor, task)), None)


def _decide(
    request: HttpRequest, incident: Incident, task: Task | None, form: SuspendForm, actor: Person
) -> HttpResponse:
    if task is not None and task.kind == Task.Kind.DECIDE:
        runs.decide(task, SUSPEND, actor=actor, result=form.result)
        messages.success(request, _("Decided. The plan now holds deliveries and tells every customer."))
        return htmx.go_to(request, reverse("incident", args=[incident.uuid]))
    given = form.cleaned_data
    made = incidents.suspend(
        incident,
        area=given["area"],
        starts_at=given["starts_at"],
        ends_at=given["ends_at"],
        reason=given["reason"],
        goods=given["goods"] or Suspension.Goods.HOLD,
        actor=actor,
    )
    if task is not None:
        spec = runs.plan_of(task.run)[1].task(task.item)
        runs.complete(task, {"ends_at": form.result["ends_at"]} if spec and spec.form else {}, actor=actor)
    messages.success(request, _("Service is suspended."))
    return htmx.go_to(request, reverse("suspension", args=[made.uuid]))


def _suggestion(incident: Incident) -> dict[str, Any]:
    """From now, until the warning ends, for its reason."""
    warning = suspensions.newest_warning(incident)
    now = clock.now()
    begin = now - timedelta(seconds=now.timestamp() % ROUNDED.total_seconds())
    ends_at = warning.expires_at if warning else None
    return {
        "area": suspensions.suggested_area(incident),
        "starts_at": begin,
        "ends_at": ends_at if ends_at and ends_at > now else begin + USUALLY,
        "reason": (warning.event or warning.headline) if warning else say(incident.title),
    }


def _context(incident: Incident, task: Task | None, form: SuspendForm, actor: Person) -> dict[str, Any]:
    others = [one for one in task.options if one["id"] != SUSPEND] if task is not None else []
    return {
        "incident": incident,
        "title": say(incident.title),
        "task": task,
        "task_title": say(task.title) if task else "",
        "guide": say(task.guide) if task else "",
        "clause": clause(task.clause, of=task.run.uuid) if task else clause("E3.2.1"),
        "others": [(one["id"], say(one["title"])) for one in others],
        "form": form,
        "lasting": suspensions.going_on(incident),
        "drill_banner": _("This incident is a drill: no delivery is held, no goods leave a store.")
        if incident.drill
        else "",
        "lines_url": reverse("incident-lines", args=[incident.uuid]) if may_decide(actor, incident) else "",
        "map_url": reverse("suspend-map", args=[incident.uuid]),
    }


@entry.staff
@require_POST
def otherwise(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Another option of the same decision: change the times, or keep service going."""
    incident = access.get_incident(request.user, uuid)
    actor = entry.actor(request)
    task = task_for(incident, actor)
    if task is None or task.kind != Task.Kind.DECIDE:
        raise Conflict(_("Nothing is to be decided here, or somebody else decides it."))
    form = SuspendForm(request.POST)
    option = request.POST.get("option", "")
    result = form.result if option != "keep" and form.is_valid() else {}
    runs.decide(task, option, actor=actor, result=result)
    messages.success(request, _("Decided."))
    return htmx.go_to(request, reverse("incident", args=[incident.uuid]))


@entry.staff
@require_POST
def preview(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Whom the area as drawn so far would concern. Changes nothing."""
    incident = access.get_incident(request.user, uuid)
    form = SuspendForm(request.POST)
    form.is_valid()
    area = form.cleaned_data.get("area")
    starts_at: datetime = form.cleaned_data.get("starts_at") or clock.now()
    ends_at: datetime = form.cleaned_data.get("ends_at") or starts_at + USUALLY
    found = suspensions.preview(incident, area, starts_at, ends_at) if area else None
    errors = [str(error) for error in form.errors.get("area", [])] if request.POST.get("area") else []
    return render(request, "web/suspend/preview.html", {"preview": found, "problems": errors})


@entry.staff
def suspend_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The city with the warnings, the areas suspended already, and all customers."""
    incident = access.get_incident(request.user, uuid)
    people.require(request.user, "network.see")
    layers = {"warnings": {"data": mapping.warnings_layer(incident=incident)}}
    layers |= {name: mapping.fetched(name, language()) for name in ("suspensions", "retailers")}
    return mapping.drawn(layers, language())


urlpatterns = [
    path("incidents/<uuid:uuid>/suspend/", suspend, name="suspend"),
    path("incidents/<uuid:uuid>/suspend/otherwise", otherwise, name="suspend-otherwise"),
    path("incidents/<uuid:uuid>/suspend/preview", preview, name="suspend-preview"),
    path("incidents/<uuid:uuid>/suspend/map.json", suspend_map, name="suspend-map"),
]
