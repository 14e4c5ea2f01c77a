"""Visits of a week: a customer manager's own, day by day, or those of everybody whom a head answers for (S2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.dates import WEEKDAYS
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from changbei.care import access, checklists, services
from changbei.care.models import Visit
from changbei.core import clock
from changbei.core.errors import NotAllowed, NotFound
from changbei.people import access as people
from changbei.people.models import Person, Unit
from changbei.web import entry, htmx, showing

EVERY_UNIT = "all"
WEEK = timedelta(days=7)
WEEKS = (2, 4, 6, 8, 12)


class Departments:
    """The marketing departments whose visits the reader may see, and the one that the address asks for; without one it
    is the reader's own.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.person = people.person_of(request.user)
        self.units = people.units_with(request.user, access.SEE)
        every = Unit.objects.exclude(districts=None).order_by("pk").distinct()
        self.all = [one for one in every if self.units is None or one.pk in self.units]
        if self.units and not self.all:  # a market manager's office lies below the department
            self.all = list(Unit.objects.filter(pk__in=self.units).order_by("pk"))
        codes = {one.code: one for one in self.all}
        wanted = request.POST.get("unit") or request.GET.get("unit") or self._own()
        self.chosen = codes.get(wanted) or (self.all[0] if len(self.all) == 1 else None)

    def _own(self) -> str:
        mine = (
            one.code for one in self.all if self.person and self.person.unit_id in people.units_below(one)
        )
        return next(mine, "")

    @property
    def code(self) -> str:
        return self.chosen.code if self.chosen else EVERY_UNIT

    @cached_property
    def reach(self) -> frozenset[int] | None:
        """The units of the chosen department, as far as the reader may see them; None: all."""
        if self.chosen is None:
            return self.units
        below = people.units_below(self.chosen)
        return below if self.units is None else below & self.units

    @property
    def choices(self) -> list[tuple[str, str]]:
        every = [(EVERY_UNIT, _("All departments"))] if len(self.all) != 1 else []
        return [*every, *((one.code, showing.say(one.name)) for one in self.all)]


@dataclass(frozen=True)
class Day:
    on: date
    visits: list[Visit]

    @property
    def title(self) -> str:
        if self.on == clock.today():
            return _("Today")
        return f"{self.on:%m-%d} {WEEKDAYS[self.on.weekday()]}"


@dataclass
class Managed:
    """The week of one customer manager: of each day how many visits are done and how many there are."""

    person: Person
    days: list[tuple[int, int]]
    overdue: int = 0
    dropped: int = 0
    cells: Counter[tuple[date, str]] = field(default_factory=Counter)


