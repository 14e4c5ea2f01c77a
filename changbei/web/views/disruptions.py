"""What disturbs today beside broken vans, written down where it is told; and the day computed anew (E2.6, E3.3.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import ChangbeiError, Conflict, Invalid, NotFound, there
from changbei.core.texts import uuid_in
from changbei.delivery import adjusting, disrupting, recovery, selectors, services, travel
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.features import closed
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Loan, Stop, Tour
from changbei.incidents.models import Suspension
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people import access as people
from changbei.people.models import Person
from changbei.supply import access as supply
from changbei.web import entry, htmx, mapping
from changbei.web.errors import refuse, said
from changbei.web.showing import language, say
from changbei.web.widgets import AreaField, MomentField, PersonWidget, RetailerWidget

MOST_SUBSTITUTES = 3


class DrawnArea(AreaField):
    """The area as the map of the page writes it."""

    widget = forms.HiddenInput  # type: ignore[assignment]


class CloseForm(forms.Form):
    area = DrawnArea(label=gettext_lazy("Area"))
    since = MomentField(label=gettext_lazy("From (empty: now)"), required=False)
    until = MomentField(label=gettext_lazy("Until (empty: not today any more)"), required=False)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=160)


class OrderForm(forms.Form):
    customer = forms.CharField(label=gettext_lazy("Customer"), widget=RetailerWidget)
    cartons = forms.IntegerField(label=gettext_lazy("Cartons"), min_value=1, max_value=20_000)


class CancelForm(forms.Form):
    customer = forms.CharField(label=gettext_lazy("Customer"), widget=RetailerWidget)


class _VanField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Vehicle) -> str:
        return f"{obj.number} · {say(obj.site.name)}"


class _SiteField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Site) -> str:
        return say(obj.name)


class _TourField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Tour) -> str:
        line = say(obj.line.name) if obj.line else obj.vehicle.number
        return f"{obj.vehicle.number} · {line}" + (f" · {obj.driver.name}" if obj.driver else "")


class LateForm(forms.Form):
    """A van leaves later than planned, or is held up on its way."""

    tour = _TourField(Tour.objects.none(), label=gettext_lazy("Van"))
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes later"), min_value=1, max_value=adjusting.MOST_MINUTES_LATER
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tour"]
        assert isinstance(field, _TourField)
        waiting = Stop.objects.filter(day=services.today(), status=Stop.Status.PLANNED).values("tour")
        sound = Tour.objects.filter(pk__in=waiting).exclude(status=Tour.Status.BROKEN_DOWN)
        field.queryset = sound.select_related("vehicle", "line", "driver").order_by("vehicle_id")


class LendForm(forms.Form):
    vehicle = _VanField(
        Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.FIT)
        .select_related("site")
        .order_by("number"),
        label=gettext_lazy("Reserve van"),
    )
    site = _SiteField(Site.objects.order_by("pk"), label=gettext_lazy("Stands today at"))


class DriveOnForm(forms.Form):
    """Somebody who knows the line drives the sound van of a driver who is out (E3.3.5)."""

    vehicle = _VanField(Vehicle.objects.none(), label=gettext_lazy("Van"))
    person = forms.CharField(label=gettext_lazy("Who drives it on"), widget=PersonWidget)
    ready_at = MomentField(label=gettext_lazy("Ready at"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["vehicle"]
        assert isinstance(field, _VanField)
        field.queryset = Vehicle.objects.filter(tours__in=_without_driver().values("tour")).select_related(
            "site"
        )


def _without_driver() -> QuerySet[Breakdown]:
    """Today's sound vans that stand because nobody drives them."""
    return Breakdown.objects.filter(tour__day=services.today(), cause="driver", resumed_at=None)


def _close(form: forms.Form, actor: Person) -> str:
    given = form.cleaned_data
    disrupting.close(
        given["area"],
        since=given["since"],
        until=given["until"],
        reason=given["reason"],
        run=None,
        actor=actor,
    )
    return _("Closed. Compute the day anew to drive around it.")


def _order(form: forms.Form, actor: Person) -> str:
    shop = _shop(form)
    disrupting.add_orders([UrgentOrder(shop.pk, form.cleaned_data["cartons"])], run=None, actor=actor)
    return _("Added. Compute the day anew to see who brings it.")


