"""Deliveries that move to another day: marked on theirs, and put into the other day's tours when there are some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
from django.db import transaction
from django.db.models import F

from changbei.compute import geo
from changbei.delivery import bulk
from changbei.delivery.arrivals import DEPARTURE, arrivals, at_wall
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.models import Retailer, Site


@transaction.atomic
def move(stops: Iterable[Stop], on: date) -> int:
    """These stops are not driven on their own day but on the day `on`; their number.

    They stay on record as postponed. A customer with a delivery on that day anyway gets both at once.
    """
    keys = [stop.pk for stop in stops]
    count = Stop.objects.filter(pk__in=keys).update(
        status=Stop.Status.POSTPONED, expected_at=None, moved_to=on
    )
    if (day := DeliveryDay.objects.select_for_update().filter(date=on).first()) is not None:
        bring_over(day)
    return count


def bring_over(day: DeliveryDay) -> int:
    """Put what was moved to this day into its tours, each where it costs the least driving; the number brought."""
    waiting = list(
        Stop.objects.select_for_update(of=("self",))
        .filter(moved_to=day.date, moved_into__isnull=True, status=Stop.Status.POSTPONED)
        .select_related("retailer__line", "tour")
        .order_by("pk")
    )
    if not waiting:
        return 0
    there = {stop.retailer_id: stop for stop in Stop.objects.filter(day=day)}
    tours = list(Tour.objects.filter(day=day).select_related("vehicle", "site").order_by("pk"))
    loads: dict[int, list[Stop]] = defaultdict(list)
    for stop in (
        Stop.objects.filter(day=day, tour__isnull=False).select_related("retailer").order_by("sequence")
    ):
        loads[stop.tour_id or 0].append(stop)
    touched: set[int] = set()
    for stop in waiting:
        own = there.get(stop.retailer_id)
        if own is not None:
            own.cartons += stop.cartons
            own.order_fen += stop.order_fen
            own.save(update_fields=["cartons", "order_fen"])
        else:
            tour = _tour_for(stop, tours, loads)
            own = _copy(stop, day, tour, len(loads[tour.pk]) + 1 if tour else 0)
            there[stop.retailer_id] = own
            if tour is not None:
                _insert(own, tour.site, loads[tour.pk])
                touched.add(tour.pk)
        stop.moved_into = own
        stop.save(update_fields=["moved_into"])
    for tour in tours:
        if tour.pk in touched:
            _expect(tour, loads[tour.pk])
    DeliveryDay.objects.filter(pk=day.pk).update(version=F("version") + 1)
    return len(waiting)


def _tour_for(stop: Stop, tours: Sequence[Tour], loads: dict[int, list[Stop]]) -> Tour | None:
    """The same van's tour when it has room, else the tour of the site that has most; None when none has."""
    site = stop.tour.site_id if stop.tour else stop.retailer.line.site_id
    vehicle = stop.tour.vehicle_id if stop.tour else stop.retailer.line.vehicle_id
    fitting = [
        (tour.vehicle_id == vehicle, _room(tour, loads[tour.pk]), -tour.pk, tour)
        for tour in tours
        if tour.site_id == site and _room(tour, loads[tour.pk]) >= stop.cartons
    ]
    return max(fitting, key=lambda one: one[:3])[3] if fitting else None


def _room(tour: Tour, stops: Sequence[Stop]) -> int:
    """Cartons that still fit into the van."""
    return tour.vehicle.capacity_cartons - sum(stop.cartons for stop in stops)


def _copy(stop: Stop, day: DeliveryDay, tour: Tour | None, sequence: int) -> Stop:
    shop = stop.retailer
    return Stop.objects.create(
        tour=tour,
        day=day,
        retailer=shop,
        sequence=sequence,
        cartons=stop.cartons,
        order_fen=stop.order_fen,
        service_seconds=stop.service_seconds,
        window_start=at_wall(day.date, shop.window_start) if shop.window_start else None,
        window_end=at_wall(day.date, shop.window_end) if shop.window_end else None,
        planned_at=tour.departs_at if tour else at_wall(day.date, shop.window_start or DEPARTURE),
    )


def _insert(new: Stop, site: Site, stops: list[Stop]) -> None:
    """Where the detour is shortest."""
    shops: list[Site | Retailer] = [site, *(stop.retailer for stop in stops), new.retailer]
    seconds = geo.travel_seconds([one.longitude for one in shops], [one.latitude for one in shops])
    last = len(shops) - 1
    before = np.arange(last)  # the site, then each stop
    after = np.append(before[1:], 0)  # behind the last stop the van drives home
    detour = seconds[before, last] + seconds[last, after] - seconds[before, after]
    stops.insert(int(np.argmin(detour)), new)


def _expect(tour: Tour, stops: Sequence[Stop]) -> None:
    """The sequence and the arrivals of the whole tour anew."""
    moments = arrivals(tour.day.date, tour.site, tour.departs_at, [stop.retailer for stop in stops])
    for number, (stop, at) in enumerate(zip(stops, moments, strict=True), start=1):
        stop.sequence, stop.planned_at, stop.expected_at = number, at, at
    bulk.update(stops, ["sequence", "planned_at", "expected_at"])
