"""A tour's list as the desk sees it: where next, what was delivered, what is taken over, what is to be recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import NotFound, there
from changbei.delivery import access, selectors, services
from changbei.delivery.features import tour_stops
from changbei.delivery.models import Breakdown, Handover, Stop, Tour
from changbei.network.models import Site
from changbei.people import access as people
from changbei.web import entry, htmx, mapping
from changbei.web.showing import breakdown_form, language, say

DONE = (Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT)


@dataclass(frozen=True)
class Step:
    """One thing to drive to: a customer, or a broken van whose goods are taken over."""

    at: datetime | None
    stop: Stop | None = None
    handover: Handover | None = None
    number: int = 0

    @property
    def navigate(self) -> str:
        """A `geo:` address for whatever map the phone has."""
        if self.stop is not None:
            shop = self.stop.retailer
            return _geo(shop.longitude, shop.latitude, shop.name)
        spot = self.spot
        return _geo(spot.longitude, spot.latitude, self.place) if spot else ""

    @property
    def spot(self) -> Breakdown | Site | None:
        """Where the goods of a hand-over wait: at the broken van, or at a site."""
        return self.handover.spot if self.handover else None

    @property
    def place(self) -> str:
        spot = self.spot
        if isinstance(spot, Breakdown):
            return spot.place
        return say(spot.name) if spot else ""


def _geo(longitude: float, latitude: float, name: str) -> str:
    return f"geo:{latitude:.6f},{longitude:.6f}?q={latitude:.6f},{longitude:.6f}({quote(name)})"


@entry.staff
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """A tour's list; a poll gets the list alone."""
    return _answer(request, access.get_tour(request.user, uuid))


def _answer(request: HttpRequest, tour: Tour, status: int = 200) -> HttpResponse:
    context = _context(request, tour)
    if htmx.wants_part(request):
        return htmx.stamp(render(request, "web/tour/live.html", context, status=status))
    return render(request, "web/tour/page.html", context, status=status)


def _context(request: HttpRequest, tour: Tour) -> dict[str, Any]:
    stops = list(selectors.stops_of(tour))
    handovers = list(
        selectors.handovers_of(tour).select_related(
            "breakdown__tour__vehicle", "breakdown__tour__site", "site"
        )
    )
    broken = tour.status == Tour.Status.BROKEN_DOWN
    ahead = [] if broken else _ahead(stops, handovers)
    done = [stop for stop in stops if stop.status in DONE]
    postponed = [stop for stop in stops if stop.status == Stop.Status.POSTPONED]
    is_today = tour.day.date == clock.today()
    person = people.person_of(request.user)
    return {
        "tour": tour,
        "line": say(tour.line.name) if tour.line else _("Taking over"),
        "is_mine": person is not None and person.pk == tour.driver_id,
        "next": ahead[0] if ahead else None,
        "rest": ahead[1:],
        "done": done[::-1],
        "held": [stop for stop in stops if stop.status == Stop.Status.HELD],
        "postponed": postponed,
        "stranded": [stop for stop in stops if broken and stop.status == Stop.Status.PLANNED],
        "broken": broken,
        "takers": selectors.taken_over_from(tour) if broken else [],
        "total": len(stops),
        "n_done": len(done),
        "may_record": is_today and not broken and _may_record(request, tour),
        "report_url": breakdown_form(tour) if is_today and not broken else "",
        "here": reverse("tour", args=[tour.uuid]),
        "map_url": reverse("tour-map", args=[tour.uuid]),
    }


def _ahead(stops: list[Stop], handovers: list[Handover]) -> list[Step]:
    """Open stops and hand-overs in driving order; customers are counted."""
    open_stops = [stop for stop in stops if stop.status == Stop.Status.PLANNED]
    waiting = [one for one in handovers if one.done_at is None]
    rows: list[tuple[int, int, Step]] = [
        (stop.sequence, 1, Step(stop.expected_at or stop.planned_at, stop=stop, number=number))
        for number, stop in enumerate(open_stops, start=1)
    ]
    rows += [(one.before_sequence, 0, Step(one.expected_at, handover=one)) for one in waiting]
    return [step for _sequence, _kind, step in sorted(rows, key=lambda row: row[:2])]


def _may_record(request: HttpRequest, tour: Tour) -> bool:
    person = people.person_of(request.user)
    return person is not None and (person.pk == tour.driver_id or people.may(person, "delivery.recover"))


@entry.staff
def tour_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The way ahead with its numbers."""
    tour = access.get_tour(request.user, uuid)
    found = tour_stops(tour, list(selectors.stops_of(tour)))
    spots = [one["geometry"]["coordinates"] for one in found["stops"]["features"]]
    spots.append([tour.site.longitude, tour.site.latitude])
    margin = 0.008
    bounds = [
        min(x for x, _y in spots) - margin,
        min(y for _x, y in spots) - margin,
        max(x for x, _y in spots) + margin,
        max(y for _x, y in spots) + margin,
    ]
    layers = {name: {"data": data} for name, data in found.items()}
    return mapping.drawn(layers, language(), bounds if len(spots) > 1 else None)


@entry.staff
@require_POST
def record(request: HttpRequest, uuid: UUID, retailer: UUID) -> HttpResponse:
    """Delivered, refused or nobody there, as the driver says."""
    tour = access.get_tour(request.user, uuid)
    stop = there(selectors.stop_on(tour, retailer), _("This customer is no longer on this list."))
    services.record_stop(stop, request.POST.get("status", ""), actor=entry.actor(request))
    return _done(request, tour, _("%(customer)s: recorded.") % {"customer": stop.retailer.name})


@entry.staff
@require_POST
def take_over(request: HttpRequest, uuid: UUID, vehicle: str) -> HttpResponse:
    """The goods of a broken van are aboard now."""
    tour = access.get_tour(request.user, uuid)
    handover = selectors.handover_from(tour, vehicle)
    if handover is None:
        raise NotFound(_("Nothing is to be taken over from van %(van)s.") % {"van": vehicle})
    services.record_handover(handover, actor=entry.actor(request))
    return _done(request, tour, _("Goods of van %(van)s are aboard.") % {"van": vehicle})


def _done(request: HttpRequest, tour: Tour, words: str) -> HttpResponse:
    if htmx.wants_part(request):
        return htmx.toast(_answer(request, tour), words)
    messages.success(request, words)
    return htmx.go_to(request, reverse("tour", args=[tour.uuid]))


urlpatterns = [
    path("delivery/tours/<uuid:uuid>/", show, name="tour"),
    path("delivery/tours/<uuid:uuid>/map.json", tour_map, name="tour-map"),
    path("delivery/tours/<uuid:uuid>/stops/<uuid:retailer>/", record, name="tour-stop"),
    path("delivery/tours/<uuid:uuid>/goods-of/<str:vehicle>/", take_over, name="tour-take-over"),
]
