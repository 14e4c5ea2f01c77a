"""The delivery day: where every van is, what is late, who has not been served, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Conflict, NotFound, there
from changbei.delivery import access, papers, replacing, rules, selectors, services
from changbei.delivery.features import DayMap, closed
from changbei.delivery.models import DeliveryDay, RecoveryCase, Stop, Tour
from changbei.delivery.selectors import SiteReserve, TourFigures
from changbei.incidents import services as incidents
from changbei.network.models import Vehicle
from changbei.people import access as people
from changbei.web import entry, htmx, mapping
from changbei.web.components import Tone
from changbei.web.showing import address, breakdown_form, language, say
from changbei.web.views import transport_papers
from changbei.web.views.disruptions import basis_words
from changbei.web.views.recovery import about

VERY_LATE_MINUTES = 45
ON_TIME_MINUTES = 3
AT_THE_DOOR_MINUTES = 10
MOST_VANS = 3
RENEWED_SECONDS, LARGE_RENEWED_SECONDS, LARGE_DAY_STOPS = 10, 60, 3000
"""How often the map asks anew: a day of 8,000 customers is nearly two megabytes."""
DAY_LAYERS: Mapping[str, str] = {"lines": "lines", "retailers": "stops", "vans": "vans", "suspensions": ""}

STATES = {
    "driving": gettext_lazy("On its line"),
    "broken": gettext_lazy("Broken down"),
    "taking-over": gettext_lazy("Taking over"),
    "suspended": gettext_lazy("Held"),
    "waiting": gettext_lazy("Not left yet"),
    "done": gettext_lazy("Finished"),
}
ORDER = {
    name: number
    for number, name in enumerate(("broken", "taking-over", "suspended", "driving", "waiting", "done"))
}


@dataclass(frozen=True)
class Row:
    """One tour of the table."""

    figures: TourFigures
    state: str
    line: str
    site: str
    next_at: datetime | None
    late_minutes: float
    breakdown_url: str

    @property
    def tour(self) -> Tour:
        return self.figures.tour

    @property
    def state_words(self) -> str:
        return str(STATES[self.state])

    @property
    def late_tone(self) -> Tone:
        if self.late_minutes > VERY_LATE_MINUTES:
            return "bad"
        return "warn" if self.late_minutes > rules.NOTICEABLE_MINUTES else "neutral"

    @property
    def late_words(self) -> str:
        """How late the next customer is served, or how early."""
        minutes = round(self.late_minutes)
        if abs(minutes) < ON_TIME_MINUTES:
            return _("on time")
        words = _("%(minutes)d min late") if minutes > 0 else _("%(minutes)d min early")
        return words % {"minutes": abs(minutes)}


@dataclass(frozen=True)
class Case:
    """A recovery of the day, with what is to be said about it."""

    case: RecoveryCase
    stale: bool
    about: str
    decided_with: RecoveryCase | None = None  # accepted since, and decides on this one, too
    offered_with: RecoveryCase | None = None  # to be decided, and decides on this one, too

    @property
    def is_open(self) -> bool:
        """Whether it asks for a decision of its own."""
        return self.case.status == RecoveryCase.Status.OFFERED and not self.offered_with


@dataclass(frozen=True)
class AnotherVan:
    """A tour whose van is out, or that another one drives for it though it is fit again; and who could."""

    tour: Tour
    line: str
    is_out: bool
    vans: list[Vehicle]


SORTS: Mapping[str, Callable[[Row], Any]] = {
    "van": lambda row: (len(row.tour.vehicle.number), row.tour.vehicle.number),
    "line": lambda row: row.line,
    "driver": lambda row: row.tour.driver.name if row.tour.driver else "",
    "progress": lambda row: row.figures.progress,
    "next": lambda row: (row.next_at is None, row.next_at or clock.now()),
    "late": lambda row: -row.late_minutes,
    "state": lambda row: ORDER[row.state],
}


@dataclass(frozen=True)
class Wish:
    """How the table is to be shown, from the address."""

    sort: str
    state: str
    site: str
    words: str

    @classmethod
    def of(cls, request: HttpRequest) -> Wish:
        sort = request.GET.get("sort", "state")
        return cls(
            sort if sort in SORTS else "state",
            request.GET.get("state", ""),
            request.GET.get("site", ""),
            request.GET.get("q", "").strip()[:40],
        )

    def takes(self, row: Row) -> bool:
        return (
            (not self.state or row.state == self.state or (self.state == "late" and _is_late(row)))
            and (not self.site or row.tour.site.code == self.site)
            and (not self.words or self.words.lower() in _words(row).lower())
        )


def _is_late(row: Row) -> bool:
    return row.late_minutes > rules.NOTICEABLE_MINUTES


def _words(row: Row) -> str:
    driver = row.tour.driver
    return " ".join(
        (row.tour.vehicle.number, row.tour.vehicle.plate, row.line, driver.name if driver else "")
    )


@entry.staff
@gzip_page  # padded at random, its tokens masked anew each time: its length tells nothing
def delivery(request: HttpRequest) -> HttpResponse:
    """The day as figures, map and table; a poll gets the part that changes."""
    people.require(request.user, "delivery.see")
    on = _date(request)
    day = selectors.day_for(on)
    context = _frame(request, on) | ({"day": day, **_live(request, day)} if day else _nothing(request, on))
    if htmx.wants_part(request):
        return htmx.stamp(render(request, "web/delivery/live.html", context))
    return render(request, "web/delivery/page.html", context)


def _nothing(request: HttpRequest, on: date) -> dict[str, Any]:
    may_plan = entry.may_act(request, "delivery.plan") and selectors.is_unplanned(on)
    return {"day": None, "may_plan": may_plan}


def _frame(request: HttpRequest, on: date) -> dict[str, Any]:
    today = clock.today()
    query = urlencode([(name, value) for name, value in request.GET.items() if value])
    here = reverse("delivery")
    return {
        "on": on,
        "today": today,
        "is_today": on == today,
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
        "days": selectors.days_around(on),
        "here": f"{here}?{query}" if query else here,
        "map_url": f"{reverse('delivery-map')}?date={on.isoformat()}",
        "my_tour": address("my-tour"),
        "may_disrupt": entry.may_act(request, "delivery.recover"),
        "basis": basis_words(on),
    }


def _live(request: HttpRequest, day: DeliveryDay) -> dict[str, Any]:
    """Everything that a poll renews."""
    wish = Wish.of(request)
    is_today = day.date == clock.today()
    rows = [_row(figures, is_today) for figures in selectors.tours(day)]
    reserves = selectors.site_reserves()
    unserved = list(selectors.unserved(day).order_by("planned_at", "pk"))
    cases = _latest(selectors.cases_of_day(day))
    late = selectors.late_stops(day, clock.now()) if is_today else []
    counts = _counts(selectors.stops_by_status(day), len(unserved), rows)
    return {
        "wish": wish,
        "rows": sorted((row for row in rows if wish.takes(row)), key=SORTS[wish.sort]),
        "all_rows": len(rows),
        "columns": _columns(wish),
        "states": [*STATES.items(), ("late", _("Late"))],
        "sites": [(one.site.code, say(one.site.name)) for one in reserves],
        "counts": counts,
        "done_hint": _done_hint(counts),
        "reserves": [(say(one.site.name), one) for one in reserves],
        "without_reserve": [say(one.site.name) for one in reserves if not one.ready],
        "reserve_ready": sum(one.ready for one in reserves),
        "reserve_total": f"/ {sum(one.total for one in reserves)}",
        "reserve_tone": _reserve_tone(reserves),
        "repairs": list(selectors.repairs()),
        "without_own_van": _without_own_van(day),
        "papers": transport_papers.listed(papers.valid_on(day).filter(written_at=None)),
        "may_write_papers": entry.may_act(request, "delivery.accept"),
        "may_check": entry.may_act(request, "readiness.check"),
        "cases": cases,
        "unserved": unserved,
        "late": late,
        "may_recover": entry.may_act(request, "delivery.recover"),
    }


def _without_own_van(day: DeliveryDay) -> list[AnotherVan]:
    """From today on: the tours that another van should drive, or no longer has to."""
    if day.date < clock.today():
        return []
    return [
        AnotherVan(
            tour,
            say(tour.line.name) if tour.line else say(tour.site.name),
            tour.vehicle.state in Vehicle.OUT,
            replacing.vans_for(tour)[:MOST_VANS],
        )
        for tour in replacing.without_own_van(day)
    ]


def _columns(wish: Wish) -> list[tuple[str, str, bool]]:
    words = {
        "van": _("Van"),
        "line": _("Line"),
        "driver": _("Driver"),
        "progress": _("Stops"),
        "next": _("Next arrival"),
        "late": _("Late"),
        "state": _("State"),
    }
    return [(name, label, name == wish.sort) for name, label in words.items()]


def _row(figures: TourFigures, is_today: bool) -> Row:
    tour = figures.tour
    broken = tour.status == Tour.Status.BROKEN_DOWN
    return Row(
        figures,
        _state(figures),
        say(tour.line.name) if tour.line else "",
        say(tour.site.name),
        None if broken else figures.next_at,
        0.0 if broken else _late_minutes(figures, clock.now()),
        breakdown_form(tour) if is_today and not broken else "",
    )


def _late_minutes(figures: TourFigures, now: datetime) -> float:
    """How late the next customer is served; an arrival that has passed without a word makes it later by the minute."""
    if figures.next_at is None:
        return 0.0
    passed = rules.delay_minutes(figures.next_at, now) - AT_THE_DOOR_MINUTES
    return figures.late_minutes + max(passed, 0.0)


def _state(figures: TourFigures) -> str:
    tour = figures.tour
    if tour.status == Tour.Status.BROKEN_DOWN:
        return "broken"
    if not figures.open:
        return "suspended" if figures.held else "done"
    if tour.line_id is None:
        return "taking-over"
    has_left = tour.status == Tour.Status.DRIVING or figures.done or tour.departs_at <= clock.now()
    return "driving" if has_left else "waiting"


def _counts(stops: Mapping[str, int], unserved: int, rows: Sequence[Row]) -> dict[str, int]:
    done = sum(
        stops.get(status, 0) for status in (Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT)
    )
    return {
        "total": sum(stops.values()),
        "done": done,
        "open": stops.get(Stop.Status.PLANNED, 0) - unserved,
        "held": stops.get(Stop.Status.HELD, 0),
        "unserved": unserved,
        "postponed": stops.get(Stop.Status.POSTPONED, 0),
        "refused": stops.get(Stop.Status.REFUSED, 0),
        "absent": stops.get(Stop.Status.ABSENT, 0),
        "out": sum(row.state in ("driving", "taking-over") for row in rows),
        "broken": sum(row.state == "broken" for row in rows),
        "late": sum(_is_late(row) for row in rows),
    }


def _done_hint(counts: Mapping[str, int]) -> str:
    """Of how many, and how many of them did not take their goods."""
    parts = [_("of %(total)d") % counts]
    if counts["refused"]:
        parts.append(_("%(refused)d refused") % counts)
    if counts["absent"]:
        parts.append(_("%(absent)d not met") % counts)
    if counts["postponed"]:
        parts.append(_("%(postponed)d on another day") % counts)
    return " · ".join(parts)


def _reserve_tone(reserves: Sequence[SiteReserve]) -> Tone:
    return "good" if reserves and all(one.ready for one in reserves) else "warn"


def _latest(cases: Any) -> list[Case]:
    """The newest recovery of each breakdown; open ones first."""
    newest: dict[int, RecoveryCase] = {}
    for case in cases:
        newest.setdefault(case.breakdown_id or 0, case)
    found = []
    for case in newest.values():
        stale = selectors.is_stale(case)
        with_others = (selectors.decided_with(case), selectors.offered_with(case)) if stale else (None, None)
        found.append(Case(case, stale, about(case), *with_others))
    return sorted(found, key=lambda one: not one.is_open)


def _date(request: HttpRequest) -> date:
    given = request.GET.get("date", "")
    return entry.day(given) if given else clock.today()


# ---------------------------------------------------------------- one click from a broken van to its alternatives


@entry.staff
@require_POST
def broken_down(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """This van cannot go on: report it where its phone is, else where its list says, and on to the options."""
    actor = entry.actor(request)
    people.require(actor, "delivery.recover")
    tour = access.get_tour(request.user, uuid)
    if tour.status == Tour.Status.BROKEN_DOWN:
        raise Conflict(_("This van is reported already."))
    data = {
        "vehicle": tour.vehicle.number,
        "place": _place(tour),
        "injured": False,
        "goods_aboard": True,
        "cause": "fault",
        "driver_fit": True,
    }
    incident = incidents.report("vehicle-breakdown", data, actor=actor, source="web").incident
    messages.success(
        request,
        _("%(number)s: van %(van)s is reported.") % {"number": incident.number, "van": tour.vehicle.number},
    )
    if incident.run is None:
        return htmx.go_to(request, reverse("incident", args=[incident.uuid]))
    return htmx.go_to(request, reverse("recovery-of-run", args=[incident.run.uuid]))


@entry.staff
@require_POST
def mended(request: HttpRequest, pk: int) -> HttpResponse:
    """A van is back from repair."""
    entry.require_to_act(request, "delivery.recover")
    order = there(selectors.repairs().filter(pk=pk).first(), pk)
    services.end_repair(order, actor=entry.actor(request))
    messages.success(request, _("Van %(van)s drives again.") % {"van": order.vehicle.number})
    return htmx.go_to(request, reverse("delivery"))


@entry.staff
@require_POST
def another_van(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Another van drives a tour that has not left."""
    entry.require_to_act(request, "delivery.recover")
    tour = Tour.objects.select_related("day").filter(uuid=uuid).first()
    van = Vehicle.objects.filter(number=request.POST.get("vehicle", "")).first()
    if tour is None or van is None:
        raise NotFound(str(uuid))
    replacing.drive_with(tour, van, actor=entry.actor(request))
    messages.success(request, _("Van %(van)s drives this tour.") % {"van": van.number})
    return htmx.go_to(request, f"{reverse('delivery')}?date={tour.day.date.isoformat()}")


