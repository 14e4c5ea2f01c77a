"""Every supply request: what was asked for, for whom, by whom, in which state (E3.4.1–E3.4.3, E3.2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core import clock, sheets
from changbei.core.clock import LOCAL
from changbei.core.errors import NotFound
from changbei.people import access as people
from changbei.people.models import Unit
from changbei.supply import listing
from changbei.supply.models import SupplyRequest
from changbei.web import entry, showing
from changbei.web.downloads import download
from changbei.web.templatetags.rooms import request_words
from changbei.web.views.delivery_files import KINDS
from changbei.web.views.supply import PATHS, occasion, plan_of

ON_A_PAGE = 50
LONGEST_WORDS = 60
EVERY_UNIT = "all"
STATES = ("waiting", "approved", "merged", "dispatched", "refused")


class SoughtForm(forms.Form):
    """What is looked for, in the address. Without a unit it is that of whoever looks."""

    q = forms.CharField(max_length=LONGEST_WORDS, required=False)
    state = forms.ChoiceField(required=False)
    path = forms.ChoiceField(choices=[("", gettext_lazy("All kinds")), *PATHS.items()], required=False)
    unit = forms.ChoiceField(required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)

    def __init__(self, request: HttpRequest) -> None:
        self.departments = list(Unit.objects.exclude(districts=None).order_by("pk").distinct())
        super().__init__(request.GET)
        units = [(one.code, showing.say(one.name)) for one in self.departments]
        self._choices("unit", [(EVERY_UNIT, _("All departments")), *units])
        self._choices("state", [("", _("All states")), *((name, request_words(name)) for name in STATES)])
        self.data = {**request.GET.dict(), "unit": request.GET.get("unit") or self._own(request)}

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _own(self, request: HttpRequest) -> str:
        """The department of whoever looks; all of them for who belongs to none."""
        person = people.person_of(request.user)
        own = (one.code for one in self.departments if person and person.unit_id in people.units_below(one))
        return next(own, EVERY_UNIT)

    def sought(self) -> listing.Sought:
        """What is readable of it; a day that is none restricts nothing."""
        self.full_clean()
        given = self.cleaned_data
        unit = next((one for one in self.departments if one.code == given.get("unit")), None)
        return listing.Sought(
            status=given.get("state", ""),
            path=given.get("path", ""),
            units=people.units_below(unit) if unit else None,
            words=given.get("q", ""),
            since=given.get("since"),
            until=given.get("until"),
        )

    def query(self) -> str:
        """The same, for the addresses of further pages and of files."""
        return urlencode({name: self.data[name] for name in self.fields if self.data.get(name)})


@dataclass(frozen=True)
class Row:
    found: SupplyRequest
    kind: str
    occasion: str
    late: bool  # the goods come after the day they are needed


def _row(found: SupplyRequest) -> Row:
    late = found.deliver_on is not None and found.deliver_on > found.needed_on
    return Row(found, str(PATHS.get(found.path, found.path)), occasion(found, plan_of(found)), late)


@entry.staff
def requests(request: HttpRequest) -> HttpResponse:
    """The newest first, page by page."""
    form = SoughtForm(request)
    found = listing.requests(request.user, form.sought())
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [_row(one) for one in page],
        "query": form.query(),
        "clause": showing.clause("E3.4.1"),
        "may_ask": entry.may_act(request, "incidents.report"),
    }
    return render(request, "web/supply/list.html", context)


@entry.staff
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """All that the same filters leave, as a file."""
    if kind not in KINDS:
        raise NotFound(kind)
    rows = (list(_cells(_row(one))) for one in listing.requests(request.user, SoughtForm(request).sought()))
    if kind == "csv":
        written = sheets.as_csv(_headings(), rows)
    else:
        written = sheets.as_xlsx(_("Supply requests"), _headings(), rows)
    return download(written, f"supply-requests-{clock.today().isoformat()}.{kind}", KINDS[kind])


def _headings() -> list[str]:
    return [
        _("Number"),
        _("Asked for on"),
        _("Asked for by"),
        _("Licence number"),
        _("Customer"),
        _("Customer manager"),
        _("Department"),
        _("Kind"),
        _("Occasion"),
        _("Cartons"),
        _("Needed on"),
        _("State"),
        _("Decided by"),
        _("Decided on"),
        _("Day of delivery"),
    ]


def _cells(row: Row) -> Iterator[sheets.Cell]:
    found = row.found
    manager = found.retailer.customer_manager
    yield found.number
    yield _moment(found.requested_at)
    yield found.requested_by.name if found.requested_by else ""
    yield found.retailer.licence_no
    yield found.retailer.name
    yield manager.name
    yield showing.say(manager.unit.name)
    yield row.kind
    yield row.occasion
    yield getattr(found, "cartons", 0) or 0
    yield _day(found.needed_on)
    yield request_words(found.status)
    yield found.decided_by.name if found.decided_by else ""
    yield _moment(found.decided_at)
    yield _day(found.deliver_on)


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}" if at else ""


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


urlpatterns = [
    path("supply/", requests, name="supply-requests"),
    path("supply/export.<str:kind>", export, name="supply-export"),
]
