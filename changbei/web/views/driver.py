"""The driver's own page: one list under one thumb, that works without coverage and catches up (E3.3.1).

The page draws itself from `list.json` and keeps what the driver says until `sync` has taken it. A phone gets the own
list of whoever is logged in, only for the day of the shift, and of customers already served no more than their name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import quote
from uuid import UUID

from django.db.models import BigAutoField, Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from changbei.compute import datum
from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.core.texts import uuid_in
from changbei.delivery import access, breaking, driving, rules, selectors
from changbei.delivery.driving import Said
from changbei.delivery.models import DriverAction, Handover, Position, Stop, Tour, TransportPapers
from changbei.incidents import services as incidents
from changbei.people import access as people
from changbei.people.models import DutyShift, Person
from changbei.web import entry, errors
from changbei.web.showing import breakdown_form, say

Json = dict[str, Any]
SCRIPT = Path(__file__).resolve().parents[1] / "static" / "web" / "driver-worker.js"
FORGOTTEN_AFTER = timedelta(hours=1)
"""The phone deletes the list so long after the shift."""
MOST_WORDS = 500
YEARS = range(1970, 9000)
EARTH_METRES = 40_000_000
REASON_WORDS: Mapping[str, Any] = {
    "wrong_goods": gettext_lazy("Wrong goods"),
    "damaged": pgettext_lazy("goods", "Damaged"),
    "no_money": gettext_lazy("Not paid"),
    "not_wanted": gettext_lazy("No longer wanted"),
    "closed": gettext_lazy("Shop is closed"),
    "no_answer": gettext_lazy("Nobody answers"),
    "not_found": gettext_lazy("Address not found"),
    "other": gettext_lazy("Something else"),
}


def _own(view: Callable[[HttpRequest, Person], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """For scripts: who is not logged in gets 401, not the login page; nothing is kept on the way."""

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"message": _("Log in again.")}, status=401)
        people.require(request.user, "delivery.see")
        return view(request, entry.actor(request))

    return guarded


@entry.staff
def page(request: HttpRequest) -> HttpResponse:
    """The frame, which the phone keeps; the list comes by itself."""
    people.require(request.user, "delivery.see")
    person = people.person_of(request.user)
    tour = selectors.current_tour(person) if person else None
    if tour is None:
        return render(request, "web/tour/none.html", {"today": clock.today()})
    reasons = {kind: [(code, REASON_WORDS[code]) for code in codes] for kind, codes in rules.REASONS.items()}
    context = {
        "tour": tour,
        "line": say(tour.line.name) if tour.line else _("Taking over"),
        "refused": reasons["refused"],
        "absent": reasons["absent"],
        "map_url": reverse("tour-map", args=[tour.uuid]),
        "report_url": breakdown_form(tour),
    }
    return render(request, "web/driver/page.html", context)


@require_GET
@_own
def own_list(request: HttpRequest, person: Person) -> HttpResponse:
    """What this driver drives today."""
    return JsonResponse(_answer(request, person))


@require_POST
@_own
def sync(request: HttpRequest, person: Person) -> HttpResponse:
    """Take what the phone has kept, and answer with what became of it and the list as it is now.

    `{"sent_at": …, "actions": [{"uuid", "tour", "kind", "at", "stop", "reason", "source", …}], "position": {"tour",
    "longitude", "latitude", "accuracy", "at"}}`; sent again, it does nothing again. What is no word is refused in
    words, and the others are taken.
    """
    given = _read(request)
    sent_at = _moment(given, "sent_at")
    actions = given.get("actions", [])
    if not isinstance(actions, list) or len(actions) > MOST_WORDS:
        raise Invalid("actions", _("a list of at most 500"))
    done: list[Json] = []
    actions = [one for one in actions if isinstance(one, dict)]
    for uuid in dict.fromkeys(str(one.get("tour", "")) for one in actions):
        rows = [one for one in actions if str(one.get("tour", "")) == uuid]
        tour = _tour(person, uuid)
        if tour is None:
            words = _("This is no longer your tour. Tell the dispatcher what happened.")
            done += [_refused(one, words) for one in rows]
        else:
            done += _take(tour, rows, sent_at, person)
    _locate(given, sent_at, person)
    return JsonResponse({"done": done, **_answer(request, person)})


def _read(request: HttpRequest) -> Json:
    try:
        given = json.loads(request.body)
    except ValueError:
        raise Invalid("", _("this is no JSON")) from None
    if not isinstance(given, dict):
        raise Invalid("", _("this is no JSON object"))
    return given


def _moment(given: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(given.get(name, "")).replace("Z", "+00:00"))
    except ValueError:
        raise Invalid(name, _("a moment with its offset from UTC is needed")) from None
    if moment.tzinfo is None or moment.year not in YEARS:
        raise Invalid(name, _("a moment with its offset from UTC is needed"))
    return moment


def _tour(person: Person, uuid: str) -> Tour | None:
    wanted = uuid_in(uuid)
    if wanted is None:
        return None
    tours = Tour.objects.select_related("vehicle", "site", "day", "line").filter(access.driven_by(person))
    return tours.filter(uuid=wanted).first()


def _take(tour: Tour, rows: list[Json], sent_at: datetime, person: Person) -> list[Json]:
    """Each word is judged by itself: one that nobody understands holds up no other."""
    given = {uuid: row for row in rows if (uuid := uuid_in(row.get("uuid")))}
    read = {uuid: _word(uuid, row) for uuid, row in given.items()}
    words = [one for one in read.values() if one is not None]
    unread = _("The phone sent something that nobody can read. Tell the dispatcher what happened.")
    wrong = [_refused(row, unread) for row in rows if not uuid_in(row.get("uuid"))]
    wrong += [_refused(given[uuid], unread) for uuid, one in read.items() if one is None]
    verbs = {"breakdown": lambda said, _at: _break_down(tour, given[said.uuid], person)}
    taken = driving.say(tour, words, sent_at=sent_at, actor=person, verbs=verbs)
    return [*wrong, *({"uuid": str(one.uuid), "outcome": one.outcome, "words": _said(one)} for one in taken)]


def _word(uuid: UUID, row: Json) -> Said | None:
    """None for what no phone of ours would say."""
    kind, stop, source = row.get("kind"), row.get("stop"), str(row.get("source", ""))
    try:
        at = _moment(row, "at")
    except Invalid:
        return None
    is_key = type(stop) is int and 0 < stop <= BigAutoField.MAX_BIGINT
    if kind not in driving.KINDS or "\0" in source:
        return None
    if stop is not None and not is_key:
        return None
    return Said(uuid, str(kind), at, stop=stop, reason=str(row.get("reason", "")), source=source)


def _refused(row: Json, words: str) -> Json:
    return {"uuid": row.get("uuid"), "outcome": "refused", "words": words}


def _said(action: DriverAction) -> str:
    return errors.said(action.words) if action.outcome == DriverAction.Outcome.REFUSED else action.words


def _break_down(tour: Tour, row: Json, person: Person) -> str:
    """Report the breakdown as the form would; the number of the incident."""
    accident, hurt = bool(row.get("accident")), bool(row.get("injured"))
    data = {
        "vehicle": tour.vehicle.number,
        "place": _place(tour, row),
        "injured": hurt,
        "goods_aboard": bool(row.get("goods_aboard", True)),
        "cause": "accident" if accident or hurt else "fault",
        "driver_fit": bool(row.get("driver_fit", True)),
    }
    return incidents.report("vehicle-breakdown", data, actor=person, source="web").incident.number


def _place(tour: Tour, row: Json) -> Json:
    """Where the phone is; without its position, where the list says that the van is driving to."""
    stops = selectors.stops_of(tour)
    shop = stops.filter(status=Stop.Status.PLANNED).first() or stops.last()
    longitude, latitude = row.get("longitude"), row.get("latitude")
    if _within(longitude, 180) and _within(latitude, 90):
        near = shop.retailer.address if shop else say(tour.site.name)
        words = _("Position of the phone, next customer: %(address)s") % {"address": near}
        return {"text": words[:160], "longitude": float(longitude), "latitude": float(latitude)}
    if shop is None:
        return {"text": say(tour.site.name), "longitude": tour.site.longitude, "latitude": tour.site.latitude}
    words = _("The phone gave no position; on the way to: %(address)s") % {"address": shop.retailer.address}
    return {"text": words[:160], "longitude": shop.retailer.longitude, "latitude": shop.retailer.latitude}


def _within(degrees: object, most: int) -> TypeGuard[float]:
    return isinstance(degrees, int | float) and abs(degrees) <= most


def _locate(given: Json, sent_at: datetime, person: Person) -> None:
    """A position counts for the tour whose list the phone had when it was there, and only while that is driven."""
    if given.get("hide"):
        driving.hide(actor=person)
    position = given.get("position")
    tour = selectors.current_tour(person)
    if tour is None or not isinstance(position, dict) or position.get("tour") != str(tour.uuid):
        return
    try:
        longitude, latitude = float(position["longitude"]), float(position["latitude"])
        accuracy = min(round(float(position.get("accuracy", 0))), EARTH_METRES)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Invalid("position", _("longitude, latitude and accuracy in metres are needed")) from None
    at = rules.on_our_clock(_moment(position, "at"), sent_at, clock.now(), tour.departs_at)
    driving.here(tour, longitude, latitude, accuracy, at=at, actor=person)


# ---------------------------------------------------------------- the list


def _answer(request: HttpRequest, person: Person) -> Json:
    tour = selectors.current_tour(person)
    if tour is not None and clock.now() >= _forget_at(tour):
        tour = None
    return {
        "driver": person.staff_no,
        "csrf": get_token(request),
        "now": clock.now().isoformat(),
        "tour": _tour_json(tour) if tour else None,
        "dispatcher": _dispatcher(tour),
    }


def _forget_at(tour: Tour) -> datetime:
    """When the phone deletes the list: some time after the shift, and after the last customer who still waits."""
    late = tour.stops.filter(status=Stop.Status.PLANNED).aggregate(at=Max("expected_at"))["at"]
    ends_at = tour.shift_ends_at if late is None else max(tour.shift_ends_at, late, clock.now())
    return ends_at + FORGOTTEN_AFTER


def _dispatcher(tour: Tour | None) -> Json | None:
    """Whom to call: the dispatcher on duty, of the tour's own site if there is one."""
    now = clock.now()
    on_duty = DutyShift.objects.filter(post__kind="dispatcher", starts_at__lte=now, ends_at__gt=now)
    shifts = sorted(
        on_duty.select_related("person", "post").order_by("pk"),
        key=lambda shift: tour is None or shift.person.unit_id != tour.site.unit_id,
    )
    if not shifts:
        return None
    return {"name": shifts[0].person.name, "phone": shifts[0].person.phone}


