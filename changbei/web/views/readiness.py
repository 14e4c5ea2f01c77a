"""What is ready and what is not: every check by clause, what is to be mended, experience, customer files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
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
from changbei.core.errors import Invalid, there
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness import access, registers, selectors, services
from changbei.readiness.models import CustomerFileCopy, Finding, Rectification
from changbei.readiness.rules import names
from changbei.readiness.selectors import Standing
from changbei.web import htmx, showing
from changbei.web.components import Clause
from changbei.web.downloads import download
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse

FILES, FILES_PERMISSION = "readiness-files", "network.export_customer_files"
ELSEWHERE = {
    "contacts": "contacts",
    "mending": "readiness-mending",
    "customer-files": FILES,
    "early-warnings": "early-warnings",
}


@dataclass(frozen=True)
class CheckRow:
    title: str
    clause: Clause | None
    plan: str
    state: str  # holds, fails, unknown
    since: datetime | None
    next_at: datetime | None
    findings: Sequence[tuple[str, Finding]]
    mend: str
    url: str


@dataclass(frozen=True)
class Figure:
    """Age of the backup and of the restore drill of one system, and how long restoring took (E2.3)."""

    system: str
    backup_age: Any
    drill_age_days: int | None
    restore_seconds: int | None


@staff
def readiness(request: HttpRequest) -> HttpResponse:
    """All checks: those that do not hold first, then plan by plan."""
    may_export = people.may(request.user, FILES_PERMISSION)
    checks = [_row(one, may_export) for one in selectors.standing(actor=request.user)]
    order = {"fails": 0, "unknown": 1, "holds": 2}
    counts = {state: sum(one.state == state for one in checks) for state in order}
    context = {
        "checks": sorted(checks, key=lambda one: order[one.state]),
        "counts": counts,
        "open_findings": sum(len(one.findings) for one in checks),
        "mending": selectors.mending(actor=request.user).count(),
        "figures": [
            Figure(showing.say(dict(names.SYSTEMS).get(one.system, one.system)), one.backup_age, one.drill_age_days,
                   one.restore_seconds)
            for one in selectors.backup_figures()
        ],
        "registers": list(registers.REGISTERS.values()),
        "may_export": may_export,
        "may_check": may_act(request, "readiness.check"),
    }  # fmt: skip
    return render(request, "web/readiness/page.html", context)


def _row(one: Standing, may_export: bool) -> CheckRow:
    state = "unknown" if one.holds is None else "holds" if one.holds else "fails"
    return CheckRow(
        showing.say(one.check.title),
        showing.clause(one.check.clause, one.pack),
        showing.say(one.pack.titles),
        state,
        one.since,
        one.next_at,
        [(showing.say(finding.text), finding) for finding in one.findings],
        showing.say(one.check.mend),
        _register_url(one.registry, may_export),
    )


def _register_url(register: str, may_export: bool) -> str:
    if not register or (ELSEWHERE.get(register) == FILES and not may_export):
        return ""
    if register in ELSEWHERE:
        return showing.address(ELSEWHERE[register])
    return showing.address("register", register)


@staff
@require_POST
def look_now(request: HttpRequest) -> HttpResponse:
    """Run every check now."""
    opened, mended = services.run_checks(actor=actor(request))
    messages.success(
        request,
        _("Looked: %(opened)d new findings, %(mended)d mended.") % {"opened": opened, "mended": mended},
    )
    return htmx.go_to(request, reverse("readiness"))


# --- what is to be mended


@dataclass(frozen=True)
class MendingRow:
    rectification: Rectification
    about: str
    url: str
    clause: Clause | None
    overdue: bool
    may_mend: bool


@staff
def mending(request: HttpRequest) -> HttpResponse:
    """Everything that is to be mended, whose it is and until when; `?mine=1` only the reader's own."""
    person = people.person_of(request.user)
    rows = selectors.mending(actor=request.user)
    mine = bool(request.GET.get("mine")) and person is not None
    if mine:
        rows = rows.filter(owner=person)
    may_mend = access.mendable_by(person)
    today = clock.today()
    shown = [_mending(one, may_mend(one), today) for one in rows]
    return render(request, "web/readiness/mending.html", {"rows": shown, "mine": mine})


def _mending(one: Rectification, may_mend: bool, today: date) -> MendingRow:
    about, url, cited_by = "", "", None
    if one.review is not None:
        cited_by = one.review.incident.uuid
        about, url = one.review.incident.number, showing.address("review", one.review.incident.uuid)
    elif one.inspection is not None:
        about = showing.say(one.inspection.target.name)
        url = showing.address("register", "inspections")
    return MendingRow(one, about, url, showing.clause(one.clause, of=cited_by), one.due_on < today, may_mend)


