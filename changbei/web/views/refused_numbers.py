"""Customers whose numbers carriers refuse, by district: all of them, or each manager the own (E3.2.7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core.errors import Invalid, NotFound
from changbei.network import customers
from changbei.network.models import Retailer
from changbei.notify import refusals
from changbei.notify.refusals import OfCustomer
from changbei.people import access as people
from changbei.web import entry, htmx
from changbei.web.errors import said
from changbei.web.showing import say

SEES_ALL = "readiness.check"


@dataclass
class District:
    name: str
    rows: list[OfCustomer] = field(default_factory=list)


@entry.staff
def refused_numbers(request: HttpRequest) -> HttpResponse:
    """All of them for who sees to readiness or sends notices, else the own customers'."""
    everybody = people.may(request.user, SEES_ALL) or people.may(request.user, "notify.send")
    found = refusals.of_customers(manager=None if everybody else entry.actor(request))
    districts: dict[str, District] = {}
    for one in found:
        district = one.retailer.district
        districts.setdefault(district.code, District(say(district.name))).rows.append(one)
    units = people.units_with(people.person_of(request.user), customers.MAY_CORRECT)
    context = {
        "districts": list(districts.values()),
        "correctable": {one.retailer.pk for one in found if is_of(units, one.retailer)},
    }
    return render(request, "web/contacts/refused.html", context)


def is_of(units: frozenset[int] | None, retailer: Retailer) -> bool:
    """Whether a customer is one of these units'; None: of any."""
    return units is None or retailer.customer_manager.unit_id in units


@entry.staff
@require_POST
def correct(request: HttpRequest, licence_no: str) -> HttpResponse:
    """Another number of a customer."""
    person = entry.actor(request)
    found = Retailer.objects.filter(licence_no=licence_no).select_related("customer_manager").first()
    if found is None:
        raise NotFound(licence_no)
    try:
        customers.correct_phone(found, request.POST.get("phone", ""), actor=person)
        messages.success(request, _("Recorded."))
    except Invalid as error:
        messages.error(request, said(error.problems[0].message))
    return htmx.go_to(request, reverse("refused-numbers"))


urlpatterns = [
    path("readiness/numbers/", refused_numbers, name="refused-numbers"),
    path("readiness/numbers/<str:licence_no>/", correct, name="refused-number"),
]
