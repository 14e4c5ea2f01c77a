"""Whom outside the company a plan may need: by group, with numbers that can be tapped (E3.1.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core import clock
from changbei.core.errors import there
from changbei.people import access as people
from changbei.people import services
from changbei.people.models import Contact
from changbei.plans.selectors import packs_in_force
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff

DEFAULT_REVIEW_DAYS = 180
GROUPS = {
    "vendor": (gettext_lazy("Vendors"), "tool"),
    "carrier": (gettext_lazy("Telecom carriers"), "plug-connected"),
    "province": (gettext_lazy("Provincial company"), "building"),
    "authority": (gettext_lazy("Authorities"), "shield-check"),
    "insurer": (gettext_lazy("Insurers"), "file-certificate"),
    "bank": (gettext_lazy("Banks"), "scale"),
    "media": (gettext_lazy("Media"), "speakerphone"),
}
# what a contact is there for, as plans name it
SERVES = {
    "ordering-system": gettext_lazy("ordering system"),
    "order-phone": gettext_lazy("order phone"),
    "line": gettext_lazy("network line"),
    "network": gettext_lazy("network"),
    "internet": gettext_lazy("internet"),
    "sms": gettext_lazy("text messages"),
    "marketing-system": gettext_lazy("marketing system"),
    "server": gettext_lazy("servers"),
    "tape-library": gettext_lazy("tape library"),
    "voice-board": gettext_lazy("voice board"),
    "scanner": gettext_lazy("scanners"),
    "collector": gettext_lazy("collectors"),
    "ups": gettext_lazy("backup power"),
    "vehicle-repair": gettext_lazy("vehicle repair"),
    "towing": gettext_lazy("towing"),
    "vehicle-insurance": gettext_lazy("vehicle insurance"),
    "e-settlement": gettext_lazy("electronic settlement"),
    "supply-plan": gettext_lazy("supply plan"),
    "public-notice": gettext_lazy("public notice"),
    "traffic-accident": gettext_lazy("traffic accidents"),
    "substitute-van": gettext_lazy("substitute vans"),
    "forecast": gettext_lazy("weather forecasts"),
    "warning": gettext_lazy("weather warnings"),
    "rescue": gettext_lazy("first aid"),
    "city-government": gettext_lazy("petitions: city government"),
    "trade-union": gettext_lazy("petitions: trade union"),
    "stability-office": gettext_lazy("petitions: stability office"),
    "police": gettext_lazy("petitions: police"),
    "labour-bureau": gettext_lazy("petitions: labour bureau"),
    "provincial-petitions": gettext_lazy("petitions: provincial company"),
}


@dataclass(frozen=True)
class Row:
    contact: Contact
    organisation: str
    serves: Sequence[str]
    outdated: bool


@dataclass(frozen=True)
class Group:
    title: str
    icon: str
    rows: Sequence[Row]


@staff
def contacts(request: HttpRequest) -> HttpResponse:
    """All groups; an entry that nobody has looked at for longer than the plan allows says so."""
    people.require(request.user, "people.see")
    wanted = request.GET.get("serves", "")
    days = _review_days()
    oldest = clock.today() - timedelta(days=days)
    found = [one for one in Contact.objects.order_by("pk") if not wanted or wanted in one.serves]
    groups = [
        Group(
            str(title),
            icon,
            [
                Row(
                    one,
                    showing.say(one.organisation),
                    [str(SERVES.get(name, name)) for name in one.serves],
                    one.reviewed_on < oldest,
                )
                for one in found
                if one.group == name
            ],
        )
        for name, (title, icon) in _groups(found).items()
    ]
    context = {
        "groups": groups,
        "review_days": days,
        "clause": showing.clause("E3.1.13"),
        "wanted": str(SERVES.get(wanted, wanted)),
        "may_edit": may_act(request, "people.edit_contacts"),
    }
    return render(request, "web/contacts/page.html", context)


class ContactForm(forms.Form):
    """Whom to ask for there, and how."""

    person = forms.CharField(label=gettext_lazy("Person"), max_length=40, required=False)
    phone = forms.RegexField(
        r"^\+?[\d\s()./·—–-]{5,20}$",
        label=gettext_lazy("Telephone"),
        max_length=20,
        error_messages={"invalid": gettext_lazy("A telephone number has 5 to 15 digits.")},
    )
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=120, required=False)


@staff
def contact(request: HttpRequest, code: str) -> HttpResponse:
    """Look at one: what is right, or has been put right, counts as looked at today."""
    person = actor(request)
    people.require(person, "people.edit_contacts")
    found = there(Contact.objects.filter(code=code).first(), code)
    known = {"person": found.person, "phone": found.phone, "email": found.email}
    form = ContactForm(request.POST or None, initial=known)
    if form.is_valid():
        services.edit_contact(found, **form.cleaned_data, actor=person)
        messages.success(request, _("Recorded: looked at today."))
        return htmx.go_to(request, f"{reverse('contacts')}#contact-{code}")
    context = {"contact": found, "organisation": showing.say(found.organisation), "form": form}
    return render(request, "web/contacts/contact.html", context, status=422 if form.is_bound else 200)


def _groups(found: Sequence[Contact]) -> dict[str, tuple[object, str]]:
    """The groups that have somebody, the usual ones in their order, others by their own name."""
    present = {one.group for one in found}
    usual: dict[str, tuple[object, str]] = {name: words for name, words in GROUPS.items() if name in present}
    return usual | {name: (name, "users") for name in sorted(present - set(GROUPS))}


def _review_days() -> int:
    for pack in packs_in_force():
        setting = pack.settings.get("contact_review_days")
        if setting is not None:
            return int(setting.value)
    return DEFAULT_REVIEW_DAYS


urlpatterns = [
    path("contacts/", contacts, name="contacts"),
    path("contacts/<str:code>/", contact, name="contact"),
]
