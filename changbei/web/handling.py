"""What the page of one task needs beside the task: where it is done, who could take it, what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from changbei.core import clock
from changbei.core.errors import NotAllowed
from changbei.delivery import selectors as delivery
from changbei.incidents import suspensions
from changbei.incidents.models import Incident, Report, Suspension
from changbei.network.models import Product, Retailer
from changbei.notify.models import CallList
from changbei.people.models import DutyShift, Person, PostHolding
from changbei.plans.model import Pack, Procedure, TaskSpec
from changbei.runs import access
from changbei.runs.models import Run, Task
from changbei.supply import selectors as supply
from changbei.supply.models import SupplyRequest
from changbei.web import showing
from changbei.web.widgets import Hit, person_hit

MOST_SUGGESTED = 6


@dataclass(frozen=True)
class Elsewhere:
    """Another page of the product on which a task is done."""

    url: str
    label: str
    icon: str


def elsewhere(task: Task) -> Elsewhere | None:
    """The page that the plan names for a task, when there is something to be done on it."""
    run = task.run
    match task.page:
        case "delivery.recovery":
            case = delivery.newest_case(run.uuid)
            url = showing.address("recovery", case.uuid) if case else ""
            return _page(url, _("Compare the options"), "route")
        case "incidents.suspend":
            url = showing.address("suspend", run.incident)
            return _page(url, _("Draw the area and decide"), "polygon")
        case "incidents.lines":
            return _page(showing.address("incident-lines", run.incident), _("Decide line by line"), "route")
        case "incidents.forecast":
            return _page(showing.address("forecast"), _("Open the forecast"), "storm")
        case "notify.calls":
            made = CallList.objects.filter(run=run.uuid).order_by("-pk").first()
            url = showing.address("calls") + (f"?view=team&list={made.uuid}" if made else "")
            return _page(url, _("Open the call list"), "phone-call")
        case "delivery.substitute":
            return _page(showing.address("substitute", task.uuid), _("Who knows the line"), "users")
        case "supply.request":
            return request_page(run)
        case "supply.corrections":
            url = showing.address("settlement-corrections-of", run.uuid)
            return _page(url, _("Open the list of settlements"), "scale")
        case "supply.cash":
            return _page(
                showing.address("cash-settlements-of", run.uuid), _("Open the cash settlements"), "scale"
            )
        case "supply.warnings":
            return _page(showing.address("early-warnings"), _("Open the early warnings"), "alert-triangle")
        case "supply.tilt":
            return _page(showing.address("tilt-sheet", run.uuid), _("Open the sheet"), "scale")
        case "incidents.contacts":
            return _page(showing.address("contacts"), _("Open the contacts"), "users")
        case "incidents.review":
            return _page(showing.address("review", run.incident), _("Open the review"), "clipboard-check")
    return None


def request_page(run: Run) -> Elsewhere | None:
    """The form of the request that a run decides on."""
    asked = request_of(run).first()
    url = showing.address("supply-request", asked.uuid) if asked else ""
    return _page(url, _("Open the request"), "file-text")


def request_of(run: Run) -> QuerySet[SupplyRequest]:
    """The request that a run decides on; what goes to key customers after a suspension is no such request."""
    return SupplyRequest.objects.filter(run=run).exclude(path=SupplyRequest.Path.AFTER_SUSPENSION)


def _page(url: str, label: str, icon: str) -> Elsewhere | None:
    return Elsewhere(url, label, icon) if url else None


def may_hand_over(person: Person, task: Task) -> bool:
    """Whether the person may pass the task on."""
    try:
        access.require_to_hand_over(person, task)
    except NotAllowed:
        return False
    return True


def suggestions(task: Task, pack: Pack) -> list[Hit]:
    """Who could take the role: those on duty, the holders and the deputies of its post, present holder left out."""
    step = pack.procedures[task.run.procedure].step(task.item)
    if step is not None and step.delegates:
        return [person_hit(one, _("may be given this approval")) for one in access.delegates(task, step)]
    role = pack.roles.get(task.role)
    kind = (role.post or role.duty) if role else ""
    if not kind:
        return []
    now = clock.now()
    own = PostHolding.objects.filter(person=task.holder, post__kind=kind, until__isnull=True)
    posts = list(own.values_list("post_id", flat=True))
    here = Q(post__kind=kind) & (Q(post_id__in=posts) if posts else Q())
    duty = DutyShift.objects.filter(here, starts_at__lte=now, ends_at__gt=now).select_related(
        "person", "post"
    )
    held = PostHolding.objects.filter(here, until__isnull=True).select_related("person", "post")
    found: dict[int, Hit] = {}
    for shift in duty.order_by("pk"):
        found.setdefault(shift.person_id, person_hit(shift.person, _("on duty now")))
    for holding in held.order_by("rank", "pk"):
        note = _("deputy") if holding.rank > 1 else _("holder")
        found.setdefault(holding.person_id, person_hit(holding.person, note))
    return [hit for pk, hit in found.items() if pk != task.holder_id][:MOST_SUGGESTED]


def substitutes(run: Run) -> list[Hit]:
    """Who knows the line of the van that broke down, most trips first (E3.3.5)."""
    vehicle = str(run.state.get("context", {}).get("report", {}).get("vehicle", ""))
    if not vehicle:
        return []
    found = delivery.substitutes(vehicle)[:MOST_SUGGESTED]
    return [person_hit(one.person, _("%(trips)d trips on this line") % {"trips": one.trips}) for one in found]


def spec_of(task: Task, pack: Pack) -> TaskSpec | None:
    return pack.procedures[task.run.procedure].task(task.item)


@dataclass(frozen=True)
class Said:
    """One field of a form as it was filled in."""

    label: str
    value: str


def said(form: Mapping[str, Any], data: Mapping[str, Any]) -> list[Said]:
    """A filled form in words; areas are left to the map. At most two queries."""
    found = []
    for name, field in form.get("properties", {}).items():
        if name not in data or data[name] in (None, "", [], {}):
            continue
        words = _in_words(field, data[name])
        if words:
            found.append(Said(showing.say(field.get("title", name)), words))
    return found


def _in_words(field: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    for option in field.get("oneOf", ()):
        if option.get("const") == value:
            return showing.say(option.get("title"))
    match field.get("x-widget"):
        case "area" | "warning" | "photo":
            return ""
        case "place":
            return str(value.get("text", ""))
        case "product-lines":
            return _products(value)
        case "retailer":
            retailer = Retailer.objects.filter(licence_no=value).first()
            return f"{retailer.name} · {value} · {retailer.phone}" if retailer else str(value)
        case "person":
            person = Person.objects.filter(staff_no=value).first()
            return f"{person.name} · {person.phone}" if person else str(value)
    if field.get("format") == "date-time":
        return showing.local(str(value))
    return str(value)


def _products(lines: list[dict[str, Any]]) -> str:
    rows = Product.objects.filter(code__in=[line.get("product") for line in lines])
    names = {row.code: showing.say(row.name) for row in rows}
    return "、".join(
        f"{names.get(line.get('product', ''), line.get('product'))} × {line.get('cartons')}" for line in lines
    )


@dataclass(frozen=True)
class Wanted:
    """A request for goods as whoever decides on it has to see it: when they come, and what else was asked for."""

    request: SupplyRequest
    comes_on: date | None  # None when it was refused
    suspension: Suspension | None  # that keeps the customer from being served now
    also: list[SupplyRequest]

    @property
    def too_late(self) -> bool:
        return self.comes_on is not None and self.comes_on > self.request.needed_on


def wanted(request: SupplyRequest) -> Wanted:
    """`request` comes with its retailer's line."""
    refused = request.status == SupplyRequest.Status.REFUSED
    return Wanted(
        request,
        None if refused else supply.comes_on(request),
        suspensions.lasting_for(request.retailer),
        list(supply.also_asked(request)),
    )


@dataclass(frozen=True)
class About:
    """What a task is about: the incident, what was reported, and a request for goods if there is one."""

    incident: Incident | None
    said: list[Said]
    wanted: Wanted | None


def about(task: Task, procedure: Procedure) -> About:
    """What whoever has to act should know. A run that was called or began by itself has its own report."""
    own = task.run.state.get("context", {}).get("report", {})
    if task.run.incident is None:
        return About(None, said(procedure.form, own), None)
    incident = Incident.objects.filter(uuid=task.run.incident).first()
    first = Report.objects.filter(incident=incident).order_by("pk").first() if incident else None
    asked = request_of(task.run).select_related("run", "retailer__line", "requested_by")
    request = asked.prefetch_related("lines__product").first()
    report = own if task.run.caller_id else first.data if first else {}
    return About(incident, said(procedure.form, report), wanted(request) if request else None)
