"""Early warnings of supply: what does not fit, what is proposed, goods under way, and what could stand in (E3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
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
from changbei.core.errors import Conflict, Invalid, there
from changbei.incidents.access import readable
from changbei.incidents.models import Incident
from changbei.network.models import Product, Shipment, Site
from changbei.people import access as people
from changbei.plans.loading import pack_for
from changbei.plans.selectors import first_in_force
from changbei.supply import access, early, wording
from changbei.supply.models import SupplyWarning
from changbei.web import htmx, showing
from changbei.web.components import Tone
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse, said
from changbei.web.widgets import DayInput

REPORTED = "supply-anomaly"  # the procedure that a warning is reported to
MOST_OVER = 30
KINDS: dict[str, tuple[Any, Tone, str]] = {
    "total_short": (gettext_lazy("All goods short"), "bad", "alert-triangle"),
    "brand_short": (gettext_lazy("Brand short"), "warn", "alert-triangle"),
    "quality": (gettext_lazy("Quality"), "warn", "tool"),
    "slow": (gettext_lazy("Slow-selling"), "notice", "hourglass"),
    "late": (gettext_lazy("Does not arrive"), "bad", "truck-off"),
}
PROPOSALS = {
    "ask_province": gettext_lazy("Ask the province for more plan volume"),
    "adjust_transfer": gettext_lazy("Adjust the transfer plan"),
    "contact_factory": gettext_lazy("Contact the factory"),
    "adjust_plan": gettext_lazy("Adjust the plan ahead"),
    "press_delivery": gettext_lazy("Press for the goods"),
    "survey": gettext_lazy("Survey the market first"),
}
DELAYS = {
    "": gettext_lazy("no delay known"),
    "factory": gettext_lazy("the factory is late"),
    "vehicle": gettext_lazy("the lorry broke down"),
}


@dataclass(frozen=True)
class Row:
    """A warning with what it proposes and what became of it."""

    warning: SupplyWarning
    kind: str
    tone: Tone
    icon: str
    sentence: str
    proposal: str
    incident: Incident | None
    report_url: str
    substitutes_url: str

    @property
    def waits(self) -> bool:
        return self.incident is None and self.warning.set_aside_at is None and self.warning.over_at is None


class NamedField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the rows, by code and name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.code} {showing.say(obj.name)}"


class OrderForm(forms.Form):
    """Goods ordered from a manufacturer."""

    product = NamedField(Product.objects.filter(active=True).order_by("code"), label=gettext_lazy("Product"))
    site = NamedField(Site.objects.order_by("pk"), label=gettext_lazy("Site"))
    cartons = forms.IntegerField(label=gettext_lazy("Cartons"), min_value=1, max_value=100_000_000)
    ordered_on = forms.DateField(label=gettext_lazy("Ordered on"), widget=DayInput())
    due_on = forms.DateField(label=gettext_lazy("To arrive by"), widget=DayInput())


@dataclass(frozen=True)
class UnderWay:
    shipment: Shipment
    product: str
    delay: str
    late: bool


@staff
def warnings(request: HttpRequest) -> HttpResponse:
    """Warnings that hold, filtered; goods under way; what stands in for a product when one is asked for."""
    people.require(request.user, "supply.see")
    return _page(request, OrderForm(initial={"ordered_on": clock.today()}))


def _page(request: HttpRequest, form: OrderForm, *, status: int = 200) -> HttpResponse:
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:40]
    standing = early.standing().select_related("product__manufacturer")
    if kind in KINDS:
        standing = standing.filter(kind=kind)
    over = SupplyWarning.objects.filter(over_at__isnull=False).select_related("product").order_by("-over_at")
    rows = [
        row for row in _rows([*standing], request.user) if not words or words.lower() in row.sentence.lower()
    ]
    context = {
        "rows": rows,
        "waiting": sum(row.waits for row in rows),
        "over": _rows([*over[:MOST_OVER]], request.user),
        "kinds": [(name, label) for name, (label, _tone, _icon) in KINDS.items()],
        "kind": kind,
        "words": words,
        "shipments": _shipments(),
        "delays": list(DELAYS.items()),
        "may": may_act(request, early.MAY),
        "may_report": may_act(request, "incidents.report"),
        "clause": showing.clause("E3.5.2a"),
        "form": form,
        **_substitutes(request.GET.get("product", "")),
    }
    return render(request, "web/early/page.html", context, status=status)


def _rows(found: Sequence[SupplyWarning], reader: object) -> list[Row]:
    known = {
        one.uuid: one for one in readable(reader).filter(uuid__in=[w.incident for w in found if w.incident])
    }
    return [_row(one, known.get(one.incident) if one.incident else None) for one in found]


def _row(warning: SupplyWarning, incident: Incident | None) -> Row:
    words, tone, icon = KINDS[warning.kind]
    given = {"kind": warning.kind}
    if warning.product:
        given["product"] = warning.product.code
    if warning.kind == "late":
        given["shipment"] = warning.subject
        given["cause"] = warning.figures.get("delay") or "other"
    here = reverse("early-warnings")
    return Row(
        warning,
        str(words),
        tone,
        icon,
        showing.say(wording.of_warning(warning)),
        str(PROPOSALS[warning.proposal]),
        incident,
        f"{reverse('report-form', args=[REPORTED])}?{urlencode(given)}",
        f"{here}?{urlencode({'product': given['product']})}#substitutes" if "product" in given else "",
    )


def _shipments() -> list[UnderWay]:
    rows = Shipment.objects.filter(state=Shipment.State.UNDER_WAY).select_related("product", "site")
    return [
        UnderWay(one, showing.say(one.product.name), str(DELAYS[one.delay]), one.expected_on > one.due_on)
        for one in rows.order_by("expected_on", "number")
    ]


def _substitutes(product: str) -> dict[str, Any]:
    missing = Product.objects.filter(code=product, active=True).first()
    version = first_in_force()
    if missing is None or version is None:
        return {"missing": None, "substitutes": []}
    found = early.find_substitutes(product, pack_for(version), wanted_cartons=0)
    return {
        "missing": showing.say(missing.name),
        "substitutes": [
            {
                "name": showing.say(one.product.name),
                "maker": showing.say(one.product.manufacturer.name),
                "difference": round(100 * one.found.price_difference, 1),
                "spare": one.found.spare_cartons,
            }
            for one in found
        ],
    }


@staff
@require_POST
def set_aside(request: HttpRequest, uuid: UUID) -> HttpResponse:
    warning, person = access.get_warning(request.user, uuid), actor(request)
    try:
        early.set_aside(warning, why=request.POST.get("why", ""), actor=person)
    except (Invalid, Conflict) as error:
        messages.error(request, _words(error))
    else:
        messages.success(request, _("Set aside."))
    return htmx.go_to(request, reverse("early-warnings"))


@staff
@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Goods ordered from a manufacturer are under way."""
    person, form = actor(request), OrderForm(request.POST)
    people.require(person, early.MAY)
    if form.is_valid():
        try:
            made = early.record_shipment(**form.cleaned_data, actor=person)
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, _("Recorded as %(number)s.") % {"number": made.number})
            return htmx.go_to(request, f"{reverse('early-warnings')}#under-way")
    return _page(request, form, status=422)


