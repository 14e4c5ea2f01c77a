"""An emergency supply request as the form that people sign (E3.4.3): customer, goods, limits, decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.delivery import joining
from changbei.delivery import services as deliveries
from changbei.incidents.access import readable
from changbei.network.models import Product, Retailer, Site
from changbei.plans import tables
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.selectors import first_in_force
from changbei.runs.models import OPEN, Task
from changbei.supply import access
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.supply.selectors import dispatched_from
from changbei.supply.services import CLAUSES, LIMIT
from changbei.web import entry, handling, showing
from changbei.web.components import Clause
from changbei.web.entry import staff
from changbei.web.views import supply_tour

PATHS = {
    "planned": gettext_lazy("Foreseeable: joins the regular order"),
    "special": gettext_lazy("Special case: temporary replenishment"),
    "consumer": gettext_lazy("A consumer's own request"),
    "after_suspension": gettext_lazy("Replenishment after a suspension"),
}
CLASSES = {
    "general": gettext_lazy("ordinary"),
    "scarce": gettext_lazy("scarce"),
    "controlled": gettext_lazy("controlled"),
}
CONDUCT = {
    "law_abiding": gettext_lazy("law-abiding"),
    "warned": gettext_lazy("warned"),
    "punished": gettext_lazy("punished"),
}


@dataclass(frozen=True)
class Line:
    code: str
    name: str
    supply_class: str
    ordinary: bool
    cartons: int
    price_fen: int

    @property
    def price(self) -> str:
        return yuan(self.price_fen)

    @property
    def amount(self) -> str:
        return yuan(self.price_fen * self.cartons)


@dataclass(frozen=True)
class Condition:
    """One thing that eligibility asks, and whether it holds."""

    words: str
    holds: bool


@dataclass(frozen=True)
class Signature:
    """A place on the form where somebody decides."""

    title: str
    role: str
    who: str
    state: str  # approved, refused, open, ahead
    at: Any
    url: str


@staff
def request_form(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The form; everybody on the staff may read it, the decision is made on the task."""
    found = access.get_request(request.user, uuid)
    retailer = found.retailer
    lines = [_line(one) for one in found.lines.select_related("product").order_by("pk")]
    cartons = sum(line.cartons for line in lines)
    pack = plan_of(found)
    context = {
        "request_form": found,
        "wanted": handling.wanted(found),
        "store": _store(found),
        "retailer": retailer,
        "path": str(PATHS.get(found.path, found.path)),
        "occasion": occasion(found, pack),
        "lines": lines,
        "cartons": cartons,
        "total": yuan(sum(line.price_fen * line.cartons for line in lines)),
        "conditions": _conditions(retailer, lines),
        "reasons": [showing.say(text) for text in found.reasons],
        "limit": _limit(found, pack, cartons),
        "signatures": _signatures(found, pack),
        "clause": _clause(found, pack),
        "incident": readable(request.user).filter(run=found.run).first() if found.run else None,
        "to_be_driven": entry.may_act(request, "delivery.recover") and _to_be_driven(found),
        "ahead": supply_tour.ahead(request, found, cartons),
        "brought": supply_tour.brought(found),
    }
    return render(request, "web/supply/request.html", context)


def _to_be_driven(found: SupplyRequest) -> bool:
    """Whether its goods are to come today, and nobody has given a van an urgent order of the customer yet."""
    day = deliveries.today()
    if day is None or found.deliver_on != day.date or not supply_tour.waits_for_a_van(found):
        return False
    return not joining.is_joined(day, found.retailer)


def _store(found: SupplyRequest) -> str:
    """Where its goods wait for a van, in words; "" before they are sent."""
    site = Site.objects.filter(code=dispatched_from(found)).first()
    return showing.say(site.name) if site else ""


def yuan(fen: int) -> str:
    return f"{fen / 100:,.2f}"


def plan_of(found: SupplyRequest) -> Pack | None:
    """The plan the request is decided by: that of its run, else the one in force."""
    version = found.run.plan_version if found.run else first_in_force()
    return pack_for(version) if version else None


def _clause(found: SupplyRequest, pack: Pack | None) -> Clause | None:
    return showing.clause(CLAUSES.get(found.path, "E3.4.1"), pack)


def _line(line: SupplyLine) -> Line:
    product = line.product
    return Line(
        product.code,
        showing.say(product.name),
        str(CLASSES.get(product.supply_class, product.supply_class)),
        product.supply_class == Product.SupplyClass.GENERAL,
        line.cartons,
        line.price_fen,
    )


def occasion(found: SupplyRequest, pack: Pack | None) -> str:
    """The occasion in the words of the plan's form, else as it was written; after a suspension its event's number."""
    if found.path == SupplyRequest.Path.AFTER_SUSPENSION:
        return found.occasion.partition("/")[0]
    procedure = pack.procedures.get(found.run.procedure) if pack and found.run else None
    field = procedure.form.get("properties", {}).get("occasion", {}) if procedure else {}
    for option in field.get("oneOf", ()):
        if option.get("const") == found.occasion:
            return showing.say(option.get("title"))
    return found.occasion


def _conditions(retailer: Retailer, lines: Sequence[Line]) -> list[Condition]:
    conduct = str(CONDUCT.get(retailer.conduct, retailer.conduct))
    return [
        Condition(_("licence valid") if retailer.active else _("licence not valid"), retailer.active),
        Condition(
            _("conduct: %(conduct)s") % {"conduct": conduct},
            retailer.conduct == Retailer.Conduct.LAW_ABIDING,
        ),
        Condition(
            _("marked prices") if retailer.marked_prices else _("prices are not marked"),
            retailer.marked_prices,
        ),
        Condition(
            _("ordinary goods only")
            if all(line.ordinary for line in lines)
            else _("scarce or controlled goods among them"),
            all(line.ordinary for line in lines),
        ),
    ]


@dataclass(frozen=True)
class Limit:
    role: str
    note: str


def _limit(found: SupplyRequest, pack: Pack | None, cartons: int) -> Limit | None:
    """Who may approve this much, by the plan's table; None when nobody may."""
    if pack is None or LIMIT not in pack.tables:
        return None
    table = pack.tables[LIMIT]
    outcome = tables.evaluate(table, {"path": found.path, "cartons": cartons})
    if outcome.outputs is None:
        return None
    note = showing.say(table.rows[outcome.rows[0] - 1].note) if outcome.rows else ""
    return Limit(showing.role_title(pack, str(outcome.outputs["role"])), note)


def _signatures(found: SupplyRequest, pack: Pack | None) -> list[Signature]:
    """Who has decided and who still has to, in the order of the plan."""
    if found.run is None or pack is None:
        return []
    tasks = Task.objects.filter(run=found.run, kind=Task.Kind.APPROVE).select_related("holder", "done_by")
    return [_signature(task, pack) for task in tasks.order_by("opened_at", "pk")]


def _signature(task: Task, pack: Pack) -> Signature:
    state = task.status
    if task.status == Task.Status.DONE:
        state = "approved" if task.result.get("approved") else "refused"
    elif task.status in OPEN:
        state = "open"
    person = task.done_by or task.holder
    return Signature(
        showing.say(task.title),
        showing.role_title(pack, task.role),
        person.name if person else _("vacant"),
        state,
        task.done_at,
        showing.address("task", task.uuid),
    )


urlpatterns = [path("supply/<uuid:uuid>/", request_form, name="supply-request")]
