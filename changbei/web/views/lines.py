"""Go or no-go, line by line, on a day of bad weather (E2.6, E3.2.1, E3.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import Tour
from changbei.incidents import access
from changbei.incidents import services as incidents
from changbei.incidents.services import lines as verbs
from changbei.web import entry, htmx
from changbei.web.errors import refuse
from changbei.web.showing import clause, say
from changbei.web.widgets import MomentField

MEASURES = (
    ("", gettext_lazy("Leave as it is")),
    ("go", gettext_lazy("Go, as planned")),
    ("later", gettext_lazy("Go, but later")),
    ("smaller", gettext_lazy("Go, with smaller vans")),
    ("merge", gettext_lazy("No-go: merge into the next delivery day")),
    ("hold", gettext_lazy("No-go for now: goods wait at the site")),
)
USUALLY_MINUTES = 60
USUALLY_REVIEWED = timedelta(hours=3)


class LineForm(forms.Form):
    """What becomes of one line."""

    measure = forms.ChoiceField(label=gettext_lazy("Decision"), choices=MEASURES, required=False)
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes later"),
        min_value=1,
        max_value=600,
        required=False,
        initial=USUALLY_MINUTES,
    )


class ReviewForm(forms.Form):
    """When lines on hold are looked at again."""

    review_at = MomentField(label=gettext_lazy("Lines on hold are looked at again"), required=False)


@dataclass(frozen=True)
class Row:
    """A line with its form. `inside`: customers of the area among those still to be served."""

    tour: Tour
    name: str
    site: str
    open: int
    inside: int
    form: LineForm


@entry.staff
def lines(request: HttpRequest, uuid: UUID) -> HttpResponse:
    incident = access.get_incident(request.user, uuid)
    actor = entry.actor(request)
    if not verbs.may_decide(actor, incident):
        raise NotAllowed(_("Dispatchers and whoever commands decide which lines go."))
    data = request.POST if request.method == "POST" else None
    rows = [_row(tour, data) for tour in verbs.lines_concerned(incident)]
    review = ReviewForm(data, initial={"review_at": clock.now() + USUALLY_REVIEWED})
    status = 200
    if data is not None:
        if review.is_valid() and _all_valid(rows):
            try:
                made = incidents.decide_lines(
                    incident, _choices(rows), review_at=_review_at(review), actor=actor
                )
            except (Invalid, Conflict) as error:
                refuse(review, error)
            else:
                messages.success(
                    request,
                    _("Decided for %(count)d lines; their customers are told.") % {"count": len(made)},
                )
                return htmx.go_to(request, reverse("incident", args=[incident.uuid]))
        status = 422
    context = {
        "incident": incident,
        "title": say(incident.title),
        "rows": rows,
        "review": review,
        "clause": clause("E2.6"),
        "held": list(verbs.on_hold(incident)),
        "drill_banner": _("This incident is a drill: no delivery is held, no goods leave a store.")
        if incident.drill
        else "",
    }
    return render(request, "web/lines/page.html", context, status=status)


def _row(tour: Any, data: Any) -> Row:
    name = say(tour.line.name) if tour.line else tour.vehicle.number
    form = LineForm(data, prefix=f"tour{tour.pk}")
    return Row(tour, name, say(tour.site.name), tour.open_stops, tour.inside, form)


def _all_valid(rows: Sequence[Row]) -> bool:
    """Every form is looked at, so that all mistakes are shown at once."""
    return not [row for row in rows if not row.form.is_valid()]


def _choices(rows: Sequence[Row]) -> list[LineChoice]:
    return [
        LineChoice(row.tour.pk, given["measure"], given["minutes"] or USUALLY_MINUTES)
        for row in rows
        if (given := row.form.cleaned_data)["measure"]
    ]


def _review_at(form: ReviewForm) -> datetime | None:
    given: datetime | None = form.cleaned_data["review_at"]
    return given


urlpatterns = [path("incidents/<uuid:uuid>/lines/", lines, name="incident-lines")]
