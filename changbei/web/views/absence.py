"""I am away: say so, see which roles and tasks move, and come back early."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.people import services
from changbei.people.models import Absence, Person, PostHolding
from changbei.plans.loading import pack_for
from changbei.runs.models import RoleHolding, Run
from changbei.runs.selectors import my_tasks
from changbei.web import htmx, showing
from changbei.web.entry import actor, staff
from changbei.web.errors import said
from changbei.web.widgets import PersonWidget


def _moment(label: object) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,  # type: ignore[arg-type]
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class AbsenceForm(forms.Form):
    """From, until, where, and who stands in."""

    starts_at = _moment(gettext_lazy("From"))
    ends_at = _moment(gettext_lazy("Until"))
    out_of_city = forms.BooleanField(label=gettext_lazy("I am out of the city"), required=False)
    unreachable = forms.BooleanField(label=gettext_lazy("I cannot be reached by phone"), required=False)
    substitute = forms.CharField(label=gettext_lazy("Who stands in"), required=False, widget=PersonWidget)


@staff
def absence(request: HttpRequest) -> HttpResponse:
    """The page; a POST records the absence."""
    person = actor(request)
    if request.method == "POST":
        form = AbsenceForm(request.POST)
        if _record(form, person):
            messages.success(request, _("Recorded. Your roles and tasks move as the plan says."))
            return htmx.go_to(request, reverse("absence"))
        return _page(request, person, form, status=422)
    now = clock.local_now().replace(second=0, microsecond=0)
    form = AbsenceForm(initial={"starts_at": now, "ends_at": now + timedelta(hours=8)})
    return _page(request, person, form)


def _record(form: AbsenceForm, person: Person) -> bool:
    if not form.is_valid():
        return False
    given = form.cleaned_data
    substitute = Person.objects.filter(staff_no=given["substitute"], active=True).first()
    if given["substitute"] and substitute is None:
        form.add_error("substitute", _("There is no such colleague."))
        return False
    try:
        services.record_absence(
            person,
            given["starts_at"],
            given["ends_at"],
            out_of_city=given["out_of_city"],
            reachable=not given["unreachable"],
            substitute=substitute,
            actor=person,
        )
    except Invalid as error:
        for problem in error.problems:
            form.add_error(problem.field if problem.field in form.fields else None, said(problem.message))
        return False
    return True


def _page(request: HttpRequest, person: Person, form: AbsenceForm, *, status: int = 200) -> HttpResponse:
    now = clock.now()
    roles = RoleHolding.objects.filter(person=person, until=None, run__status=Run.Status.RUNNING)
    rows = (
        roles.select_related("run__plan_version").defer("run__plan_version__files").order_by("run_id", "pk")
    )
    tasks = my_tasks(person).select_related("run__plan_version", "holder").defer("run__plan_version__files")
    held = PostHolding.objects.filter(person=person, until=None).select_related("post").order_by("rank", "pk")
    context = {
        "form": form,
        "absences": list(
            person.absences.filter(ends_at__gt=now).select_related("substitute").order_by("starts_at")
        ),
        "now": now,
        "posts": list(held),
        "roles": [
            {
                "run": row.run,
                "title": showing.role_title(pack_for(row.run.plan_version), row.role),
                "pinned": row.pinned,
            }
            for row in rows
        ],
        "tasks": [showing.task_card(task) for task in tasks],
    }
    return render(request, "web/people/absence.html", context, status=status)


@staff
@require_POST
def back_early(request: HttpRequest, pk: int) -> HttpResponse:
    """I am back."""
    person = actor(request)
    found = Absence.objects.filter(pk=pk, person=person).first()
    if found is None:
        raise NotFound(gettext_noop("no such absence"))
    services.end_absence(found, actor=person)
    messages.success(request, _("Welcome back."))
    return htmx.go_to(request, reverse("absence"))


urlpatterns = [
    path("absence/", absence, name="absence"),
    path("absence/<int:pk>/end", back_early, name="absence-end"),
]