def _place(tour: Tour) -> dict[str, Any]:
    drawn = DayMap(tour.day, language(), _tour_url)
    known = next(one for one in drawn.tours if one.pk == tour.pk)
    (longitude, latitude), _state = drawn.whereabouts(known)
    ahead = selectors.stops_of(tour).filter(status=Stop.Status.PLANNED).first()
    near = ahead.retailer.address if ahead else say(tour.site.name)
    words = _("Position %(known_from)s; next customer: %(address)s") % {
        "known_from": drawn.known_from(known),
        "address": near,
    }
    return {"text": words[:160], "longitude": longitude, "latitude": latitude}


# ---------------------------------------------------------------- the map


@entry.staff
def delivery_map(request: HttpRequest) -> HttpResponse:
    """The city with the day's tours, stops and vans, broken vans and areas without service."""
    people.require(request.user, "delivery.see")
    on = _date(request).isoformat()
    layers = {"warnings": mapping.renewed("warnings", language())}
    is_large = Stop.objects.filter(day__date=on).count() > LARGE_DAY_STOPS
    for name in DAY_LAYERS:
        seldom = is_large and name in ("lines", "retailers")
        layers[name] = {
            "url": f"{reverse('delivery-layer', args=[name])}?date={on}",
            "refresh_seconds": LARGE_RENEWED_SECONDS if seldom else RENEWED_SECONDS,
        }
    return mapping.drawn(layers, language())


