"""Weather warnings as they came in: in force, over, and refused ones with the reasons and the file itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.incidents import access, services, warned
from changbei.incidents.models import Warning
from changbei.journal.models import Entry
from changbei.network.joining import Concerned
from changbei.network.models import District, Line, Retailer, Site
from changbei.people import access as people
from changbei.web import htmx, mapping, showing
from changbei.web.downloads import download
from changbei.web.entry import actor, may_act, staff

SHOWN = 60
ACTIONS = ("start", "join", "end", "propose", "drill", "note", "duplicate", "refused")
TRIALS = {
    "Test": pgettext_lazy("warning", "Test"),
    "System": pgettext_lazy("warning", "System message"),
    "Draft": pgettext_lazy("warning", "Draft"),
}
WHY = {
    "cancel": gettext_lazy("the warning is lifted"),
    "expired": gettext_lazy("the warning has run out"),
    "eased": gettext_lazy("the warning has become milder"),
    "declared": gettext_lazy("the office has declared it over"),
}
LARGEST_BYTES = 2 * 1024 * 1024


class CapForm(forms.Form):
    """A CAP file to be taken in."""

    file = forms.FileField(
        label=gettext_lazy("CAP file"),
        help_text=gettext_lazy("CAP 1.2, a feed or an envelope, at most 2 MB. Drop it here or choose it."),
        widget=forms.FileInput(attrs={"accept": ".xml,.cap,application/xml,text/xml"}),
    )

    def clean_file(self) -> Any:
        found = self.cleaned_data["file"]
        if found.size > LARGEST_BYTES:
            raise forms.ValidationError(_("This file is larger than 2 MB."))
        return found


@dataclass(frozen=True)
class Reason:
    element: str
    line: int
    message: str


@dataclass(frozen=True)
class Who:
    """Whom a warning concerns now; names with the number of customers, those with most first."""

    count: int
    percent: float
    key: int
    vulnerable: int
    districts: Sequence[tuple[str, int]]
    lines: Sequence[tuple[str, int]]
    sites: Sequence[str]


@dataclass(frozen=True)
class Row:
    """A warning with what became of it."""

    warning: Warning
    title: str
    state: str  # in-force, over, refused
    proposed: bool
    may_start: bool
    reasons: Sequence[Reason]
    who: Who | None = None
    history: Sequence[Warning] = ()

    @property
    def exercise(self) -> bool:
        return self.warning.status == "Exercise"

    @property
    def trial(self) -> str:
        """What the publisher calls a message that is meant for nobody."""
        return str(TRIALS.get(self.warning.status, ""))


@staff
def warnings(request: HttpRequest) -> HttpResponse:
    """The list with the map; a POST takes in a file."""
    people.require(request.user, "incidents.see")
    form = CapForm()
    if request.method == "POST":
        people.require(request.user, "incidents.receive_warning")
        form = CapForm(request.POST, request.FILES)
        if form.is_valid():
            return _take_in(request, form)
    rows = _rows(request)
    context = {
        "form": form,
        "may_upload": may_act(request, "incidents.receive_warning"),
        "may_keep_sources": may_act(request, "incidents.command"),
        "in_force": _gravest_first([row for row in rows if row.state == "in-force"]),
        "over": [row for row in rows if row.state == "over"],
        "refused": [row for row in rows if row.state == "refused"],
        "proposed": [row for row in rows if row.proposed],
        "resumptions": [(one, str(WHY.get(one.why, ""))) for one in warned.resumptions()],
    }
    return render(request, "web/warnings/page.html", context, status=422 if form.errors else 200)


def _gravest_first(rows: Sequence[Row]) -> list[Row]:
    by_key = {row.warning.pk: row for row in rows}
    return [by_key[one.pk] for one in warned.gravest_first(row.warning for row in rows)]


def _take_in(request: HttpRequest, form: CapForm) -> HttpResponse:
    file = form.cleaned_data["file"]
    every = services.receive_file(file.read(), name=f"upload {file.name}", origin=None, actor=actor(request))
    for action, found in groupby(sorted(every, key=_weight), key=lambda one: one.action):
        alike = list(found)
        number = alike[0].incident.number if alike[0].incident else ""
        say = messages.error if action == "refused" else messages.success
        count = f" (×{len(alike)})" if len(alike) > 1 else ""
        say(request, _outcome(action) % {"number": number} + count)
    return htmx.go_to(request, f"{reverse('warnings')}#warning-{min(every, key=_weight).warning.uuid}")


def _weight(one: services.Received) -> int:
    """What matters most is said first."""
    return ACTIONS.index(one.action)


def _outcome(action: str) -> str:
    return {
        "refused": _("The file was refused and kept; the reasons are below."),
        "duplicate": _("This warning had come in before. Nothing changed."),
        "start": _("The plan has started: %(number)s."),
        "join": _("The warning was added to %(number)s."),
        "propose": _("The warning was put to the office, which decides whether the plan starts."),
        "end": _("All clear: %(number)s has been told."),
    }.get(action, _("The warning was taken note of; the plan does not start by itself."))


def _rows(request: HttpRequest) -> list[Row]:
    found = list(
        Warning.objects.select_related("incident").defer("raw").order_by("-received_at", "-pk")[:SHOWN]
    )
    names = [str(one.uuid) for one in found]
    facts = Entry.objects.filter(kind="incidents.warning_proposed", data__warning__in=names)
    proposed = set(facts.values_list("data__warning", flat=True))
    may_start = may_act(request, "incidents.suspend")
    now = clock.now()
    rows = [_row(one, str(one.uuid) in proposed, may_start, now) for one in found]
    return _with_people([row for row in rows if row.warning.replaced_by_id is None])


def _with_people(rows: list[Row]) -> list[Row]:
    """Whom those in force concern, and what came before each; a warning that was replaced is part of that history."""
    concerned = warned.concerned([row.warning for row in rows if row.state == "in-force"])
    earlier = warned.history([row.warning for row in rows if row.state != "refused"])
    names = Names.of(concerned.values())
    return [
        replace(
            row,
            who=names.who(concerned[row.warning.pk]) if row.warning.pk in concerned else None,
            history=earlier.get(row.warning.pk, ()),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Names:
    """What districts, lines and sites are called, and how many customers the city has."""

    districts: Mapping[int, str]
    lines: Mapping[int, str]
    sites: Mapping[int, str]
    total: int

    @classmethod
    def of(cls, concerned: Iterable[Concerned]) -> Names:
        """One statement for each kind."""
        found = list(concerned)
        lines = Line.objects.filter(pk__in={pk for one in found for pk in one.lines})
        sites = Site.objects.filter(pk__in={pk for one in found for pk in one.sites})
        return cls(
            {pk: showing.say(name) for pk, name in District.objects.values_list("pk", "name")},
            {pk: showing.say(name) for pk, name in lines.values_list("pk", "name")},
            {pk: showing.say(name) for pk, name in sites.values_list("pk", "name")},
            Retailer.objects.filter(active=True).count(),
        )

    def who(self, one: Concerned) -> Who:
        return Who(
            one.count,
            100 * one.count / self.total if self.total else 0.0,
            one.key,
            one.vulnerable,
            [(self.districts[pk], count) for pk, count in one.districts.items()],
            [(self.lines[pk], count) for pk, count in one.lines.items()],
            [self.sites[pk] for pk in one.sites],
        )


def _row(warning: Warning, proposed: bool, may_start: bool, now: datetime) -> Row:
    refused = warning.verdict == Warning.Verdict.REFUSED
    ended = warning.expired_at is not None or warning.msg_type in ("Cancel", "Ack", "Error")
    over = ended or warning.status in TRIALS or (warning.expires_at is not None and warning.expires_at <= now)
    free = not refused and not over and warning.incident is None and warning.area is not None
    return Row(
        warning,
        services.headline_of(warning, showing.language()) or warning.source or _("A file without a headline"),
        "refused" if refused else "over" if over else "in-force",
        proposed and free,
        may_start and free,
        [
            Reason(str(one.get("element", "")), int(one.get("line") or 0), showing.say(one.get("message")))
            for one in warning.reasons
        ],
    )


@staff
def warnings_map(request: HttpRequest) -> JsonResponse:
    """The districts and the warnings in force."""
    people.require(request.user, "network.see")
    language = showing.language()
    return mapping.drawn({"warnings": mapping.renewed("warnings", language)}, language)


@staff
def raw(request: HttpRequest, warning: UUID) -> HttpResponse:
    """The file as it came in, to be saved; it is never shown as a page of ours."""
    found = access.get_warning(request.user, warning)
    return download(bytes(found.raw), f"warning-{found.uuid}.xml", "application/octet-stream")


@staff
@require_POST
def start(request: HttpRequest, warning: UUID) -> HttpResponse:
    """Start the plan for a warning that was only proposed or noted."""
    found = access.get_warning(request.user, warning)
    received = services.start_from_warning(found, actor=actor(request))
    if received.incident is None:
        return htmx.go_to(request, reverse("warnings"))
    return htmx.go_to(request, reverse("incident", args=[received.incident.uuid]))


urlpatterns = [
    path("warnings/", warnings, name="warnings"),
    path("warnings/map.json", warnings_map, name="warnings-map"),
    path("warnings/<uuid:warning>/file", raw, name="warning-file"),
    path("warnings/<uuid:warning>/start", start, name="warning-start"),
]