@staff
@require_POST
def mended(request: HttpRequest, pk: int) -> HttpResponse:
    """It is mended."""
    people.require(request.user, "readiness.see")
    found = there(Rectification.objects.filter(pk=pk).first(), pk)
    services.mend(found, actor=actor(request))
    messages.success(request, _("Recorded as mended."))
    return htmx.go_to(request, reverse("readiness-mending"))


# --- experience


class ExperienceForm(forms.Form):
    """What was learnt."""

    title = forms.CharField(label=gettext_lazy("In one line"), max_length=120)
    text = forms.CharField(label=gettext_lazy("What was learnt"), widget=forms.Textarea(attrs={"rows": 4}))
    clause = forms.CharField(label=gettext_lazy("Clause"), required=False, max_length=20)
    incident = forms.CharField(widget=forms.HiddenInput, required=False)


@staff
def experience(request: HttpRequest) -> HttpResponse:
    """What was learnt, to be searched; a POST keeps something."""
    form = ExperienceForm(request.POST or None, initial={"incident": request.GET.get("incident", "")})
    status = 200
    if request.method == "POST":
        if _keep(request, form):
            messages.success(request, _("Kept."))
            return htmx.go_to(request, reverse("readiness-experience"))
        status = 422
    words = request.GET.get("q", "")
    context = {
        "words": words,
        "found": selectors.search_experience(words, actor=request.user),
        "form": form,
        "may_keep": may_act(request, "readiness.rectify"),
    }
    return render(request, "web/readiness/experience.html", context, status=status)


def _keep(request: HttpRequest, form: ExperienceForm) -> bool:
    if not form.is_valid():
        return False
    given = form.cleaned_data
    review = access.get_review(request.user, given["incident"]) if given["incident"] else None
    services.keep_experience(
        given["title"], given["text"], clause=given["clause"], review=review, actor=actor(request)
    )
    return True


# --- customer files


class ExportForm(forms.Form):
    """Whose files, what for, and where the safe copy lies."""

    manager = forms.ChoiceField(label=gettext_lazy("Customer manager"))
    purpose = forms.CharField(label=gettext_lazy("Purpose"), max_length=200)
    kept_at = forms.CharField(label=gettext_lazy("Where the safe copy is kept"), max_length=120)

    def __init__(self, *args: Any, managers: Sequence[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["manager"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.staff_no, f"{one.name} · {one.staff_no}") for one in managers]


@staff
def files(request: HttpRequest) -> HttpResponse:
    """Copies of customer files that are out; a POST takes one out and answers with the file (E3.2.7)."""
    people.require(request.user, FILES_PERMISSION)
    person = actor(request)
    managers = _managers(person)
    form = ExportForm(request.POST or None, managers=managers)
    status = 200
    if request.method == "POST":
        answer = _export(form, person, managers)
        if answer is not None:
            return answer
        status = 422
    copies = CustomerFileCopy.objects.filter(manager__in=managers, destroyed_on__isnull=True)
    context = {
        "form": form,
        "copies": list(copies.select_related("manager", "made_by").order_by("made_at", "pk")),
        "today": clock.today(),
        "keep_days": selectors.copy_keep_days(),
        "clause": showing.clause("E3.2.7"),
    }
    return render(request, "web/readiness/files.html", context, status=status)


def _managers(person: Person) -> list[Person]:
    """The customer managers whose files the person may take out."""
    rows = Person.objects.filter(customers__active=True, active=True).distinct().order_by("staff_no")
    others = people.may(person, "network.export_files_of_others")
    return [
        one
        for one in rows
        if one.pk == person.pk or (others and people.may(person, "network.export_files_of_others", one))
    ]


def _export(form: ExportForm, person: Person, managers: Sequence[Person]) -> HttpResponse | None:
    if not form.is_valid():
        return None
    given = form.cleaned_data
    manager = next(one for one in managers if one.staff_no == given["manager"])
    try:
        made = services.export_files(
            manager,
            purpose=given["purpose"],
            kept_at=given["kept_at"],
            keep_days=selectors.copy_keep_days(),
            language=showing.language(),
            actor=person,
        )
    except Invalid as error:
        refuse(form, error)
        return None
    return download(made.data, made.name, "application/octet-stream")


@staff
@require_POST
def destroyed(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A copy was destroyed."""
    found = there(CustomerFileCopy.objects.select_related("manager").filter(uuid=uuid).first(), uuid)
    services.destroy_copy(found, actor=actor(request))
    messages.success(request, _("Recorded as destroyed."))
    return htmx.go_to(request, reverse("readiness-files"))


urlpatterns = [
    path("readiness/", readiness, name="readiness"),
    path("readiness/look", look_now, name="readiness-look"),
    path("readiness/mending/", mending, name="readiness-mending"),
    path("readiness/mending/<int:pk>/done", mended, name="readiness-mended"),
    path("readiness/experience/", experience, name="readiness-experience"),
    path("readiness/files/", files, name="readiness-files"),
    path("readiness/files/<uuid:uuid>/destroyed", destroyed, name="readiness-destroyed"),
]
