"""Figures of visits and spot checks, for heads (J4): process and outcome, by district and customer manager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from changbei.care import access, rules, services
from changbei.care.figures import Counts, Row, figures
from changbei.care.models import Sample, Visit
from changbei.core import clock, sheets
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.people import access as people
from changbei.people.models import Person, Unit
from changbei.web import entry, htmx, showing
from changbei.web.errors import refuse
from changbei.web.views.delivery_files import KINDS
from changbei.web.views.visits import Departments, shown

MONTHS = 13
JOBS = ("market_manager", "customer_manager")
COLUMNS = {
    "planned": pgettext_lazy("visits", "Planned"),
    "done": pgettext_lazy("visits", "Made"),
    "on_time": gettext_lazy("On time"),
    "moved": gettext_lazy("Moved"),
    "dropped": gettext_lazy("Dropped"),
    "unplanned": gettext_lazy("Unplanned"),
    "with_photo": gettext_lazy("With a photo"),
    "findings": gettext_lazy("Findings"),
    "checked": pgettext_lazy("visits", "Looked at again"),
    "differing": gettext_lazy("Of these differing"),
}


class DrawForm(forms.Form):
    """How many visits are looked at again, and by whom."""

    count = forms.IntegerField(label=gettext_lazy("How many visits"), min_value=1, max_value=200, initial=10)
    visitors = forms.MultipleChoiceField(label=gettext_lazy("Who goes"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, unit: Unit, data: Any = None) -> None:
        super().__init__(data)
        staff = Person.objects.filter(unit__in=people.units_below(unit), job__in=JOBS, active=True)
        self.staff = {one.staff_no: one for one in staff.select_related("unit").order_by("-job", "staff_no")}
        choice = self.fields["visitors"]
        assert isinstance(choice, forms.MultipleChoiceField)
        choice.choices = [
            (number, f"{one.name} · {showing.job(one.job)}") for number, one in self.staff.items()
        ]

    @property
    def people(self) -> list[Person]:
        return [self.staff[number] for number in self.cleaned_data["visitors"]]


@entry.staff
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, form: DrawForm | None = None) -> HttpResponse:
    departments, month = _asked(request)
    found = figures(request.user, month, departments.reach)
    samples = Sample.objects.filter(month=month).select_related("unit", "drawn_by").order_by("-drawn_at")
    samples = samples.filter(unit__in=[one.pk for one in departments.all])
    chosen = departments.chosen
    may_draw = chosen is not None and entry.may_act(request, access.LEAD, chosen)
    context = {
        "departments": departments,
        "month": month,
        "months": _months(),
        "columns": list(COLUMNS.values()),
        "districts": [
            (name, _numbers(counts), [(row, _numbers(row.counts)) for row in rows])
            for name, counts, rows in found.districts()
        ],
        "total": _numbers(found.total),
        "counts": found.total,
        "findings": found.findings,
        "samples": [(one, *_progress(one)) for one in samples if chosen is None or one.unit_id == chosen.pk],
        "form": form or (DrawForm(chosen) if may_draw and chosen else None),
        "left": services.to_draw_from(chosen, month).count() if may_draw and chosen else 0,
        "clause": showing.clause("J4"),
    }
    return render(request, "web/visits/figures.html", context, status=status)


def _asked(request: HttpRequest) -> tuple[Departments, date]:
    """The department and the month of the address; NotAllowed for who may see only the own visits."""
    people.require(request.user, access.SEE)
    given = request.POST.get("month") or request.GET.get("month") or ""
    month = entry.day(f"{given}-01") if given else clock.today().replace(day=1)
    return Departments(request), month


def _months() -> list[date]:
    found = [clock.today().replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def _numbers(counts: Counts) -> list[int]:
    values = asdict(counts)
    return [values[name] for name in COLUMNS]


def _progress(sample: Sample) -> tuple[int, int]:
    """How many of its visits were made, and how many there are."""
    return sample.visits.filter(status=Visit.Status.DONE).count(), sample.visits.count()


@entry.staff
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The same figures as a file."""
    if kind not in KINDS:
        raise NotFound(kind)
    departments, month = _asked(request)
    rows = (list(_cells(row)) for row in figures(request.user, month, departments.reach).rows)
    headings = [
        _("District"),
        _("Department"),
        _("Customer manager"),
        *(str(one) for one in COLUMNS.values()),
    ]
    written = sheets.as_csv(headings, rows) if kind == "csv" else sheets.as_xlsx(_("Visits"), headings, rows)
    answer = HttpResponse(written, content_type=KINDS[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="visits-{month:%Y-%m}.{kind}"'
    return answer


def _cells(row: Row) -> Iterator[sheets.Cell]:
    yield showing.say(row.district)
    yield showing.say(row.unit)
    yield row.manager
    yield from _numbers(row.counts)


@entry.staff
@require_POST
def draw(request: HttpRequest) -> HttpResponse:
    departments, month = _asked(request)
    if departments.chosen is None:
        raise NotAllowed(access.LEAD)
    form = DrawForm(departments.chosen, request.POST)
    if form.is_valid():
        try:
            made = services.draw(
                departments.chosen,
                month,
                form.cleaned_data["count"],
                form.people,
                actor=entry.actor(request),
            )
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, _("The sample is drawn, and its visits are planned."))
            return htmx.go_to(request, reverse("visits-sample", args=[made.uuid]))
    return _page(request, status=422, form=form)


@entry.staff
def sample(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The visits of a sample: who was there first and who again, and what differs."""
    found = access.get_sample(request.user, uuid)
    visits = list(shown(found.visits.select_related("of__done_by", "of__version", "version")))
    rows = [(one, [pair for pair in _pairs(one) if pair[3]]) for one in visits]
    context = {
        "sample": found,
        "rows": rows,
        "made": sum(one.status == Visit.Status.DONE for one in visits),
        "clause": showing.clause("J4"),
    }
    return render(request, "web/visits/sample.html", context)


def _pairs(again: Visit) -> Iterator[tuple[str, str, str, bool]]:
    """Item, what the first and what the second saw, and whether it differs."""
    language = showing.language()
    for one in services.compared(again):
        first, second = (services.said(one.item, value, language) for value in (one.first, one.second))
        yield showing.say(one.item.label), first, second, one.differs


@entry.staff
def drawn(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """All visits that the sample was drawn from with their digests, so that anybody can draw again."""
    found = access.get_sample(request.user, uuid)
    chosen = {str(one) for one in found.visits.values_list("of__uuid", flat=True)}
    rows = sorted(
        (rules.digest(found.seed, one), one, _("yes") if one in chosen else _("no"))
        for one in found.population
    )
    written = sheets.as_csv(["SHA-256", _("Visit"), _("Drawn")], rows)
    answer = HttpResponse(written, content_type=KINDS["csv"])
    answer.headers["Content-Disposition"] = f'attachment; filename="sample-{found.month:%Y-%m}.csv"'
    return answer


urlpatterns = [
    path("visits/figures/", page, name="visits-figures"),
    path("visits/figures/export.<str:kind>", export, name="visits-figures-export"),
    path("visits/figures/draw", draw, name="visits-draw"),
    path("visits/samples/<uuid:uuid>/", sample, name="visits-sample"),
    path("visits/samples/<uuid:uuid>/drawn.csv", drawn, name="visits-sample-drawn"),
]
