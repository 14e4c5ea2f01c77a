"""One visit: what is looked at, what was found last time, what was seen; moved, dropped, its photos (J2, S2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.care import access, checklists, services
from changbei.care.checklists import Looking
from changbei.care.models import Answer, Visit
from changbei.care.services import Seen
from changbei.core.errors import Conflict, Invalid
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.model import PHOTO
from changbei.plans.models import PlanVersion
from changbei.web import entry, forms, htmx, showing
from changbei.web.components import Clause
from changbei.web.errors import refuse
from changbei.web.views.tasks import shown_file
from changbei.web.widgets import DayInput, PersonWidget


class Photos(django_forms.FileInput):
    """Several photos at once; the field looks at one of them, the form at all."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.get(name)


class SeenForm(forms.SchemaForm):
    """The checklist as a form, with a note and, only when the person sends it, the place."""

    note = django_forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=500,
        widget=django_forms.Textarea(attrs={"rows": 2}),
    )
    longitude = django_forms.FloatField(required=False, widget=django_forms.HiddenInput)
    latitude = django_forms.FloatField(required=False, widget=django_forms.HiddenInput)
    version = django_forms.IntegerField(required=False, widget=django_forms.HiddenInput)

    def __init__(self, looking: Looking, data: Any = None, files: Any = None) -> None:
        super().__init__(looking.checklist.form, data, files, language=showing.language())
        self.looking = looking
        self.initial["version"] = looking.version.pk
        self.pictures = [one.key for one in looking.checklist.items.values() if one.answer == PHOTO]
        for key in self.pictures:
            self.fields[key].widget = Photos(attrs={"accept": "image/*", "multiple": True})
        self.order_fields([*looking.checklist.form["properties"], "note"])

    @property
    def result(self) -> dict[str, Any]:
        asked = self.looking.checklist.form["properties"]
        return {name: value for name, value in super().result.items() if name in asked}

    def seen(self) -> Seen:
        """What was filled in. After `is_valid()`."""
        given = self.cleaned_data
        photos = {key: self.files.getlist(key) for key in self.pictures if self.files.getlist(key)}
        place = (given["longitude"], given["latitude"])
        return Seen(self.result, photos, given["note"], None if None in place else place)


class MoveForm(django_forms.Form):
    """Another day; for heads also somebody else."""

    on = django_forms.DateField(label=gettext_lazy("New day"), widget=DayInput())
    to = django_forms.CharField(label=gettext_lazy("Who goes"), required=False, widget=PersonWidget)


class WhyForm(django_forms.Form):
    why = django_forms.CharField(label=gettext_lazy("Reason"), max_length=200)


@dataclass(frozen=True)
class Said:
    """One answer in words."""

    label: str
    value: str
    finding: bool
    clause: Clause | None
    answer: Answer


def said(visit: Visit, *, findings_only: bool = False) -> list[Said]:
    """What was seen, in the order of the checklist that it was seen with."""
    if visit.version is None:
        return []
    looking = checklists.given(visit.version, visit.checklist)
    answers = {one.item: one for one in visit.answers.all()}
    return [
        Said(
            showing.say(item.label),
            services.said(item, answers[name].value, showing.language()),
            answers[name].finding,
            showing.clause(item.clause, looking.pack),
            answers[name],
        )
        for name, item in looking.checklist.items.items()
        if name in answers and (answers[name].finding or not findings_only)
    ]


def last_visit(shop: Retailer, before: Visit | None) -> Visit | None:
    """The newest visit that was made before this one."""
    done = shop.visits.filter(status=Visit.Status.DONE).select_related("version", "done_by")
    if before is not None:
        done = done.exclude(pk=before.pk)
        done = done.filter(done_at__lt=before.done_at) if before.done_at else done
    return done.order_by("-done_at").first()


def asked_with(request: HttpRequest) -> Looking:
    """The checklist whose form was open, when it is one of a version that we know; else the one in force."""
    now = checklists.in_force()
    given = request.POST.get("version", "")
    if not given.isdigit() or int(given) == now.version.pk:
        return now
    version = PlanVersion.objects.filter(pk=int(given), pack=now.version.pack).first()
    return checklists.given(version, now.checklist.id) if version else now


@entry.staff
def visit_page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _page(request, access.get_visit(request.user, uuid))


