"""Sheets of the supply tilt: next month's customers of each class, by district and credit grade (S9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from changbei.core.errors import NotFound
from changbei.people import access as people
from changbei.runs import access
from changbei.runs.models import Run
from changbei.supply.tilt import CLASSES, EXCELLENT, GRADES, HIGH_FORMAT, NETWORK_STORE, VULNERABLE
from changbei.web import showing
from changbei.web.entry import staff

PROCEDURE = "supply-tilt"
SHOWN = 24
TITLES: Mapping[str, str | Promise] = {
    EXCELLENT: gettext_lazy("Excellent customers"),
    NETWORK_STORE: gettext_lazy("Honest network stores"),
    HIGH_FORMAT: gettext_lazy("High business class"),
    VULNERABLE: gettext_lazy("Vulnerable customers"),
}


@dataclass(frozen=True)
class Row:
    """One district: for each class the customers of each grade, and all of them."""

    name: str
    cells: Sequence[tuple[str | Promise, Sequence[tuple[str, int]], int]]


@staff
def sheets(request: HttpRequest) -> HttpResponse:
    """Every month's sheet, the newest first."""
    people.require(request.user, "supply.see")
    runs = Run.objects.filter(procedure=PROCEDURE, incident=None).order_by("-started_at", "-pk")
    rows = [(run, _results(run).get("counts", {}).get("month", "")) for run in runs[:SHOWN]]
    return render(request, "web/service/sheets.html", {"rows": rows})


@staff
def sheet(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The sum of one month, what the managers said that differs, and what the centre decided."""
    people.require(request.user, "supply.see")
    run = access.run_for(request.user, uuid)
    if run.procedure != PROCEDURE:
        raise NotFound(str(uuid))
    found = _results(run)
    counts, summed = found.get("counts", {}), found.get("sum_again") or found.get("sum", {})
    reports = found.get("report", {}).get("done", {})
    labels = {one["staff_no"]: one["label"] for one in counts.get("managers", [])}
    context = {
        "run": run,
        "month": counts.get("month", ""),
        "asked": counts.get("count", 0),
        "reported": len(reports),
        "unreported": [label for staff_no, label in labels.items() if staff_no not in reports],
        "differing": [
            (labels.get(key, key), one.get("differs", ""))
            for key, one in sorted(reports.items())
            if one.get("agrees") is False
        ],
        "titles": [TITLES[one] for one in CLASSES],
        "grades": GRADES,
        "rows": [_row(one) for one in summed.get("rows", [])],
        "totals": [(TITLES[one], summed.get(one, 0)) for one in CLASSES] if summed.get("rows") else [],
        "decision": found.get("tilt", {}).get("how", ""),
    }
    return render(request, "web/service/sheet.html", context)


def _results(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = run.state["context"].get("result", {})
    return found


def _row(one: Mapping[str, Any]) -> Row:
    cells = []
    for name in CLASSES:
        own = one["counts"].get(name, {})
        cells.append((TITLES[name], [(grade, own.get(grade, 0)) for grade in GRADES], sum(own.values())))
    return Row(showing.say(one["name"]), cells)


urlpatterns = [
    path("service/tilt/", sheets, name="tilt"),
    path("service/tilt/<uuid:uuid>/", sheet, name="tilt-sheet"),
]