def _cancel(form: forms.Form, actor: Person) -> str:
    day = services.today()
    stops = Stop.objects.filter(day=day, retailer=_shop(form)).values_list("pk", flat=True)
    if not disrupting.cancel(list(stops), run=None, actor=actor):
        raise Invalid("customer", _("Nothing is still to be delivered there today."))
    return _("Cancelled. The rest of the tour comes earlier.")


def _late(form: forms.Form, actor: Person) -> str:
    given = form.cleaned_data
    adjusting.adjust([LineChoice(given["tour"].pk, adjusting.LATER, given["minutes"])], run=None, actor=actor)
    return _(
        "Noted. Customers who wait more than 15 minutes longer are told. Compute the day anew to help them."
    )


def _lend(form: forms.Form, actor: Person) -> str:
    van, site = form.cleaned_data["vehicle"], form.cleaned_data["site"]
    disrupting.lend(van, site, actor=actor)
    return _("Van %(van)s stands at %(site)s today.") % {"van": van.number, "site": say(site.name)}


def _drive_on(form: forms.Form, actor: Person) -> str:
    given = form.cleaned_data
    person = Person.objects.filter(staff_no=given["person"], active=True).first()
    if person is None:
        raise Invalid("person", _("Nobody has this staff number."))
    stands = _without_driver().select_related("tour").get(tour__vehicle=given["vehicle"])
    disrupting.drive_on(stands, person, ready_at=given["ready_at"], actor=actor)
    return _("The van drives on. Its customers are expected at new times.")


def _shop(form: forms.Form) -> Retailer:
    shop = Retailer.objects.filter(licence_no=form.cleaned_data["customer"], active=True).first()
    if shop is None:
        raise Invalid("customer", _("There is no such customer."))
    return shop


FORMS: dict[str, tuple[type[forms.Form], Callable[[forms.Form, Person], str]]] = {
    "close": (CloseForm, _close),
    "order": (OrderForm, _order),
    "cancel": (CancelForm, _cancel),
    "late": (LateForm, _late),
    "lend": (LendForm, _lend),
    "drive": (DriveOnForm, _drive_on),
}


@entry.staff
def disruptions(request: HttpRequest) -> HttpResponse:
    """What is closed, late, lent and added today, and the forms to say more; sent, the one form that `kind` names."""
    entry.require_to_act(request, "delivery.recover")
    day = _today()
    begun = {"close": _of_suspension(request), "order": _of_supply(request)}
    shown = {kind: made(prefix=kind, initial=begun.get(kind)) for kind, (made, _do) in FORMS.items()}
    status = 200
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind not in FORMS:
            raise NotFound(kind)
        made, do = FORMS[kind]
        form = shown[kind] = made(request.POST, prefix=kind)
        if form.is_valid() and (words := _done(form, do, entry.actor(request))):
            messages.success(request, words)
            return htmx.go_to(request, reverse("disruptions"))
        status = 422
    return render(request, "web/delivery/disruptions.html", _context(day, shown), status=status)


def _of_suspension(request: HttpRequest) -> dict[str, Any]:
    """Place and time of the suspension that the address names: whose roads nobody drives on either."""
    uuid = uuid_in(request.GET.get("suspension", ""))
    found = Suspension.objects.filter(uuid=uuid, resumed_at=None).first() if uuid else None
    if found is None:
        return {}
    return {
        "area": json.dumps(found.area),
        "since": found.starts_at if found.starts_at > clock.now() else None,
        "until": found.ends_at if found.ends_at > clock.now() else None,
        "reason": found.reason[:160],
    }


def _of_supply(request: HttpRequest) -> dict[str, Any]:
    """Customer and cartons of the supply request that the address names: sent out, it comes as an urgent order."""
    try:
        found = supply.get_request(request.user, request.GET.get("supply", ""))
    except NotFound:
        return {}
    cartons = found.lines.aggregate(together=Sum("cartons"))["together"]
    return {"customer": found.retailer.licence_no, "cartons": cartons}


def _done(form: forms.Form, do: Callable[[forms.Form, Person], str], actor: Person) -> str:
    """What to say; "" when it was refused, the form then says why."""
    try:
        return do(form, actor)
    except (Invalid, Conflict) as error:
        refuse(form, error, at=lambda field: field.rpartition(".")[2])
    return ""