def _tour_json(tour: Tour) -> Json:
    tour = Tour.objects.select_related("vehicle", "site", "line", "day").get(pk=tour.pk)
    run = breaking.run_of(tour)
    stops = list(selectors.stops_of(tour).select_related("retailer", "goods_at__tour__vehicle"))
    handovers = selectors.handovers_of(tour).select_related("breakdown__tour__site", "site")
    rows = [(stop.sequence, 1, _stop(stop)) for stop in stops]
    rows += [(one.before_sequence, 0, _handover(one)) for one in handovers if one.done_at is None]
    papers = TransportPapers.objects.filter(
        vehicle=tour.vehicle_id, day=tour.day_id, withdrawn_at__isnull=True
    ).select_related("from_vehicle")
    return {
        "uuid": str(tour.uuid),
        "vehicle": tour.vehicle.number,
        "status": tour.status,
        "reported": run.number if run else "",
        "begins_at": (tour.departs_at - rules.BEFORE_DEPARTURE).isoformat(),
        "ends_at": tour.shift_ends_at.isoformat(),
        "forget_at": _forget_at(tour).isoformat(),
        "steps": [row for _sequence, _kind, row in sorted(rows, key=lambda one: one[:2])],
        "relief": [_relief(one) for one in selectors.taken_over_from(tour).filter(done_at__isnull=True)],
        "shares_position": Position.objects.filter(tour=tour).exists(),
        "papers": [
            {
                "from": one.from_vehicle.number if one.from_vehicle else "",
                "cartons": one.cartons,
                "written": one.written_at is not None,
            }
            for one in papers.order_by("pk")
        ],
    }


