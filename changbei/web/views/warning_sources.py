"""Where warnings come from: what was heard when, what is wrong, and a form to add or change a source."""

from __future__ import annotations

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
from changbei.incidents import services
from changbei.incidents.models import WarningSource
from changbei.incidents.services import sources
from changbei.people import access as people
from changbei.people.models import Person
from changbei.web import htmx
from changbei.web.entry import actor, staff
from changbei.web.errors import refuse

KINDS = (
    ("url", gettext_lazy("Address that is polled")),
    ("folder", gettext_lazy("Folder that is emptied")),
    ("push", gettext_lazy("Key that pushes")),
)
LANGUAGES = (("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文"), ("en", "English"))


class SourceForm(forms.Form):
    """One source; what makes sense together is checked by the room."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    place = forms.CharField(label=gettext_lazy("Address or folder"), max_length=500, required=False)
    person = forms.CharField(label=gettext_lazy("Staff number of the key"), max_length=20, required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language of headlines"), choices=LANGUAGES)
    strict = forms.BooleanField(label=gettext_lazy("Refuse every breach of the standard"), required=False)
    interval_seconds = forms.IntegerField(label=gettext_lazy("Seconds between two polls"), initial=60)
    silent_after_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds of silence that are a finding"), initial=3600
    )
    enabled = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)

    def clean_person(self) -> Person | None:
        given = self.cleaned_data["person"].strip()
        found = Person.objects.filter(staff_no=given, active=True).first() if given else None
        if given and found is None:
            raise forms.ValidationError(_("Nobody on the staff has this number."))
        return found


@staff
def sources_page(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """The sources, and the form for a new one or for the one named."""
    people.require(request.user, "incidents.command")
    chosen = _source(uuid) if uuid else None
    form = SourceForm(request.POST) if request.method == "POST" else SourceForm(initial=_initial(chosen))
    if request.method == "POST" and form.is_valid():
        try:
            services.save_source(chosen, **form.cleaned_data, actor=actor(request))
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, _("Saved."))
            return htmx.go_to(request, reverse("warning-sources"))
    silent = {one.pk for one in sources.silent(clock.now())}
    found = [
        (one, one.pk in silent) for one in WarningSource.objects.select_related("person").order_by("name")
    ]
    context = {"form": form, "sources": found, "chosen": chosen}
    return render(request, "web/warnings/sources.html", context, status=422 if form.errors else 200)


@staff
@require_POST
def poll(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Have the worker ask the source at once."""
    people.require(request.user, "incidents.command")
    found = _source(uuid)
    WarningSource.objects.filter(pk=found.pk).exclude(kind="push").update(due_at=clock.now())
    messages.success(request, _("It is asked within seconds."))
    return htmx.go_to(request, reverse("warning-sources"))


def _source(uuid: UUID) -> WarningSource:
    return there(WarningSource.objects.filter(uuid=uuid).first(), uuid)


def _initial(source: WarningSource | None) -> dict[str, Any]:
    if source is None:
        return {}
    names = (
        "name",
        "kind",
        "place",
        "language",
        "strict",
        "interval_seconds",
        "silent_after_seconds",
        "enabled",
    )
    person = source.person.staff_no if source.person else ""
    return {name: getattr(source, name) for name in names} | {"person": person}


urlpatterns = [
    path("warnings/sources/", sources_page, name="warning-sources"),
    path("warnings/sources/<uuid:uuid>", sources_page, name="warning-source"),
    path("warnings/sources/<uuid:uuid>/poll", poll, name="warning-source-poll"),
]