def _context(day: DeliveryDay, shown: dict[str, forms.Form]) -> dict[str, Any]:
    stops = Stop.objects.filter(day=day, urgent=True).exclude(status=Stop.Status.CANCELLED)
    lent = Loan.objects.filter(day=day, returned_at=None).select_related("vehicle", "site")
    return {
        "day": day,
        "forms": shown,
        "closed": selectors.closures(day),
        "now": clock.now(),
        "orders": list(stops.select_related("retailer", "tour__vehicle").order_by("pk")),
        "lent": [(one, say(one.site.name)) for one in lent.order_by("pk")],
        "late": [
            (one.tour.vehicle.number, round(one.late_minutes)) for one in selectors.tours(day) if one.is_late
        ],
        "stands": [
            (van, selectors.substitutes(van)[:MOST_SUBSTITUTES])
            for van in _without_driver().order_by("pk").values_list("tour__vehicle__number", flat=True)
        ],
        "basis": basis_words(day.date),
        "map_url": reverse("disruptions-map"),
    }


def basis_words(on: date) -> str:
    """Where the driving times of a day come from, in words."""
    found = travel.basis_of_day(on)
    if found.kind == travel.ROADS:
        return _("Driving times by the road network of %(date)s") % {"date": found.date}
    if found.why == "not_computed":
        return _("Driving times are estimated; those by road are being computed")
    return _("Driving times are estimated by great circle, without a road network")


def _today() -> DeliveryDay:
    return there(services.today(), _("No deliveries are planned for today."))


@entry.staff
@require_POST
def reopen(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A road is open again."""
    entry.require_to_act(request, "delivery.recover")
    found = there(Closure.objects.filter(uuid=uuid).first(), f"closure {uuid}")
    return _undone(request, lambda actor: disrupting.reopen(found, actor=actor), _("Open again."))


@entry.staff
@require_POST
def give_back(request: HttpRequest, number: str) -> HttpResponse:
    """A lent van is back at its own site."""
    entry.require_to_act(request, "delivery.recover")
    found = there(Loan.objects.filter(day=_today(), vehicle__number=number, returned_at=None).first(), number)
    return _undone(
        request, lambda actor: disrupting.give_back(found, actor=actor), _("Back at its own site.")
    )


def _undone(request: HttpRequest, do: Callable[[Person], None], words: str) -> HttpResponse:
    try:
        do(entry.actor(request))
    except ChangbeiError as error:
        messages.warning(request, said(str(error)))
    else:
        messages.success(request, words)
    return htmx.go_to(request, reverse("disruptions"))


@entry.staff
@require_POST
def recompute(request: HttpRequest) -> HttpResponse:
    """Ways to drive the rest of today, everything that disturbs it taken together."""
    entry.require_to_act(request, "delivery.recover")
    day = _today()
    case = recovery.offer_day(day, causes=selectors.causes_of(day), run=None)
    if case is None:
        messages.success(request, _("Everybody is served by going on as planned."))
        return htmx.go_to(request, reverse("disruptions"))
    return htmx.go_to(request, reverse("recovery", args=[case.uuid]))


@entry.staff
def disruptions_map(request: HttpRequest) -> HttpResponse:
    """The city with today's tours and what is closed."""
    people.require(request.user, "delivery.see")
    layers: dict[str, Any] = {}
    if day := services.today():
        shops = reverse("delivery-layer", args=["retailers"])
        layers["retailers"] = {"url": f"{shops}?date={day.date.isoformat()}"}
        layers["suspensions"] = {"data": closed(day), "label": _("Closed")}
    return mapping.drawn(layers, language())


urlpatterns = [
    path("delivery/disruptions/", disruptions, name="disruptions"),
    path("delivery/disruptions/map.json", disruptions_map, name="disruptions-map"),
    path("delivery/disruptions/recompute", recompute, name="disruptions-recompute"),
    path("delivery/disruptions/<uuid:uuid>/reopen", reopen, name="disruptions-reopen"),
    path("delivery/disruptions/vans/<str:number>/back", give_back, name="disruptions-give-back"),
]
