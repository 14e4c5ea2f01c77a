"""Customers whose numbers carriers refuse, by district: all of them, or each manager the own (E3.2.7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from changbei.notify import refusals
from changbei.notify.refusals import OfCustomer
from changbei.people import access as people
from changbei.web import entry
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
    context = {"districts": list(districts.values()), "total": len(found), "everybody": everybody}
    return render(request, "web/contacts/refused.html", context)


urlpatterns = [path("readiness/numbers/", refused_numbers, name="refused-numbers")]
