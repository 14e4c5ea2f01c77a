"""Goods of a supply request that come on a day ahead: the tours that pass the customer then, and joining one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.core.texts import uuid_in
from changbei.delivery import access as deliveries
from changbei.delivery import joining
from changbei.delivery.joining import Passing
from changbei.delivery.models import Stop
from changbei.supply import access
from changbei.supply.models import SupplyRequest
from changbei.web import entry, errors, htmx
from changbei.web.showing import say

MOST_PROPOSED = 5


@dataclass(frozen=True)
class Proposed:
    """A tour in words, the best first."""

    uuid: UUID
    words: str


@dataclass(frozen=True)
class Ahead:
    """What the dispatcher can do for a day that is not today: `proposed` is empty when no van has room."""

    on: date
    is_planned: bool
    proposed: Sequence[Proposed]


def waits_for_a_van(found: SupplyRequest) -> bool:
    """Whether its goods were sent out by themselves, and really."""
    if found.status != SupplyRequest.Status.DISPATCHED or found.path == SupplyRequest.Path.AFTER_SUSPENSION:
        return False
    return not (found.run and found.run.drill)


def ahead(request: HttpRequest, found: SupplyRequest, cartons: int) -> Ahead | None:
    """None when there is nothing to be decided, or not by this person."""
    on = found.deliver_on
    if on is None or on <= clock.today() or not waits_for_a_van(found):
        return None
    if not entry.may_act(request, "delivery.recover"):
        return None
    day = joining.planned(on)
    if day is None:
        return Ahead(on, is_planned=False, proposed=[])
    if joining.is_joined(day, found.retailer):
        return None
    tours = joining.passing(day, found.retailer, cartons)[:MOST_PROPOSED]
    return Ahead(on, True, [Proposed(one.tour.uuid, _words(one)) for one in tours])


def brought(found: SupplyRequest) -> str:
    """Which van brings its goods and when, once that is decided; else ""."""
    if found.deliver_on is None or not waits_for_a_van(found):
        return ""
    stop = joining.brought(found.retailer, found.deliver_on)
    return _said(stop) if stop else ""


def _words(one: Passing) -> str:
    tour = one.tour
    line = say(tour.line.name) if tour.line else ""
    driver = tour.driver.name if tour.driver else ""
    way = (
        _("calls there anyway")
        if one.calls
        else _("%(n)s min detour") % {"n": math.ceil(one.detour_seconds / 60)}
    )
    room = _("room for %(n)s cartons") % {"n": one.room_cartons}
    van = _("Van %(van)s") % {"van": tour.vehicle.number}
    return " · ".join(part for part in (van, line, driver, way, room) if part)


@entry.staff
@require_POST
def join(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Put the goods on the tour that was chosen; what changed meanwhile is said, and the form proposes anew."""
    found = access.get_request(request.user, uuid)
    person = entry.actor(request)
    entry.require_to_act(request, "delivery.recover")
    tour = deliveries.get_tour(request.user, _chosen(request))
    if tour.day.date != found.deliver_on or not waits_for_a_van(found):
        raise Conflict(_("These goods are not to be driven on that day."))
    sums = found.lines.aggregate(together=Sum("cartons"), fen=Sum(F("cartons") * F("price_fen")))
    try:
        stop = joining.join(tour, found.retailer, sums["together"], order_fen=sums["fen"], actor=person)
    except (Invalid, Conflict) as refused:
        messages.warning(request, _("Nothing was changed: %(why)s") % {"why": errors.said(_why(refused))})
    else:
        messages.success(request, _said(stop))
    return htmx.go_to(request, reverse("supply-request", args=[uuid]))


def _chosen(request: HttpRequest) -> UUID:
    found = uuid_in(request.POST.get("tour", ""))
    if found is None:
        raise Invalid("tour", _("Choose a tour."))
    return found


def _why(refused: Invalid | Conflict) -> str:
    return refused.problems[0].message if isinstance(refused, Invalid) else str(refused)


def _said(stop: Stop) -> str:
    assert stop.tour is not None
    values = {"van": stop.tour.vehicle.number, "at": clock.wall(stop.expected_at or stop.planned_at)}
    return _("Van %(van)s brings them, expected at %(at)s.") % values


urlpatterns = [path("supply/<uuid:uuid>/tour", join, name="supply-tour")]
