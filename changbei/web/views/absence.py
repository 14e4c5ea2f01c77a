"""I am away: say so, see which roles and tasks move, and come back early."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.people import services, staffing
from changbei.people.models import Person, PostHolding
from changbei.runs.selectors import my_tasks
from changbei.web import htmx, showing
from changbei.web.entry import actor, staff
from changbei.web.staffing import AbsenceForm, held_roles


@staff
def absence(request: HttpRequest) -> HttpResponse:
    """The page; a POST records the absence."""
    person = actor(request)
    if request.method == "POST":
        form = AbsenceForm(request.POST)
        if form.record(person, actor=person):
            messages.success(request, _("Recorded. Your roles and tasks move as the plan says."))
            return htmx.go_to(request, reverse("absence"))
        return _page(request, person, form, status=422)
    now = clock.local_now().replace(second=0, microsecond=0)
    form = AbsenceForm(initial={"starts_at": now, "ends_at": now + timedelta(hours=8)})
    return _page(request, person, form)


def _page(request: HttpRequest, person: Person, form: AbsenceForm, *, status: int = 200) -> HttpResponse:
    now = clock.now()
    tasks = my_tasks(person).select_related("run__plan_version", "holder").defer("run__plan_version__files")
    held = PostHolding.objects.filter(person=person, until=None).select_related("post").order_by("rank", "pk")
    context = {
        "form": form,
        "absences": list(
            person.absences.filter(ends_at__gt=now).select_related("substitute").order_by("starts_at")
        ),
        "now": now,
        "posts": list(held),
        "roles": held_roles(person, person),
        "tasks": [showing.task_card(task) for task in tasks],
    }
    return render(request, "web/people/absence.html", context, status=status)


@staff
@require_POST
def back_early(request: HttpRequest, pk: int) -> HttpResponse:
    """I am back."""
    person = actor(request)
    services.end_absence(staffing.get_absence(person, pk), actor=person)
    messages.success(request, _("Welcome back."))
    return htmx.go_to(request, reverse("absence"))


urlpatterns = [
    path("absence/", absence, name="absence"),
    path("absence/<int:pk>/end", back_early, name="absence-end"),
]
