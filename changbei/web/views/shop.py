"""A shop with its visits: those made, those ahead, one more, and all of them as a file (S2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.care import access, checklists, services
from changbei.care.models import Visit
from changbei.core import clock, sheets
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.people.models import Person
from changbei.web import entry, htmx, showing
from changbei.web.errors import refuse
from changbei.web.templatetags.rooms import visit_words, why_words
from changbei.web.views.delivery_files import KINDS
from changbei.web.views.visit import SeenForm, asked_with, last_visit, said
from changbei.web.views.visits import shown
from changbei.web.widgets import DayInput

SHOWN = 40
WHY = [
    ("wish", gettext_lazy("The customer's wish")),
    ("finding", gettext_lazy("After a finding")),
]


class ArrangeForm(django_forms.Form):
    """One visit beside the plan."""

    on = django_forms.DateField(label=gettext_lazy("Day"), widget=DayInput())
    why = django_forms.ChoiceField(label=gettext_lazy("Why"), choices=WHY, widget=django_forms.RadioSelect)


@entry.staff
def shop(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _page(request, access.get_shop(request.user, uuid))


def _page(request: HttpRequest, found: Retailer, *, status: int = 200, **bound: Any) -> HttpResponse:
    person = people.person_of(request.user)
    visits = _visits(request, found)
    context = {
        "shop": found,
        "visits": visits[:SHOWN],
        "more": len(visits) > SHOWN,
        "order_day": WEEKDAYS[found.order_weekday - 1],
        "delivery_day": WEEKDAYS[found.line.weekday - 1],
        "weeks": _weeks(found),
        "may_visit": _may_visit(person, found),
        "arrange_form": bound.get("arrange_form") or ArrangeForm(initial={"why": "wish"}),
        "clause": showing.clause("S2"),
    }
    return render(request, "web/visits/shop.html", context, status=status)


def _visits(request: HttpRequest, found: Retailer) -> list[Visit]:
    """The newest first; those ahead on top."""
    visits = list(shown(access.readable(request.user).filter(retailer=found)))
    return sorted(visits, key=_when, reverse=True)


def _when(visit: Visit) -> tuple[bool, Any, int]:
    ahead = visit.status == Visit.Status.PLANNED
    done = clock.day_of(visit.done_at) if visit.done_at else None
    return ahead, visit.planned_for if ahead else done or visit.planned_for, visit.pk


def _weeks(found: Retailer) -> int | None:
    """Every how many weeks it is visited; None where no plan says it."""
    try:
        return checklists.frequency()(found)
    except Conflict:
        return None


def _may_visit(person: Person | None, found: Retailer) -> bool:
    return access.may_visit(person, found) or access.may_lead(person, found)


@entry.staff
@require_POST
def arrange(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, form = access.get_shop(request.user, uuid), ArrangeForm(request.POST)
    if form.is_valid():
        try:
            made = services.arrange(found, **form.cleaned_data, actor=entry.actor(request))
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, _("A visit is planned for %(day)s.") % {"day": made.planned_for})
            return htmx.go_to(request, reverse("shop", args=[uuid]))
    return _page(request, found, status=422, arrange_form=form)


@entry.staff
def record(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A visit that nobody had planned, recorded at once."""
    found, person = access.get_shop(request.user, uuid), entry.actor(request)
    access.require_to_visit(person, found)
    posted = request.method == "POST"
    form = SeenForm(asked_with(request), *((request.POST, request.FILES) if posted else ()))
    if posted and form.is_valid():
        try:
            made = services.record_unplanned(found, form.seen(), actor=person, looking=form.looking)
        except Invalid as error:
            form.refuse(error)
        else:
            messages.success(request, _("The visit is recorded."))
            return htmx.go_to(request, reverse("visit", args=[made.uuid]))
    last = last_visit(found, None)
    context = {
        "shop": found,
        "form": form,
        "last": last,
        "last_found": said(last, findings_only=True) if last else [],
        "clause": showing.clause("J2"),
    }
    return render(request, "web/visits/record.html", context, status=422 if posted else 200)


@entry.staff
def export(request: HttpRequest, uuid: UUID, kind: str) -> HttpResponse:
    """Every visit to the shop that the reader may see, with what was seen: for whoever asks what is kept about it."""
    if kind not in KINDS:
        raise NotFound(kind)
    found = access.get_shop(request.user, uuid)
    rows = [row for one in _visits(request, found) for row in _cells(one)]
    headings = [
        _("Planned for"),
        _("Done on"),
        _("By whom"),
        _("Why"),
        _("State"),
        _("What is looked at"),
        _("Answer"),
        _("Finding"),
        _("Note"),
    ]
    written = sheets.as_csv(headings, rows) if kind == "csv" else sheets.as_xlsx(_("Visits"), headings, rows)
    answer = HttpResponse(written, content_type=KINDS[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="visits-{found.licence_no}.{kind}"'
    return answer


def _cells(visit: Visit) -> Iterator[list[sheets.Cell]]:
    head = [
        visit.planned_for.isoformat() if visit.planned_for else "",
        f"{visit.done_at.astimezone(clock.LOCAL):%Y-%m-%d %H:%M}" if visit.done_at else "",
        visit.done_by.name if visit.done_by else visit.manager.name,
        why_words(visit.why),
        visit_words(visit.status),
    ]
    yield [*head, "", "", "", visit.note or visit.dropped_why]
    for one in said(visit):
        yield [*head, one.label, one.value, _("Finding") if one.finding else "", ""]


urlpatterns = [
    path("visits/shop/<uuid:uuid>/", shop, name="shop"),
    path("visits/shop/<uuid:uuid>/arrange", arrange, name="shop-arrange"),
    path("visits/shop/<uuid:uuid>/record", record, name="shop-record"),
    path("visits/shop/<uuid:uuid>/export.<str:kind>", export, name="shop-export"),
]
