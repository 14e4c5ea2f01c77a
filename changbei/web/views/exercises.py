"""Exercises: what the plans in force offer to be practised, one begun beside the real day, and those that were held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from changbei.core.errors import Invalid, NotFound
from changbei.incidents import plan as plans
from changbei.incidents.models import Incident
from changbei.people import access as people
from changbei.plans.model import Exercise, Part
from changbei.readiness import exercises
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff
from changbei.web.forms import SchemaForm
from changbei.web.planned import FAMILY_ICONS
from changbei.web.templatetags.ui.chips import level_chip

SHOWN = 50  # exercises that were held, the newest first


class HowForm(forms.Form):
    level = forms.ChoiceField(label=gettext_lazy("Practised as"), widget=forms.RadioSelect)
    simulated = forms.BooleanField(
        label=gettext_lazy("With simulated colleagues"),
        help_text=gettext_lazy(
            "Who has not answered after a while is answered for; each such answer is marked."
        ),
        required=False,
    )

    def __init__(self, levels: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["level"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(level, level_chip(level)) for level in levels]


@dataclass(frozen=True)
class Held:
    incident: Incident
    people: list[str]
    simulated: bool


@staff
def page(request: HttpRequest) -> HttpResponse:
    """By plan what can be practised, and the exercises on record with who took part."""
    people.require(request.user, "readiness.see")
    found = list(exercises.held(actor=request.user)[:SHOWN])
    took_part = exercises.took_part(found)
    context = {
        "plans": [_offer(one) for one in exercises.offered()],
        "held": [Held(one, took_part.get(one.uuid, []), hasattr(one, "simulation")) for one in found],
        "may_begin": may_act(request, "drills.run"),
    }
    return render(request, "web/exercises/page.html", context)


def _offer(one: exercises.Offer) -> dict[str, Any]:
    return {
        "title": showing.say(one.pack.titles),
        "exercises": [
            (showing.say(each.title), list(_parts(each))) for each in one.exercises if len(each.parts) > 1
        ],
        "kinds": [
            {
                "title": showing.say(kind.procedure.title),
                "icon": FAMILY_ICONS.get(kind.procedure.family, "flag"),
                "last": kind.last,
                "declared": _declared(one, kind.procedure.id),
                "levels": [(level, _address(kind.procedure.id, level=level)) for level in kind.levels],
            }
            for kind in one.kinds
        ],
    }


def _declared(offer: exercises.Offer, kind: str) -> list[tuple[str, str]]:
    """The exercises that are this procedure alone, and where they begin."""
    alone = [one for one in offer.exercises if [part.procedure for part in one.parts] == [kind]]
    return [(showing.say(one.title), _address(kind, exercise=one.id, part=0)) for one in alone]


def _parts(exercise: Exercise) -> Iterator[tuple[str, int, str]]:
    """What begins, after how many seconds, and where."""
    for number, part in enumerate(exercise.parts):
        title = showing.say(plans.procedure_in_force(part.procedure).procedure.title)
        yield title, part.after.seconds, _address(part.procedure, exercise=exercise.id, part=number)


def _address(kind: str, **query: str | int) -> str:
    return f"{reverse('exercise-begin', args=[kind])}?{urlencode(query)}"


@staff
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """The plan's form, filled in as far as plan and city say it; what is missing comes back next to its field (422)."""
    people.require(request.user, "drills.run")
    found = plans.procedure_in_force(kind)
    procedure, levels = found.procedure, exercises.levels_of(found.procedure, found.pack)
    part = _part(request, kind)
    if request.method != "POST":
        level = request.GET.get("level", "")
        report, said = exercises.suggested(kind, level, part)
        asked = next((one for one in (level, said) if one in levels), levels[0])
        filled = SchemaForm(procedure.form, language=showing.language(), initial=report)
        return _form_page(request, kind, filled, HowForm(levels, initial={"level": asked}))
    filled = SchemaForm(procedure.form, request.POST, request.FILES, language=showing.language())
    chosen = HowForm(levels, request.POST)
    if filled.is_valid() and chosen.is_valid():
        try:
            incident = exercises.begin(
                kind, filled.result, **chosen.cleaned_data, part=part, actor=actor(request)
            )
        except Invalid as error:
            filled.refuse(error)
        else:
            return htmx.go_to(request, reverse("incident", args=[incident.uuid]))
    return _form_page(request, kind, filled, chosen, status=422)


def _part(request: HttpRequest, kind: str) -> Part | None:
    """The part of a declared exercise that the address names; NotFound for one that is of another procedure."""
    declared = {one.id: one for offer in exercises.offered() for one in offer.exercises}
    name, number = request.GET.get("exercise"), request.GET.get("part", "0")
    if not name:
        return None
    parts = declared[name].parts if name in declared else ()
    if not (number.isascii() and number.isdigit() and int(number) < len(parts)):
        raise NotFound(f"{name} {number}")
    part = parts[int(number)]
    if part.procedure != kind:
        raise NotFound(f"{name} {number}")
    return part


def _form_page(
    request: HttpRequest, kind: str, filled: SchemaForm, how: HowForm, status: int = 200
) -> HttpResponse:
    procedure = plans.procedure_in_force(kind).procedure
    context = {
        "kind": kind,
        "title": showing.say(procedure.title),
        "icon_name": FAMILY_ICONS.get(procedure.family, "flag"),
        "form": filled,
        "how": how,
        "address": request.get_full_path(),
    }
    return render(request, "web/exercises/begin.html", context, status=status)


urlpatterns = [
    path("exercises/", page, name="exercises"),
    path("exercises/<slug:kind>/", begin, name="exercise-begin"),
]
