"""A rehearsal of the plan: a thousand runs in virtual time, and what they say."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.incidents import plan as plans
from changbei.people import access as people
from changbei.plans.model import Pack
from changbei.readiness import rehearsals
from changbei.web import showing
from changbei.web.entry import staff

MOST_ON_A_PAGE = 2000  # a second or two: the page waits for it


class RehearsalForm(forms.Form):
    name = forms.ChoiceField(label=gettext_lazy("What happens"))
    runs = forms.IntegerField(
        label=gettext_lazy("Runs"), min_value=10, max_value=MOST_ON_A_PAGE, initial=1000
    )
    at = forms.TimeField(label=gettext_lazy("At what time"), initial=rehearsals.BEGINS)
    no_answer = forms.IntegerField(
        label=gettext_lazy("People who cannot be reached, per cent"), min_value=0, max_value=99, initial=5
    )
    seed = forms.IntegerField(label=gettext_lazy("Seed"), min_value=0, max_value=2**31, initial=1)
    journal = forms.BooleanField(label=gettext_lazy("Response times from the journal"), required=False)


@staff
def rehearsal(request: HttpRequest) -> HttpResponse:
    """The form, and once it is filled in the result. Nothing is written: a result is passed on by address."""
    people.require(request.user, "drills.run")
    names = rehearsals.names()
    form = RehearsalForm(request.GET if "name" in request.GET else None)
    choice = form.fields["name"]
    assert isinstance(choice, forms.ChoiceField)
    declared = rehearsals.exercises()
    choice.choices = [
        (name, showing.say(declared[name].title) if name in declared else _title(name)) for name in names
    ]
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        at: time = given["at"]
        found = rehearsals.rehearse(
            given["name"],
            runs=given["runs"],
            seed=given["seed"],
            no_answer_share=given["no_answer"] / 100,
            at=at,
            journal=given["journal"],
            actor=request.user,
        )
        context |= _shown(found)
    return render(request, "web/plan/rehearsal.html", context)


def _title(name: str) -> str:
    return showing.say(plans.procedure_in_force(name).procedure.title)


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    pack = plans.procedure_in_force(found["procedures"][0]).pack
    other = found["one_more_deputy"]
    spans = [
        _span(_("Until somebody acts"), found["first_action_seconds"]),
        _span(_("Until service is back"), found["restored_seconds"]),
    ]
    if len(found["by_procedure"]) > 1:
        spans += [_span(_title(one["procedure"]), one["restored_seconds"]) for one in found["by_procedure"]]
    if other:
        role = showing.role_title(pack, other["role"])
        spans.append(
            _span(
                _("Until service is back, with one more deputy: %(role)s") % {"role": role},
                other["restored_seconds"],
            )
        )
    return {
        "found": found,
        "spans": spans,
        "tasks": [_task(one, pack) for one in found["tasks"] if one["missed_share"]],
        "roles": [_role(one, pack) for one in found["roles"]],
        "bottleneck": showing.role_title(pack, found["bottleneck"]) if found["bottleneck"] else "",
        "earlier_minutes": _minutes(other["restored_earlier_seconds"]["mean"]) if other else "",
    }


def _span(label: str, values: dict[str, float | None]) -> dict[str, str]:
    return {"label": label, **{name: _minutes(values[name]) for name in ("p50", "p90", "p99")}}


def _minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f}"


def _task(one: dict[str, Any], pack: Pack) -> dict[str, Any]:
    return {
        "title": showing.say(one["title"]),
        "clause": showing.clause(one["clause"], pack),
        "role": showing.role_title(pack, one["role"]),
        "within": one["within"],
        "missed": f"{one['missed_share'] * 100:.1f} %",
    }


def _role(one: dict[str, Any], pack: Pack) -> dict[str, Any]:
    return {
        "title": showing.role_title(pack, one["role"]),
        "tasks": one["tasks_a_run"],
        "answer": _minutes(one["answer_seconds"]),
        "queue": _minutes(one["queue_seconds"]),
        "work": _minutes(one["work_seconds"]),
        "critical": f"{one['critical_waiting_share'] * 100:.1f} %",
    }


urlpatterns = [path("plan/rehearsal/", rehearsal, name="rehearsal")]
