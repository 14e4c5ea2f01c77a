"""The review of an incident (E2.9): what happened next to what the plan said, and what is to be mended by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound, there
from changbei.incidents import access as incidents
from changbei.incidents.models import Incident
from changbei.journal.services import timeline
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.readiness import access, selectors, services
from changbei.readiness.models import Rectification, Review
from changbei.readiness.review import content_of, words
from changbei.readiness.review.document import pdf
from changbei.readiness.review.findings import joined
from changbei.web import htmx, sentences, showing
from changbei.web.components import Clause
from changbei.web.downloads import download
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse
from changbei.web.widgets import DayInput, PersonWidget

Json = dict[str, Any]
OPTION_KINDS = {
    "site_reserve": gettext_lazy("reserve van of the site"),
    "nearest_reserve": gettext_lazy("reserve van of the nearest site"),
    "neighbours": gettext_lazy("neighbouring lines"),
    "mixed": gettext_lazy("reserve van and neighbouring lines"),
}


class RectificationForm(forms.Form):
    """Something to be mended: what, on which clause, by whom, until when."""

    text = forms.CharField(
        label=gettext_lazy("What is to be mended"), widget=forms.Textarea(attrs={"rows": 2}), max_length=1000
    )
    clause = forms.CharField(label=gettext_lazy("Clause"), required=False, max_length=20)
    owner = forms.CharField(label=gettext_lazy("Owner"), widget=PersonWidget())
    due_on = forms.DateField(label=gettext_lazy("Until"), widget=DayInput())


class AssignmentForm(forms.Form):
    """Another owner or date of a rectification."""

    owner = forms.CharField(label=gettext_lazy("Owner"), widget=PersonWidget())
    due_on = forms.DateField(label=gettext_lazy("Until"), widget=DayInput())


class RemarksForm(forms.Form):
    """The word of supervision and evaluation."""

    remarks = forms.CharField(
        label=gettext_lazy("Remarks"),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=4000,
    )


@dataclass(frozen=True)
class TaskRow:
    """What the plan said beside what happened."""

    title: str
    clause: Clause | None
    role: str
    who: str
    opened_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None
    late_seconds: int
    acknowledge_late_seconds: int
    status: str
    why: str
    escalations: int
    simulated: bool


@dataclass(frozen=True)
class MendRow:
    """A rectification with what the reader may do about it."""

    rectification: Rectification
    text: str
    clause: Clause | None
    overdue: bool
    may_mend: bool
    form: AssignmentForm | None


@staff
def review(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The review; before the incident is closed, how things stand."""
    return _page(request, _incident(request, uuid))


def _incident(request: HttpRequest, uuid: UUID) -> Incident:
    people.require(request.user, "readiness.see")
    return incidents.get_incident(request.user, uuid)


def _page(
    request: HttpRequest,
    incident: Incident,
    *,
    adding: RectificationForm | None = None,
    remarks: RemarksForm | None = None,
    status: int = 200,
) -> HttpResponse:
    made = Review.objects.select_related("confirmed_by").filter(incident=incident).first()
    if made is None and incident.run is None:
        raise NotFound(incident.number)
    content = made.content if made else content_of(incident)
    pack = pack_for(incident.run.plan_version) if incident.run else None
    may_review = made is not None and may_act(request, "readiness.review")
    entries = [one for one in timeline(incident.uuid) if words.fact(one.kind, "en")]  # as in the document
    context = {
        "incident": incident,
        "review": made,
        "content": content,
        "summary": content["summary"],
        "times": {name: _when(content[name]) for name in ("reported_at", "restored_at", "closed_at")},
        "tasks": [_task(one, pack) for one in content["tasks"]],
        "command": _with_times(content["command"]) if content["command"] else None,
        "stages": [_with_times(one) | {"words": showing.say(one["title"])} for one in content["stages"]],
        "recoveries": [
            _with_times(one) | {"words": str(OPTION_KINDS.get(one["kind"], one["kind"]))}
            for one in content["recoveries"]
        ],
        "suspensions": [_with_times(one) for one in content["suspensions"]],
        "findings": [showing.say(one["text"]) for one in content["findings"]],
        "mending": _mending(request, made, pack) if made else [],
        "timeline": sentences.timeline(entries, pack, incident.kind),
        "adding": adding or RectificationForm(),
        "remarks": remarks or RemarksForm(initial={"remarks": made.remarks if made else ""}),
        "may_review": may_review,
        "circulation": selectors.receipts(made) if made is not None else None,
        "may_circulate": may_review
        and made is not None
        and made.confirmed_at is not None
        and made.circulated_at is None,
        "may_confirm": may_review and made is not None and made.confirmed_at is None,
    }
    return render(request, "web/review/page.html", context, status=status)


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _with_times(one: Mapping[str, Any]) -> Json:
    """The moments of a part of the content as moments."""
    return {
        name: _when(value) if name.endswith("_at") or name == "at" else value for name, value in one.items()
    }