def _page(request: HttpRequest, visit: Visit, *, status: int = 200, **bound: Any) -> HttpResponse:
    person = showing_person(request)
    ahead = visit.status == Visit.Status.PLANNED
    may_record = ahead and access.may_record(person, visit)
    leads = access.may_lead(person, visit.retailer)
    blind = visit.of is not None and ahead  # who looks again does not see what was seen
    last = None if blind else last_visit(visit.retailer, visit)
    context: dict[str, Any] = {
        "visit": visit,
        "shop": visit.retailer,
        "may_arrange": ahead and access.may_arrange(person, visit),
        "leads": leads,
        "said": said(visit),
        "photos": list(visit.photos.select_related("by").order_by("pk")),
        "last": last,
        "last_found": said(last, findings_only=True) if last else [],
        "blind": blind,
        "person": person,
        "move_form": bound.get("move_form") or _move_form(leads, {"on": visit.planned_for}),
        "drop_form": bound.get("drop_form") or WhyForm(),
        "clause": showing.clause("J4" if visit.of else "J2"),
    }
    if may_record and checklists.found():
        context["form"] = bound.get("form") or SeenForm(checklists.in_force())
    return render(request, "web/visits/visit.html", context, status=status)


def showing_person(request: HttpRequest) -> Person | None:
    return people.person_of(request.user)


def _move_form(leads: bool, initial: dict[str, Any] | None = None, data: Any = None) -> MoveForm:
    form = MoveForm(data, initial=initial)
    if not leads:
        del form.fields["to"]
    return form


@entry.staff
@require_POST
def record(request: HttpRequest, uuid: UUID) -> HttpResponse:
    visit, person = access.get_visit(request.user, uuid), entry.actor(request)
    form = SeenForm(asked_with(request), request.POST, request.FILES)
    access.require_to_record(person, visit)
    if form.is_valid():
        try:
            services.record(visit, form.seen(), actor=person, looking=form.looking)
        except Invalid as error:
            form.refuse(error)
        else:
            messages.success(request, _("The visit is recorded."))
            return htmx.go_to(request, reverse("visit", args=[uuid]))
    return _page(request, visit, status=422, form=form)


@entry.staff
@require_POST
def move(request: HttpRequest, uuid: UUID) -> HttpResponse:
    visit, person = access.get_visit(request.user, uuid), entry.actor(request)
    form = _move_form(access.may_lead(person, visit.retailer), data=request.POST)
    if form.is_valid():
        try:
            to = _colleague(form.cleaned_data.get("to", ""))
            moved = services.move(visit, form.cleaned_data["on"], to=to, actor=person)
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            words = _("Moved to %(day)s, %(name)s goes.")
            messages.success(request, words % {"day": moved.planned_for, "name": moved.manager.name})
            return htmx.go_to(request, reverse("visit", args=[uuid]))
    return _page(request, visit, status=422, move_form=form)


def _colleague(staff_no: str) -> Person | None:
    if not staff_no:
        return None
    found = Person.objects.filter(staff_no=staff_no, active=True).first()
    if found is None:
        raise Invalid("to", _("There is no such colleague."))
    return found


@entry.staff
@require_POST
def drop(request: HttpRequest, uuid: UUID) -> HttpResponse:
    visit, person = access.get_visit(request.user, uuid), entry.actor(request)
    form = WhyForm(request.POST)
    if form.is_valid():
        try:
            services.drop(visit, form.cleaned_data["why"], actor=person)
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, _("The visit is dropped."))
            return htmx.go_to(request, reverse("visits"))
    return _page(request, visit, status=422, drop_form=form)


@entry.staff
def photo(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    found = access.get_photo(request.user, uuid)
    return shown_file(found.file, str(found.uuid), is_photo=True)


@entry.staff
@require_POST
def remove_photo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A photo that shows people or papers goes at once."""
    found, person = access.get_photo(request.user, uuid), entry.actor(request)
    try:
        services.remove_photo(found, request.POST.get("why", ""), actor=person)
    except Invalid:
        messages.error(request, _("Say why the photo is deleted."))
    else:
        messages.success(request, _("The photo is deleted."))
    return htmx.go_to(request, reverse("visit", args=[found.visit.uuid]))


urlpatterns = [
    path("visits/<uuid:uuid>/", visit_page, name="visit"),
    path("visits/<uuid:uuid>/record", record, name="visit-record"),
    path("visits/<uuid:uuid>/move", move, name="visit-move"),
    path("visits/<uuid:uuid>/drop", drop, name="visit-drop"),
    path("visits/photo/<uuid:uuid>", photo, name="visit-photo"),
    path("visits/photo/<uuid:uuid>/remove", remove_photo, name="visit-photo-remove"),
]
