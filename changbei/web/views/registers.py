"""One page for every register: its rows, and a form that adds or changes one. What each is says the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from changbei.core import texts
from changbei.core.errors import Conflict, Invalid
from changbei.network.models import Product, Site
from changbei.people import access as people
from changbei.readiness import registers
from changbei.readiness.models import InspectionTarget
from changbei.readiness.registers import Column, Register
from changbei.web import htmx, showing
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse
from changbei.web.widgets import DayInput, MomentField, PersonWidget

MOST_ROWS = 400


@dataclass(frozen=True)
class Shown:
    label: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class Row:
    pk: int
    cells: list[Shown]
    url: str


@staff
def register(request: HttpRequest, name: str) -> HttpResponse:
    """The rows."""
    found = registers.get(name)
    rows = registers.rows(found, actor=request.user)
    may = may_act(request, found.permission)
    edits = may and found.edits
    shown = [
        Row(
            row.pk,
            [_shown(cell.column, cell.value) for cell in registers.cells(found, row)],
            reverse("register-row", args=[found.id, row.pk]) if edits else "",
        )
        for row in rows[:MOST_ROWS]
    ]
    context = {
        "register": found,
        "rows": shown,
        "columns": [str(column.label) for column in found.shown],
        "clause": showing.clause(found.clause),
        "may_add": may and found.adds,
        "more": rows.count() > MOST_ROWS,
    }
    return render(request, "web/readiness/register.html", context)


def _shown(column: Column, value: Any) -> Shown:
    """A value as people read it."""
    label = str(column.label)
    if isinstance(value, datetime):
        return Shown(label, "", value)
    return Shown(label, _words(value))


def _words(value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return " · ".join(_words(one) for one in value) or "—"
    if isinstance(value, dict):
        return showing.say(value) or "—"
    return str(value)


@staff
def row(request: HttpRequest, name: str, pk: int | None = None) -> HttpResponse:
    """The form for one row, or for a new one; a POST saves it."""
    found = registers.get(name)
    people.require(request.user, found.permission)
    known = registers.one(found, pk, actor=request.user) if pk is not None else None
    status = 200
    if request.method == "POST":
        form = RowForm(found, request.POST)
        if form.is_valid() and _save(request, found, pk, form):
            messages.success(request, _("Saved."))
            return htmx.go_to(request, reverse("register", args=[found.id]))
        status = 422
    else:
        form = RowForm(found, initial=_initial(found, known))
    context = {
        "register": found,
        "form": form,
        "row": known,
        "clause": showing.clause(found.clause),
        "heading": _heading(found, known),
    }
    return render(request, "web/readiness/row.html", context, status=status)


def _heading(found: Register, known: Any) -> str:
    if known is None:
        return str(found.verb) or _("Add")
    name = getattr(known, "name", "") or getattr(known, "number", "") or getattr(known, "kind", "")
    return _words(name)


def _save(request: HttpRequest, found: Register, pk: int | None, form: RowForm) -> bool:
    try:
        registers.save(found, form.cleaned_data, pk=pk, language=showing.language(), actor=actor(request))
    except (Invalid, Conflict) as error:
        refuse(form, error)
        return False
    return True


def _initial(found: Register, known: Any) -> dict[str, Any]:
    if known is None:
        return {}
    values: dict[str, Any] = {}
    for column in found.typed:
        value = getattr(known, column.name, None)
        if column.kind == "words":
            value = showing.say(value)
        elif column.kind == "lines" and isinstance(value, list):
            value = "\n".join(showing.say(one) for one in value)
        elif isinstance(value, Site | Product):
            value = value.code
        elif column.name == "state" and column.choices and value not in column.choices:
            value = "unfit"
        values[column.name] = value
    return values


class RowForm(forms.Form):
    """The columns of a register that are typed. The register's own verb has the last word on every value."""

    def __init__(self, found: Register, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for column in found.typed:
            field = _field(column)
            field.label, field.help_text = str(column.label), str(column.help)
            field.required = column.required and column.kind != "flag"
            self.fields[column.name] = field


def _field(column: Column) -> forms.Field:
    match column.kind:
        case "whole":
            return forms.IntegerField(min_value=column.minimum)
        case "day":
            return forms.DateField(widget=DayInput())
        case "moment":
            return MomentField()
        case "flag":
            return forms.BooleanField()
        case "lines":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))
        case "person":
            return forms.CharField(widget=PersonWidget())
        case "many":
            return forms.MultipleChoiceField(choices=_options(column), widget=forms.CheckboxSelectMultiple)
        case "site" | "product" | "choice":
            return forms.ChoiceField(choices=[("", "—"), *_options(column)])
    return forms.CharField(max_length=column.longest)


def _options(column: Column) -> list[tuple[str, str]]:
    """What can be chosen. Of open choices also what is in use already."""
    language = showing.language()
    if column.kind == "site":
        return [(one.code, texts.pick(one.name, language)) for one in Site.objects.order_by("pk")]
    if column.kind == "product":
        common = Product.objects.filter(active=True, supply_class=Product.SupplyClass.GENERAL).order_by(
            "code"
        )
        return [(one.code, f"{one.code} · {texts.pick(one.name, language)}") for one in common]
    if column.name == "target":
        rows = InspectionTarget.objects.filter(active=True).order_by("code")
        return [(one.code, texts.pick(one.name, language)) for one in rows]
    return [(key, _words(words)) for key, words in (column.choices or {}).items()]


urlpatterns = [
    path("readiness/registers/<slug:name>/", register, name="register"),
    path("readiness/registers/<slug:name>/new", row, name="register-new"),
    path("readiness/registers/<slug:name>/<int:pk>", row, name="register-row"),
]
