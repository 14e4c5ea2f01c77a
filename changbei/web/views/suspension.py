"""A suspension while it lasts: every customer told and tracked, the calls, the public notices, its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.compute import geo
from changbei.core import clock
from changbei.delivery import services as deliveries
from changbei.incidents import access, replenishing, suspensions
from changbei.incidents import services as incidents
from changbei.incidents.models import Suspension
from changbei.network import features
from changbei.network.models import Retailer
from changbei.notify import calls
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs import access as runs_access
from changbei.runs import services as runs
from changbei.runs.models import OPEN, Task
from changbei.web import entry, htmx, mapping
from changbei.web.components import Tone
from changbei.web.showing import clause, language, say
from changbei.web.widgets import MomentField

ON_A_PAGE = 25
TRACKS: dict[str, tuple[Any, Tone, str]] = {
    "acknowledged": (gettext_lazy("Confirmed"), "good", "checks"),
    "told": (gettext_lazy("Arrived"), "info", "check"),
    "under_way": (gettext_lazy("Under way"), "neutral", "send"),
    "unreached": (gettext_lazy("Not reached"), "bad", "circle-x"),
}
OUTCOMES = {
    "pending": gettext_lazy("to be phoned"),
    "reached": gettext_lazy("reached by phone"),
    "no_answer": gettext_lazy("no answer"),
    "wrong_number": gettext_lazy("wrong number"),
    "call_back": gettext_lazy("to be phoned again"),
    "refused": gettext_lazy("did not want to listen"),
    "visited": gettext_lazy("visited"),
}
ON_THE_MAP = {"acknowledged": "served", "told": "waiting", "under_way": "affected", "unreached": "unserved"}
MEDIA = {
    "tv": (gettext_lazy("Television"), "device-mobile"),
    "radio": (gettext_lazy("Radio"), "speakerphone"),
    "mobile": (gettext_lazy("Mobile"), "message-2"),
}


class ExtendForm(forms.Form):
    """The new moment at which the suspension is looked at again."""

    ends_at = MomentField(label=gettext_lazy("New end (looked at again)"))


@dataclass(frozen=True)
class Customer:
    """A customer of the list, with what is known of their being told."""

    retailer: Any
    words: str
    tone: Tone
    icon: str
    call: str


@entry.staff
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The page; polls get the figures, searches the list."""
    suspension = access.get_suspension(request.user, uuid)
    context = _context(request, suspension, ExtendForm(initial={"ends_at": suspension.ends_at}))
    if not htmx.wants_part(request):
        return render(request, "web/suspension/page.html", context)
    part = "list" if request.GET.get("part") == "list" else "live"
    return htmx.stamp(render(request, f"web/suspension/{part}.html", context))


def _context(request: HttpRequest, suspension: Suspension, form: ExtendForm) -> dict[str, Any]:
    incident = suspension.incident
    tracked = suspensions.tracked(suspension)
    total = sum(tracked.values())
    person = people.person_of(request.user)
    may = person is not None and suspension.resumed_at is None and may_end(suspension, person)
    call_list = suspensions.call_list_of(suspension)
    phoned = calls.progress(call_list) if call_list else None
    missed = [] if suspension.resumed_at else replenishing.missed_delivery(suspension)
    return {
        "suspension": suspension,
        "incident": incident,
        "title": say(incident.title),
        "clause": clause("E3.2.1" if suspension.scope == "whole" else "E3.2.2"),
        "drill_banner": _("This incident is a drill: no delivery is held, no goods leave a store.")
        if incident.drill
        else "",
        "lasts": suspension.resumed_at is None,
        "begun": suspension.starts_at <= clock.now(),
        "total": total,
        "tracked": [(name, *TRACKS[name], tracked[name]) for name in TRACKS],
        "told": tracked["acknowledged"] + tracked["told"],
        "unreached": tracked["unreached"],
        "held": suspensions.held_stops(suspension),
        "call_list": call_list,
        "calls": phoned,
        "calls_done": phoned.whole.reached + phoned.whole.visited if phoned else 0,
        "notices": [
            (*MEDIA[notice.medium], say(notice.text), notice)
            for notice in suspension.public_notices.order_by("at", "pk")
        ],
        "public_url": _public_address(suspension),
        "replenishments": list(suspensions.replenishments(suspension)),
        "missed": len(missed),
        "missed_cartons": sum(one.usual_cartons for one in missed),
        "may_end": may,
        "may_close_roads": suspension.resumed_at is None
        and entry.may_act(request, "delivery.recover")
        and deliveries.today() is not None,
        "form": form,
        "here": reverse("suspension", args=[suspension.uuid]),
        "map_url": reverse("suspension-map", args=[suspension.uuid]),
        **_list(request, suspension),
    }


def _public_address(suspension: Suspension) -> str:
    """The newest public notice about it, "" when none is public."""
    newest = suspension.bulletins.filter(drill=False).order_by("number").last()
    return reverse("public-notice", args=[newest.uuid, language().lower()]) if newest else ""