def _relief(one: Handover) -> Json:
    driver = one.tour.driver
    return {
        "van": one.tour.vehicle.number,
        "at": clock.wall(one.expected_at),
        "cartons": one.cartons,
        "driver": driver.name if driver else "",
        "phone": driver.phone if driver else "",
    }


def _stop(stop: Stop) -> Json:
    shop = stop.retailer
    kept: Json = {"stop": stop.pk, "name": shop.name, "status": stop.status, "reason": stop.reason}
    if stop.status not in Stop.WAITING:
        return {**kept, "at": clock.wall(stop.done_at)}
    return {
        **kept,
        "at": clock.wall(stop.expected_at or stop.planned_at),
        "address": shop.address,
        "contact": shop.contact_name,
        "phone": shop.phone,
        "cartons": stop.cartons,
        "hours": f"{clock.wall(stop.window_start)}–{clock.wall(stop.window_end)}"
        if stop.window_start
        else "",
        "care": "vulnerable" if shop.is_vulnerable else "key" if shop.is_key else "",
        "goods_at": stop.goods_at.tour.vehicle.number if stop.goods_at else "",
        **_ways(shop.longitude, shop.latitude, shop.name),
    }


def _handover(one: Handover) -> Json:
    spot = one.spot
    place = (
        one.breakdown.place
        if one.breakdown and one.breakdown.goods_aboard
        else say(getattr(spot, "name", {}))
    )
    return {
        "source": one.source,
        "from_van": one.breakdown_id is not None,
        "at": clock.wall(one.expected_at),
        "cartons": one.cartons,
        "address": place,
        **_ways(spot.longitude, spot.latitude, place),
    }


