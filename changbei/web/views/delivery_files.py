"""How a delivery day comes in and goes out: planned from the usual lines or from a table, downloaded as one."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.compute import datum
from changbei.core.errors import Conflict, NotFound
from changbei.delivery import exchange, planning, selectors
from changbei.people import access as people
from changbei.web import entry, htmx
from changbei.web.downloads import download
from changbei.web.errors import refuse
from changbei.web.widgets import DayInput

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHOWN = 200


def _is_near(on: date) -> None:
    if not entry.is_near(on):
        raise ValidationError(_("This day is too far away."))


class FileForm(forms.Form):
    date = forms.DateField(
        label=gettext_lazy("Day"),
        validators=[_is_near],
        widget=DayInput(),
    )
    file = forms.FileField(label=gettext_lazy("Table (.xlsx, .xls, .ods, .csv)"))
    replace = forms.BooleanField(
        label=gettext_lazy("Instead of what is planned, as long as nobody has left"), required=False
    )


@entry.staff
def export(request: HttpRequest, on: str, kind: str) -> HttpResponse:
    """The day as a file."""
    people.require(request.user, "delivery.see")
    day = selectors.day_for(entry.day(on))
    if day is None or kind not in KINDS:
        raise NotFound(on)
    written = exchange.write_day(day, kind, coordinates=request.GET.get("coordinates", datum.WGS84))
    return download(written, f"delivery-{on}.{kind}", KINDS[kind])


@entry.staff
def take_in(request: HttpRequest) -> HttpResponse:
    """Plan a day as a table says, all of it or nothing; what is wrong is listed by row and column."""
    entry.require_to_act(request, "delivery.recover")
    form = FileForm(
        request.POST or None, request.FILES or None, initial={"date": request.GET.get("date", "")}
    )
    found = None
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        with tempfile.TemporaryDirectory() as folder:
            path_ = Path(folder) / f"table{Path(upload.name).suffix.lower()}"
            path_.write_bytes(upload.read())
            found = exchange.read_day(path_, name=upload.name)
        if not found.problems:
            on: date = form.cleaned_data["date"]
            try:
                exchange.take_over(
                    found, on, replace=form.cleaned_data["replace"], actor=entry.actor(request)
                )
            except Conflict as error:
                refuse(form, error)
            else:
                words = _("%(stops)d stops on %(tours)d tours are planned.")
                messages.success(request, words % {"stops": len(found.rows), "tours": len(found.by_van())})
                return htmx.go_to(request, f"{reverse('delivery')}?date={on.isoformat()}")
    context = {"form": form, "found": found, "problems": found.problems[:SHOWN] if found else []}
    return render(
        request, "web/delivery/import.html", context, status=422 if request.method == "POST" else 200
    )


@entry.staff
@require_POST
def usual(request: HttpRequest) -> HttpResponse:
    """Plan a day that nobody has planned: every line of its weekday with the usual cartons of its customers."""
    actor = entry.actor(request)
    people.require(actor, "delivery.plan")
    on = entry.day(request.POST.get("date", ""))
    if selectors.is_unplanned(on):
        planning.plan_day(on, actor=actor)
        messages.success(request, _("The usual lines are planned."))
    else:
        messages.warning(request, _("This day is over, planned already, or no line drives on it."))
    return htmx.go_to(request, f"{reverse('delivery')}?date={on.isoformat()}")


urlpatterns = [
    path("delivery/usual/", usual, name="delivery-usual"),
    path("delivery/export/<str:on>.<str:kind>", export, name="delivery-export"),
    path("delivery/import/", take_in, name="delivery-import"),
]