@entry.staff
@gzip_page
def delivery_layer(request: HttpRequest, name: str) -> HttpResponse:
    """One layer of the day."""
    people.require(request.user, "delivery.see")
    day = selectors.day_for(_date(request))
    if name not in DAY_LAYERS:
        raise NotFound(name)
    if day is None:
        return JsonResponse({"type": "FeatureCollection", "features": []})
    if name == "suspensions":
        return JsonResponse(_suspended(day))
    return JsonResponse(getattr(DayMap(day, language(), _tour_url), DAY_LAYERS[name])())


def _suspended(day: DeliveryDay) -> dict[str, Any]:
    """Where nobody drives: areas without service, and what is closed for traffic."""
    areas, roads = mapping.suspensions_layer(language()), closed(day)
    for one in roads["features"]:
        one["id"] = -one["id"]  # numbers of their own
    return {**areas, "features": [*areas["features"], *roads["features"]]}


def _tour_url(uuid: UUID) -> str:
    return reverse("tour", args=[uuid])


urlpatterns = [
    path("delivery/", delivery, name="delivery"),
    path("delivery/tours/<uuid:uuid>/broken-down", broken_down, name="tour-broken-down"),
    path("delivery/tours/<uuid:uuid>/van", another_van, name="tour-van"),
    path("delivery/repairs/<int:pk>/mended", mended, name="van-mended"),
    path("delivery/map.json", delivery_map, name="delivery-map"),
    path("delivery/map/<slug:name>.json", delivery_layer, name="delivery-layer"),
]
