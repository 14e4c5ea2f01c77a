"""A delivery day for other systems: the sequence of cartons for sorting, changes, closed roads, late orders."""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from django.utils.translation import gettext_noop
from ninja import Router, Status

from changbei.core.errors import Invalid, Problem, there
from changbei.delivery import adjusting, disrupting, recovery, selectors, services, sorting
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import Closure, DeliveryDay, Stop, Tour
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor, checked_area
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["deliveries"])


@router.get("/{on}/loads", response={200: schemas.LoadsOut, 304: None, **REFUSALS})
def loads(request: HttpRequest, on: date) -> HttpResponse:
    """Which cartons go on which van in which sequence; load the highest sequence first. Carries an ETag."""
    people.require(request.user, "delivery.see")
    day = _day(on)
    body = schemas.LoadsOut(
        on=on, version=day.version, loads=[schemas.LoadOut.model_validate(one) for one in sorting.give(day)]
    )
    return _tagged(request, body)


@router.get("/{on}/changes", response={200: schemas.ChangesOut, 304: None, **REFUSALS})
def changes(request: HttpRequest, on: date, since: int) -> HttpResponse:
    """What is different from the list of version `since`. 404 when no list was given at that version."""
    people.require(request.user, "delivery.see")
    day = _day(on)
    found = sorting.changes(day, since)
    sorting.give(day)  # so that the next question may begin here
    out = schemas.LoadOut.model_validate
    body = schemas.ChangesOut(
        on=on,
        since=since,
        version=day.version,
        added=[out(one) for one in found.added],
        removed=[out(one) for one in found.removed],
        changed=[schemas.ChangeOut(now=out(now), before=out(before)) for now, before in found.changed],
    )
    return _tagged(request, body)


def _tagged(request: HttpRequest, body: schemas.LoadsOut | schemas.ChangesOut) -> HttpResponse:
    text = body.model_dump_json()
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    known = tag in asked or f"W/{tag}" in asked or "*" in asked
    answer = HttpResponseNotModified() if known else HttpResponse(text, content_type="application/json")
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _day(on: date) -> DeliveryDay:
    return there(selectors.day_for(on), f"no deliveries are planned for {on}")


@router.post("/today/orders", response={201: schemas.CountedOut, **REFUSALS})
def add_orders(request: HttpRequest, body: schemas.UrgentOrdersIn) -> Status[schemas.CountedOut]:
    """Urgent orders for today, all or none; their goods are to be fetched at the site of the customer's line."""
    people.require(actor(request), "delivery.recover")
    shops = dict(
        Retailer.objects.filter(
            active=True, licence_no__in=[one.licence_no for one in body.orders]
        ).values_list("licence_no", "pk")
    )
    unknown = [
        Problem(f"orders.{number}.licence_no", gettext_noop("there is no such customer"))
        for number, one in enumerate(body.orders, start=1)
        if one.licence_no not in shops
    ]
    if unknown:
        raise Invalid(problems=unknown)
    orders = [
        UrgentOrder(shops[one.licence_no], one.cartons, one.order_fen, one.ready_at) for one in body.orders
    ]
    added = disrupting.add_orders(orders, run=None, actor=actor(request))
    return Status(201, schemas.CountedOut(stops=len(added)))


@router.post("/today/cancellations", response={200: schemas.CountedOut, **REFUSALS})
def cancel(request: HttpRequest, body: schemas.CancelIn) -> schemas.CountedOut:
    """These customers do not want today's goods any more; how many of them were still to be served."""
    people.require(actor(request), "delivery.recover")
    day = _today()
    stops = Stop.objects.filter(day=day, retailer__licence_no__in=body.licence_nos).values_list(
        "pk", flat=True
    )
    return schemas.CountedOut(stops=disrupting.cancel(list(stops), run=None, actor=actor(request)))


@router.post("/today/late", response={200: schemas.CountedOut, **REFUSALS})
def late(request: HttpRequest, body: schemas.LateIn) -> schemas.CountedOut:
    """A van leaves later, or is held up; how many customers it still serves. Those who notice are told."""
    people.require(actor(request), "delivery.recover")
    tour = (
        Tour.objects.filter(day=_today(), vehicle__number=body.van)
        .exclude(status=Tour.Status.BROKEN_DOWN)
        .first()
    )
    if tour is None:
        raise Invalid("van", gettext_noop("drives nowhere today"))
    choice = LineChoice(tour.pk, adjusting.LATER, body.minutes)
    (done,) = adjusting.adjust([choice], run=None, actor=actor(request))
    return schemas.CountedOut(stops=done.stops)


@router.post("/today/closures", response={201: schemas.ClosureOut, **REFUSALS})
def close(request: HttpRequest, body: schemas.ClosureIn) -> Status[schemas.ClosureOut]:
    """A road or an area that nobody drives into from `since` (else now) until then (else not today any more)."""
    people.require(actor(request), "delivery.recover")
    area = checked_area(body.area)
    made = disrupting.close(
        area, since=body.since, until=body.until, reason=body.reason, run=None, actor=actor(request)
    )
    return Status(201, _closure(made))


@router.get("/today/closures", response={200: list[schemas.ClosureOut], **REFUSALS})
def closures(request: HttpRequest) -> list[schemas.ClosureOut]:
    """What is closed now or will be later today."""
    people.require(request.user, "delivery.see")
    return [_closure(one) for one in selectors.closures(_today())]


@router.post("/today/closures/{uuid}/reopen", response={200: schemas.ClosureOut, **REFUSALS})
def reopen(request: HttpRequest, uuid: UUID) -> schemas.ClosureOut:
    """Open again before its time."""
    people.require(actor(request), "delivery.recover")
    found = there(Closure.objects.filter(uuid=uuid).first(), f"closure {uuid}")
    disrupting.reopen(found, actor=actor(request))
    found.refresh_from_db()
    return _closure(found)


@router.post("/today/recompute", response={200: schemas.RecoveriesOut, **REFUSALS})
def recompute(request: HttpRequest, body: schemas.RecomputeIn) -> schemas.RecoveriesOut:
    """Ways to drive the rest of today, all that disturbs it taken together; none when going on serves everybody."""
    people.require(actor(request), "delivery.recover")
    wrong = sorted(set(body.causes) - set(disrupting.CAUSES))
    if wrong:
        raise Invalid("causes", f"{', '.join(wrong)}: {', '.join(disrupting.CAUSES)}")
    case = recovery.offer_day(_today(), causes=body.causes, run=None)
    return schemas.RecoveriesOut(recoveries=[shown.recovery(case)] if case else [])


def _today() -> DeliveryDay:
    return there(services.today(), gettext_noop("no deliveries are planned for today"))


def _closure(one: Closure) -> schemas.ClosureOut:
    return shown.of(schemas.ClosureOut, one)