def _task(one: Mapping[str, Any], pack: Pack | None) -> TaskRow:
    late = int(one["late_seconds"])
    why = showing.say(joined(one["reasons"])) if one["reasons"] else ""
    return TaskRow(
        showing.say(one["title"]),
        showing.clause(one["clause"], pack),
        showing.say(one["role_title"]) or one["role"],
        one["done_by"] or one["holder"] or _("vacant"),
        _when(one["opened_at"]),
        _when(one["due_at"]),
        _when(one["done_at"]),
        late,
        int(one["acknowledge_late_seconds"]),
        one["status"],
        why,
        len(one["escalations"]),
        bool(one.get("simulated")),
    )


def _mending(request: HttpRequest, made: Review, pack: Pack | None) -> Sequence[MendRow]:
    """The rectifications; a finding's own words in the reader's language where they were not changed."""
    known = {one["text"]["zh-Hans"]: showing.say(one["text"]) for one in made.content["findings"]}
    may_mend = access.mendable_by(people.person_of(request.user))
    may_review = may_act(request, "readiness.review")
    today = clock.today()
    return [
        MendRow(
            one,
            known.get(one.text, one.text),
            showing.clause(one.clause, pack),
            one.done_at is None and one.due_on < today,
            one.done_at is None and may_mend(one),
            AssignmentForm(
                prefix=f"r{one.pk}",
                initial={"owner": one.owner.staff_no if one.owner else "", "due_on": one.due_on},
            )
            if may_review and one.done_at is None
            else None,
        )
        for one in made.rectifications.select_related("owner").order_by("due_on", "pk")
    ]


@staff
def review_pdf(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The review as a document, once the incident is closed."""
    made = access.get_review(request.user, uuid)
    name = f"review-{made.incident.number}.pdf"
    return download(pdf(made, showing.language()), name, "application/pdf", shown=True)


def _colleague(staff_no: str) -> Person:
    found = Person.objects.filter(staff_no=staff_no, active=True).first()
    if found is None:
        raise Invalid("owner", _("There is nobody with this staff number."))
    return found


@staff
@require_POST
def add(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Order something to be mended."""
    made, person = access.get_review(request.user, uuid), actor(request)
    people.require(person, "readiness.review")
    form = RectificationForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.add_rectification(
                made,
                text=given["text"],
                clause=given["clause"],
                owner=_colleague(given["owner"]),
                due_on=given["due_on"],
                actor=person,
            )
        except Invalid as error:
            refuse(form, error)
        else:
            return _back(request, made)
    return _page(request, _incident(request, uuid), adding=form, status=422)


@staff
@require_POST
def assign(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """Another owner or date."""
    made, person = access.get_review(request.user, uuid), actor(request)
    found = _rectification(made, number)
    form = AssignmentForm(request.POST, prefix=f"r{number}")
    if not form.is_valid():
        raise Invalid("owner", _("An owner and a date are needed."))
    owner = _colleague(form.cleaned_data["owner"])
    services.assign(found, owner=owner, due_on=form.cleaned_data["due_on"], actor=person)
    return _back(request, made)


@staff
@require_POST
def mend(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """It is done."""
    made = access.get_review(request.user, uuid)
    services.mend(_rectification(made, number), actor=actor(request))
    return _back(request, made)


@staff
@require_POST
def confirm(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Supervision and evaluation, or the leading group, confirms it with remarks."""
    made = access.get_review(request.user, uuid)
    form = RemarksForm(request.POST)
    if not form.is_valid():
        return _page(request, _incident(request, uuid), remarks=form, status=422)
    services.confirm_review(made, remarks=form.cleaned_data["remarks"], actor=actor(request))
    return _back(request, made)


@staff
@require_POST
def circulate(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Send the confirmed result to the heads and to whoever took part, with receipts."""
    made = services.circulate(access.get_review(request.user, uuid), actor=actor(request))
    return _back(request, made)


def _rectification(made: Review, number: int) -> Rectification:
    return there(made.rectifications.filter(pk=number).first(), number)


def _back(request: HttpRequest, made: Review) -> HttpResponse:
    return htmx.go_to(request, reverse("review", args=[made.incident.uuid]) + "#mending")


urlpatterns = [
    path("incidents/<uuid:uuid>/review/", review, name="review"),
    path("incidents/<uuid:uuid>/review.pdf", review_pdf, name="review-pdf"),
    path("incidents/<uuid:uuid>/review/add", add, name="review-add"),
    path("incidents/<uuid:uuid>/review/confirm", confirm, name="review-confirm"),
    path("incidents/<uuid:uuid>/review/circulate", circulate, name="review-circulate"),
    path("incidents/<uuid:uuid>/review/<int:number>/assign", assign, name="review-assign"),
    path("incidents/<uuid:uuid>/review/<int:number>/mend", mend, name="review-mend"),
]
