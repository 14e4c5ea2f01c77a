"""Deliveries that move to another day: marked on theirs, and put into the other day's tours when there are some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import F

from changbei.compute import geo
from changbei.delivery import bulk, expecting, papers
from changbei.delivery.arrivals import DEPARTURE, at_wall, window_at
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.models import Retailer, Site


@transaction.atomic
def move(stops: Iterable[Stop], on: date) -> int:
    """These stops are not driven on their own day but on the day `on`; their number.

    They stay on record as postponed; calls and papers follow. A customer with a delivery on that
    day anyway gets both at once.
    """
    given = list(stops)
    moved = Stop.objects.filter(pk__in=[stop.pk for stop in given])
    count = moved.update(status=Stop.Status.POSTPONED, expected_at=None, moved_to=on)
    for own in DeliveryDay.objects.filter(pk__in={stop.day_id for stop in given}).order_by("pk"):
        papers.follow(own)
    if (day := DeliveryDay.objects.select_for_update().filter(date=on).first()) is not None:
        bring_over(day)
    return count


def bring_over(day: DeliveryDay) -> int:
    """Put what was moved to this day into its tours, each where it costs the least driving; the number brought.

    What no van of the site has room for stands on that day without a tour.
    """
    waiting = list(
        Stop.objects.select_for_update(of=("self",))
        .filter(moved_to=day.date, moved_into__isnull=True, status=Stop.Status.POSTPONED)
        .select_related("retailer__line", "tour")
        .order_by("pk")
    )
    if not waiting:
        return 0
    brought = _Brought(day)
    for stop in waiting:
        stop.moved_into = brought.take(stop)
    bulk.update(waiting, ["moved_into"])
    brought.write()
    DeliveryDay.objects.filter(pk=day.pk).update(version=F("version") + 1)
    return sum(stop.moved_into is not None for stop in waiting)


class _Brought:
    """The tours of a day before it begins, while moved goods are put into them."""

    def __init__(self, day: DeliveryDay) -> None:
        self.day = day
        stops = Stop.objects.filter(day=day).select_related("retailer").order_by("-urgent", "sequence", "pk")
        tours = Tour.objects.filter(day=day, status=Tour.Status.PLANNED).select_related("vehicle", "site")
        self.tours = {tour.pk: tour for tour in tours.order_by("pk")}
        self.loads: dict[int, list[Stop]] = defaultdict(list)
        self.taken: set[tuple[int, bool]] = set()
        self.open: dict[int, Stop] = {}
        self.touched: set[int] = set()
        for stop in stops:
            self.taken.add((stop.retailer_id, stop.urgent))
            if stop.status in Stop.WAITING:
                self.open[stop.retailer_id] = stop
                self.loads[stop.tour_id or 0].append(stop)
        for load in self.loads.values():
            load.sort(key=lambda stop: stop.sequence)

    def take(self, stop: Stop) -> Stop | None:
        """The stop of the day that brings these goods: the customer's own if a van has room for both, else one
        beside it; None when the customer has two already."""
        own = self.open.get(stop.retailer_id)
        if own is not None and self._add(own, stop):
            return own
        urgent = (stop.retailer_id, False) in self.taken
        if (stop.retailer_id, urgent) in self.taken:
            return None
        new = _copy(stop, self.day, urgent=urgent)
        self.taken.add((stop.retailer_id, urgent))
        self.open.setdefault(stop.retailer_id, new)
        self._put(new, self._tour_for(stop, stop.cartons))
        return new

    def write(self) -> None:
        """The sequences and the arrivals of the tours concerned anew."""
        for tour in self.touched:
            for number, stop in enumerate(self.loads[tour], start=1):
                stop.sequence = number
        bulk.update((stop for tour in self.touched for stop in self.loads[tour]), ["tour", "sequence"])
        expecting.timetable(self.tours[pk] for pk in sorted(self.touched))

    def _add(self, own: Stop, stop: Stop) -> bool:
        """The van that comes anyway brings both, else another one that has room for both."""
        if own.tour_id is not None and own.tour_id not in self.tours:
            return False
        if own.tour_id is None or self._room(own.tour_id) < stop.cartons:
            tour = self._tour_for(stop, own.cartons + stop.cartons)
            if tour is None and own.tour_id is not None:
                return False
            self._put(own, tour)
        own.cartons += stop.cartons
        own.order_fen += stop.order_fen
        own.save(update_fields=["cartons", "order_fen"])
        return True

    def _put(self, stop: Stop, tour: Tour | None) -> None:
        """Out of its tour and into this one, where the detour is shortest."""
        if tour is None:
            return
        if stop.tour_id is not None:
            self.loads[stop.tour_id].remove(stop)
            self.touched.add(stop.tour_id)
        insert(stop, tour.site, self.loads[tour.pk])
        stop.tour = tour
        self.touched.add(tour.pk)

    def _tour_for(self, stop: Stop, cartons: int) -> Tour | None:
        """The same van's tour when it has room, else the tour of the site that has most; None when none has."""
        site = stop.tour.site_id if stop.tour else stop.retailer.line.site_id
        vehicle = stop.tour.vehicle_id if stop.tour else stop.retailer.line.vehicle_id
        fitting = [
            (tour.vehicle_id == vehicle, self._room(tour.pk), -tour.pk, tour)
            for tour in self.tours.values()
            if tour.site_id == site and self._room(tour.pk) >= cartons
        ]
        return max(fitting, key=lambda one: one[:3])[3] if fitting else None

    def _room(self, tour: int) -> int:
        """Cartons that still fit into the van."""
        return self.tours[tour].vehicle.capacity_cartons - sum(stop.cartons for stop in self.loads[tour])


def _copy(stop: Stop, day: DeliveryDay, *, urgent: bool) -> Stop:
    """A stop of its own for the moved goods, still without a tour. `urgent`: beside what the line brings."""
    shop = stop.retailer
    return Stop.objects.create(
        day=day,
        retailer=shop,
        sequence=0,
        cartons=stop.cartons,
        order_fen=stop.order_fen,
        service_seconds=stop.service_seconds,
        window_start=window_at(day.date, shop.window_start),
        window_end=window_at(day.date, shop.window_end),
        planned_at=at_wall(day.date, shop.window_start or DEPARTURE),
        urgent=urgent,
    )


def insert(new: Stop, site: Site, stops: list[Stop]) -> None:
    """Where the detour is shortest."""
    stops.insert(int(np.argmin(detours(new.retailer, site, stops))), new)


def detours(shop: Retailer, site: Site, stops: Sequence[Stop]) -> npt.NDArray[np.floating]:
    """Seconds more when a van of the site calls at the shop before each of its stops, or after the last."""
    shops: list[Site | Retailer] = [site, *(stop.retailer for stop in stops), shop]
    seconds = geo.travel_seconds([one.longitude for one in shops], [one.latitude for one in shops])
    last = len(shops) - 1
    before = np.arange(last)  # the site, then each stop
    after = np.append(before[1:], 0)  # behind the last stop the van drives home
    more: npt.NDArray[np.floating] = seconds[before, last] + seconds[last, after] - seconds[before, after]
    return more
