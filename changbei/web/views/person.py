"""A person's page: posts, roles, duty, absences; absences recorded for them, and that they have left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.network.models import Retailer, Vehicle
from changbei.people import access, services, staffing
from changbei.people.models import Account, Person
from changbei.runs.selectors import my_tasks
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff
from changbei.web.staffing import AbsenceForm, held_roles
from changbei.web.views.organisation import editable
from changbei.web.views.posts import rank_words

SHIFTS_SHOWN = 10


class AbsenceOfAnother(AbsenceForm):
    """The same, as others say it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["out_of_city"].label = gettext_lazy("Is out of the city")
        self.fields["unreachable"].label = gettext_lazy("Cannot be reached by phone")


@staff
def person(request: HttpRequest, staff_no: str) -> HttpResponse:
    """The page; a POST records an absence for the person."""
    found = access.get_person(request.user, staff_no)
    if request.method != "POST":
        return _page(request, found)
    access.require(actor(request), "people.record_absence", found)
    form = AbsenceOfAnother(request.POST)
    if not form.record(found, actor=actor(request)):
        return _page(request, found, form, status=422)
    messages.success(request, _("Recorded. Roles and tasks move as the plan says."))
    return htmx.go_to(request, reverse("person", args=[found.staff_no]))


def _page(
    request: HttpRequest, found: Person, form: AbsenceOfAnother | None = None, *, status: int = 200
) -> HttpResponse:
    now = clock.now()
    reader = access.person_of(request.user)
    own = reader == found
    may_record = found.active and not own and may_act(request, "people.record_absence", found)
    absences = found.absences.filter(ends_at__gt=now).select_related("substitute").order_by("starts_at")
    if not (own or may_record):
        absences = absences.filter(starts_at__lte=now)
    duty = found.duty.filter(ends_at__gt=now).select_related("post").order_by("starts_at", "pk")
    context: dict[str, Any] = {
        "person": found,
        "card": showing.person_card(found, post=showing.job(found.job), note=showing.say(found.unit.name)),
        "posts": [(one, rank_words(one.rank)) for one in _holdings(found)],
        "roles": held_roles(found, reader),
        "duty": list(duty[:SHIFTS_SHOWN]),
        "more_duty": max(0, duty.count() - SHIFTS_SHOWN),
        "absences": list(absences),
        "away": absences.filter(starts_at__lte=now).exists(),
        "stands_in": found.substitutes_for.filter(starts_at__lte=now, ends_at__gt=now).select_related(
            "person"
        ),
        "now": now,
        "own": own,
        "editable": editable(request, found),
        "may_manage_accounts": may_act(request, "people.manage_accounts"),
        "may_record": may_record,
    }
    if may_record:
        begin = clock.local_now().replace(second=0, microsecond=0)
        first = {"starts_at": begin, "ends_at": begin + timedelta(hours=8)}
        context["form"] = form or AbsenceOfAnother(initial=first)
    if found.active and not own and may_act(request, "people.appoint", found):
        context["leaving"] = _leaving(found)
    return render(request, "web/people/person.html", context, status=status)


def _holdings(found: Person) -> Any:
    now = clock.now()
    current = found.holdings.filter(Q(until__isnull=True) | Q(until__gt=now), since__lte=now)
    return current.select_related("post").order_by("rank", "pk")


def _leaving(found: Person) -> dict[str, Any]:
    """What ends when the person leaves, and what others have to be given by hand."""
    return {
        "posts": [showing.say(one.post.name) for one in _holdings(found)],
        "shifts": found.duty.filter(ends_at__gt=clock.now()).count(),
        "login": Account.objects.filter(person=found, is_active=True).exists(),
        "tasks": my_tasks(found).count(),
        "vans": list(
            Vehicle.objects.filter(keeper=found).order_by("number").values_list("number", flat=True)
        ),
        "customers": Retailer.objects.filter(customer_manager=found, active=True).count(),
    }


@staff
@require_POST
def end_absence(request: HttpRequest, staff_no: str, pk: int) -> HttpResponse:
    """Somebody is back early, or does not go."""
    found = access.get_person(request.user, staff_no)
    services.end_absence(staffing.get_absence(found, pk), actor=actor(request))
    messages.success(request, _("The absence is ended. Roles come back as the plan says."))
    return htmx.go_to(request, reverse("person", args=[found.staff_no]))


@staff
@require_POST
def left(request: HttpRequest, staff_no: str) -> HttpResponse:
    """Somebody has left the company."""
    found = access.get_person(request.user, staff_no)
    services.retire(found, actor=actor(request))
    said = _("Recorded: %(name)s has left. Posts, duty and login have ended; tasks move.")
    messages.success(request, said % {"name": found.name})
    return htmx.go_to(request, reverse("person", args=[found.staff_no]))


urlpatterns = [
    path("people/<str:staff_no>/", person, name="person"),
    path("people/<str:staff_no>/absences/<int:pk>/end", end_absence, name="person-absence-end"),
    path("people/<str:staff_no>/left", left, name="person-left"),
]