class ExpectForm(forms.Form):
    """A new day for goods under way."""

    expected_on = forms.DateField()
    delay = forms.ChoiceField(choices=list(DELAYS.items()), required=False)


@staff
@require_POST
def shipment(request: HttpRequest, number: str) -> HttpResponse:
    """Goods have arrived, or come on another day."""
    person = actor(request)
    row = there(Shipment.objects.filter(number=number).first(), number)
    try:
        if request.POST.get("what") == "arrived":
            early.arrive(row, actor=person)
        else:
            form = ExpectForm(request.POST)
            if not form.is_valid():
                raise Invalid("expected_on", _("This is not a day."))
            expected: date = form.cleaned_data["expected_on"]
            early.expect(row, expected_on=expected, delay=form.cleaned_data["delay"], actor=person)
    except (Invalid, Conflict) as error:
        messages.error(request, _words(error))
    else:
        messages.success(request, _("Recorded."))
    return htmx.go_to(request, f"{reverse('early-warnings')}#under-way")


def _words(error: Invalid | Conflict) -> str:
    found = [one.message for one in error.problems] if isinstance(error, Invalid) else [str(error)]
    return " ".join(str(said(one)) for one in found)


urlpatterns = [
    path("early-warnings/", warnings, name="early-warnings"),
    path("early-warnings/<uuid:uuid>/set-aside", set_aside, name="early-warning-set-aside"),
    path("early-warnings/shipments/", order, name="early-shipments"),
    path("early-warnings/shipments/<str:number>/", shipment, name="early-shipment"),
]