def _list(request: HttpRequest, suspension: Suspension) -> dict[str, Any]:
    track, words = request.GET.get("track", ""), request.GET.get("q", "").strip()[:60]
    found = suspensions.matching(suspensions.customers(suspension), words)
    if track in TRACKS:
        found = found.filter(track=track)
    page = Paginator(found.select_related("customer_manager"), ON_A_PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "customers": [_customer(one) for one in page],
        "track": track,
        "words": words,
        "query": urlencode({"part": "list", "track": track, "q": words}),
    }


def _customer(retailer: Any) -> Customer:
    words, tone, icon = TRACKS[retailer.track]
    outcome = OUTCOMES.get(retailer.call_outcome)
    return Customer(retailer, str(words), tone, icon, str(outcome) if outcome else "")


# ---------------------------------------------------------------- its end


def may_end(suspension: Suspension, actor: Person) -> bool:
    """Whether the actor may extend and resume: by post, or because the plan asks this person."""
    incident = suspension.incident
    if access.may(actor, "incidents.resume", incident):
        return True
    return ending_task(suspension, actor) is not None


def ending_task(suspension: Suspension, actor: Person) -> Task | None:
    """The plan's open task that ends or prolongs the suspension, when it is the actor's."""
    open_ = Task.objects.filter(run__of_incident=suspension.incident, status__in=OPEN).select_related(
        "run__plan_version"
    )
    for task in open_.order_by("pk"):
        decides = any(one["id"] == "resume" for one in task.options)
        confirms = task.kind == Task.Kind.DO and task.page == "incidents.suspend"
        if (decides or confirms) and runs_access.may_act(actor, task):
            return task
    return None


@entry.staff
@require_POST
def extend(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A later end: by the plan's decision when it asks for one, else directly."""
    suspension = access.get_suspension(request.user, uuid)
    actor = entry.actor(request)
    form = ExtendForm(request.POST)
    if form.is_valid():
        ends_at = form.cleaned_data["ends_at"]
        if ends_at > max(suspension.ends_at, clock.now()):
            task = ending_task(suspension, actor)
            if task is not None and any(one["id"] == "extend" for one in task.options):
                wanted = {"ends_at": ends_at.astimezone(clock.LOCAL).isoformat()}
                runs.decide(task, "extend", actor=actor, result=wanted)
            else:
                incidents.extend(suspension, ends_at, actor=actor)
            messages.success(request, _("Extended."))
            return htmx.go_to(request, reverse("suspension", args=[uuid]))
        form.add_error("ends_at", _("The new end has to be later than the present one, and than now."))
    return render(request, "web/suspension/page.html", _context(request, suspension, form), status=422)


@entry.staff
@require_POST
def resume(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Service is back: by the plan's task when it asks for it, else directly, replenishment included (E3.2.5)."""
    suspension = access.get_suspension(request.user, uuid)
    actor = entry.actor(request)
    here = reverse("suspension", args=[uuid])
    task = ending_task(suspension, actor)
    if task is not None and suspension.resumed_at is None:
        if task.kind == Task.Kind.DECIDE:
            runs.decide(task, "resume", actor=actor)
        else:
            runs.complete(task, actor=actor)
        messages.success(
            request, _("Decided. The plan now releases deliveries and replenishes key customers.")
        )
        return htmx.go_to(request, here)
    suspension = incidents.resume(suspension, actor=actor)
    made = replenishing.replenish_key_customers(suspension, actor=None)
    messages.success(
        request,
        _("Service is resumed; %(requests)d replenishments for key customers started.")
        % {"requests": made.requests},
    )
    return htmx.go_to(request, here)


@entry.staff
def suspension_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The area with its customers by how far they have been told."""
    suspension = access.get_suspension(request.user, uuid)
    box = geo.box_of(geo.polygon(suspension.area))
    about = {"name": suspension.incident.number, "detail": suspension.reason}
    area = features.feature(suspension.area, about, suspension.pk)
    shops = features.collection(_dot(one) for one in suspensions.customers(suspension))
    layers = {"suspensions": {"data": features.collection([area])}, "retailers": {"data": shops}}
    return mapping.drawn(layers, language(), [box.west, box.south, box.east, box.north])


def _dot(retailer: Any) -> dict[str, Any]:
    shop: Retailer = retailer
    words, _tone, _icon = TRACKS[retailer.track]
    about = {
        "name": shop.name,
        "detail": str(words),
        "state": ON_THE_MAP[retailer.track],
        "facts": [[_("Phone"), shop.phone]],
    }
    return features.point(round(shop.longitude, 5), round(shop.latitude, 5), about, shop.pk)


urlpatterns = [
    path("suspensions/<uuid:uuid>/", show, name="suspension"),
    path("suspensions/<uuid:uuid>/extend", extend, name="suspension-extend"),
    path("suspensions/<uuid:uuid>/resume", resume, name="suspension-resume"),
    path("suspensions/<uuid:uuid>/map.json", suspension_map, name="suspension-map"),
]