class PlanForm(forms.Form):
    weeks = forms.TypedChoiceField(coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["weeks"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(n, ngettext("%(n)d week", "%(n)d weeks", n) % {"n": n}) for n in WEEKS]


@entry.staff
def visits(request: HttpRequest) -> HttpResponse:
    """The own week, or with `?view=team` that of the people one answers for."""
    departments, person = Departments(request), people.person_of(request.user)
    leads = departments.units != frozenset()
    records = entry.may_act(request, access.RECORD)
    if not leads and not records:
        raise NotAllowed(access.RECORD)
    whose = _whose(request) or person
    team = leads and whose == person and (request.GET.get("view") == "team" or not _has_own(person))
    monday = _monday(request.GET.get("week", ""))
    days = [monday + timedelta(days=number) for number in range(7)]
    context = {
        "view": "team" if team else "mine",
        "own": whose == person,
        "leads": leads,
        "days": days,
        "before": (monday - WEEK).isoformat(),
        "after": (monday + WEEK).isoformat(),
        "this_week": days[0] <= clock.today() <= days[-1],
        "clause": showing.clause("S2"),
        "plan_form": PlanForm(initial={"weeks": 4}),
        "has_plan": checklists.found() is not None,
        "departments": departments,
        **(_team(request, departments, days) if team else _mine(request, whose, days)),
    }
    return render(request, "web/visits/page.html", context)


def _whose(request: HttpRequest) -> Person | None:
    """The colleague whose week is asked for; of others' visits only those are shown that the reader may see."""
    given = request.GET.get("manager", "")
    return Person.objects.filter(staff_no=given).first() if given else None


def _has_own(person: Person | None) -> bool:
    return person is not None and (person.customers.filter(active=True).exists() or person.visits.exists())


def _monday(given: str) -> date:
    day = entry.day(given) if given else clock.today()
    return day - timedelta(days=day.weekday())


def _mine(request: HttpRequest, person: Person | None, days: Sequence[date]) -> dict[str, Any]:
    """What is left of before; today and the days ahead; what is behind already."""
    today = clock.today()
    planned = shown(access.readable(request.user).filter(manager=person)).exclude(status=Visit.Status.DROPPED)
    overdue = planned.filter(status=Visit.Status.PLANNED, planned_for__lt=today)
    by_day: dict[date | None, list[Visit]] = defaultdict(list)
    week = planned.filter(planned_for__range=(days[0], days[-1]))
    for one in week:
        if one.status == Visit.Status.DONE or (one.planned_for and one.planned_for >= today):
            by_day[one.planned_for].append(one)
    return {
        "overdue": list(overdue),
        "rows": [
            Day(day, by_day[day]) for day in days if day >= today and (by_day[day] or day.isoweekday() <= 5)
        ],
        "behind": [one for day in days if day < today for one in by_day[day]],
        "ahead": planned.filter(status=Visit.Status.PLANNED, planned_for__gt=days[-1]).count(),
        "may_plan": person == people.person_of(request.user)
        and person is not None
        and person.customers.filter(active=True).exists(),
        "whose": person,
    }


def shown(found: QuerySet[Visit]) -> QuerySet[Visit]:
    """With what rows of a list say, in the order in which they are driven: by town, then street."""
    found = found.select_related("retailer__place", "retailer__line", "manager", "done_by")
    found = found.annotate(findings=Count("answers", filter=Q(answers__finding=True)))
    return found.order_by("planned_for", "retailer__place", "retailer__line_sequence", "pk")


def _team(request: HttpRequest, departments: Departments, days: Sequence[date]) -> dict[str, Any]:
    managers = {one.pk: one for one in services.managers_of(departments.reach)}
    seen = access.readable(request.user).filter(manager__in=managers)
    rows = {pk: Managed(person, []) for pk, person in managers.items()}
    week = seen.filter(planned_for__range=(days[0], days[-1])).order_by()
    for pk, day, status, number in week.values_list("manager", "planned_for", "status").annotate(
        n=Count("pk")
    ):
        if day is not None:
            rows[pk].cells[day, status] += number
    late = seen.filter(status=Visit.Status.PLANNED, planned_for__lt=clock.today()).order_by()
    for pk, number in late.values_list("manager").annotate(n=Count("pk")):
        rows[pk].overdue = number
    working = [day for day in days if day.isoweekday() <= 5]
    for row in rows.values():
        row.days = [
            (row.cells[day, "done"], row.cells[day, "done"] + row.cells[day, "planned"]) for day in working
        ]
        row.dropped = sum(row.cells[day, "dropped"] for day in days)
    leads = departments.chosen is not None and entry.may_act(request, access.LEAD, departments.chosen)
    return {
        "managed": list(rows.values()),
        "working": working,
        "total": [tuple(map(sum, zip(*cells))) for cells in zip(*(row.days for row in rows.values()))],
        "may_plan": leads,
    }


@entry.staff
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """The coming weeks of one's own, or with `unit` those of every customer manager of a department."""
    form, person = PlanForm(request.POST), entry.actor(request)
    if not form.is_valid():
        raise NotFound("weeks")
    weeks, back = form.cleaned_data["weeks"], reverse("visits")
    managers = [person]
    if code := request.POST.get("unit", ""):
        departments = Departments(request)
        if departments.chosen is None:
            raise NotFound(code)
        people.require(person, access.LEAD, departments.chosen)
        managers = list(services.managers_of(departments.reach))
        back += f"?view=team&unit={departments.code}"
    added = sum(services.plan_visits(one, weeks=weeks, actor=person).added for one in managers)
    words = ngettext("%(n)d visit was added.", "%(n)d visits were added.", added) % {"n": added}
    messages.success(request, words if added else _("Everything is planned already: nothing was added."))
    return htmx.go_to(request, back)


urlpatterns = [
    path("visits/", visits, name="visits"),
    path("visits/plan", plan, name="visits-plan"),
]
