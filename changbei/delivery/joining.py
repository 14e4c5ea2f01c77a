"""Goods for a day ahead that nobody ordered in time for it: which of its tours pass the customer, and joining one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import bulk, changing, expecting, moving
from changbei.delivery.arrivals import window_at
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs.noting import note


@dataclass(frozen=True)
class Passing:
    """A tour that could bring the goods: by how much its way gets longer, and what still fits into the van."""

    tour: Tour
    detour_seconds: int
    room_cartons: int
    calls: bool  # it brings this customer something anyway


def planned(on: date) -> DeliveryDay | None:
    """The day `on`, if it is ahead and its tours are planned."""
    return DeliveryDay.objects.filter(date=on, date__gt=clock.today()).first()


def is_joined(day: DeliveryDay, shop: Retailer) -> bool:
    """Whether the customer gets something that day beside the regular order."""
    return _beside(day, shop).exists()


def brought(shop: Retailer, on: date) -> Stop | None:
    """What a van brings the customer that day beside the regular order, while it is on its way or still to go."""
    stops = Stop.objects.filter(day__date=on, retailer=shop, urgent=True, status__in=Stop.WAITING)
    return stops.filter(tour__isnull=False).select_related("tour__vehicle").first()


def passing(day: DeliveryDay, shop: Retailer, cartons: int) -> list[Passing]:
    """The tours of the customer's site that have not left and have room for so much: those that call there anyway
    first, then the shortest detour."""
    found = [_passing(tour, shop) for tour in _tours(day, shop)]
    fitting = [one for one in found if one.room_cartons >= cartons]
    return sorted(fitting, key=lambda one: (not one.calls, one.detour_seconds, one.tour.pk))


@transaction.atomic
def join(tour: Tour, shop: Retailer, cartons: int, *, order_fen: int = 0, actor: Person) -> Stop:
    """Put goods on a tour of a day ahead, as a stop of their own where the detour is shortest.

    They are loaded at the tour's site with everything else. Raises NotAllowed; Invalid when the tour is not one of
    `passing` (any more), Conflict when the customer gets something beside the regular order that day already.
    """
    people.require(actor, "delivery.recover")
    day = changing.locked_day(tour.day_id)
    if is_joined(day, shop):
        raise Conflict(gettext_noop("this customer gets something beside the regular order that day already"))
    ahead = day.date > clock.today()
    found = next((one for one in passing(day, shop, cartons) if one.tour.pk == tour.pk), None)
    if not ahead or found is None:
        raise Invalid("tour", gettext_noop("this van has left, or has no room for so much; choose another"))
    stops = _load(found.tour)
    cancelled = _beside(day, shop, cancelled=True).first()
    new = cancelled or Stop(day=day, retailer=shop, urgent=True)
    new.tour, new.status, new.sequence = found.tour, Stop.Status.PLANNED, 0
    new.cartons, new.order_fen, new.service_seconds = cartons, order_fen, shop.service_seconds
    new.window_start = window_at(day.date, shop.window_start)
    new.window_end = window_at(day.date, shop.window_end)
    new.planned_at = found.tour.departs_at
    new.goods_site = new.goods_ready_at = None
    new.save()
    moving.insert(new, found.tour.site, stops)
    for number, stop in enumerate(stops, start=1):
        stop.sequence = number
    bulk.update(stops, ["sequence"])
    expecting.timetable([found.tour])
    changing.changed(day)
    note(
        "delivery.goods_joined",
        None,
        actor,
        clause="E3.4.3b",
        date=day.date.isoformat(),
        vehicle=found.tour.vehicle.number,
        customer=shop.licence_no,
        cartons=cartons,
    )
    new.refresh_from_db()
    return new


def _tours(day: DeliveryDay, shop: Retailer) -> list[Tour]:
    tours = Tour.objects.filter(day=day, site=shop.line.site_id, status=Tour.Status.PLANNED)
    return list(tours.select_related("vehicle", "site", "line", "driver", "day").order_by("pk"))


def _passing(tour: Tour, shop: Retailer) -> Passing:
    stops = _load(tour)
    calls = any(stop.retailer_id == shop.pk for stop in stops)
    room = tour.vehicle.capacity_cartons - sum(stop.cartons for stop in stops)
    return Passing(tour, int(moving.detours(shop, tour.site, stops).min()), room, calls)


def _load(tour: Tour) -> list[Stop]:
    stops = tour.stops.filter(status__in=Stop.WAITING).select_related("retailer")
    return list(stops.order_by("sequence", "pk"))


def _beside(day: DeliveryDay, shop: Retailer, *, cancelled: bool = False) -> QuerySet[Stop]:
    stops = Stop.objects.filter(day=day, retailer=shop, urgent=True)
    gone = {"status": Stop.Status.CANCELLED}
    return stops.filter(**gone) if cancelled else stops.exclude(**gone)