def _ways(longitude: float, latitude: float, name: str) -> Json:
    """Links to whatever map the phone has; Chinese ones are given the coordinates that they draw by (GCJ-02)."""
    here = f"{latitude:.6f},{longitude:.6f}"
    east, north = (float(values[0]) for values in datum.to_gcj02([longitude], [latitude]))
    title = quote(name)
    return {
        "geo": f"geo:{here}?q={here}({title})",
        "amap": f"https://uri.amap.com/navigation?to={east:.6f},{north:.6f},{title}&mode=car&coordinate=gaode",
        "baidu": (
            f"https://api.map.baidu.com/direction?destination=latlng:{north:.6f},{east:.6f}|name:{title}"
            "&mode=driving&coord_type=gcj02&output=html&src=changbei"
        ),
    }


@require_GET
def worker(_request: HttpRequest) -> HttpResponse:
    """The script that keeps the page for times without coverage, from the root of its scope."""
    if not SCRIPT.exists():
        raise NotFound(SCRIPT.name)
    response = HttpResponse(SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


urlpatterns = [
    path("delivery/mine/", page, name="my-tour"),
    path("delivery/mine/list.json", own_list, name="my-list"),
    path("delivery/mine/sync", sync, name="my-sync"),
    path("delivery/mine/worker.js", worker, name="my-worker"),
]
