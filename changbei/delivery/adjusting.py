"""What bad weather makes of a day's lines: later, with smaller vans, on another day, or not for now (E2.6, E3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import bulk, changing, expecting, moving, papers, planning, replacing
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.runs.noting import note

GO, LATER, SMALLER, MERGE, HOLD = "go", "later", "smaller", "merge", "hold"
MOST_MINUTES_LATER = 600


@dataclass(frozen=True)
class LineChoice:
    """What is to become of one tour of today. `minutes` counts for `later` alone.

    `frees`: held stops (their keys) that are driven again, of `go`, `later` and `smaller`. Whoever suspends service
    knows which these are; all others stay held.
    """

    tour: int  # its key
    measure: str
    minutes: int = 0
    frees: tuple[int, ...] = ()


@dataclass(frozen=True)
class Adjusted:
    """What became of it: stops concerned, the vans that drive it, and the day of what was moved."""

    tour: Tour
    measure: str
    stops: int
    minutes: int = 0
    vehicles: tuple[str, ...] = ()
    next_on: date | None = None


@transaction.atomic
def adjust(choices: Sequence[LineChoice], *, run: Run | None, actor: Person | None) -> list[Adjusted]:
    """Carry out go or no-go for each tour of today, all of them or none.

    `go`: as planned, what was held and is freed is driven again. `later`: departs so many minutes later. `smaller`:
    smaller reserve vans of the site take over, as many as the goods need. `merge`: on the next delivery day, together
    with that day's goods. `hold`: the sorted goods stay at the site. Raises Invalid, and Conflict for what cannot be
    done.
    """
    day = DeliveryDay.objects.select_for_update().filter(date=clock.today()).first()
    if day is None:
        raise Conflict(gettext_noop("no deliveries are planned for today"))
    tours = {
        tour.pk: tour
        for tour in Tour.objects.select_for_update(of=("self",))
        .filter(day=day, pk__in=[one.tour for one in choices])
        .select_related("vehicle", "site", "line", "driver", "day")
        .order_by("pk")
    }
    done = []
    for choice in choices:
        tour = tours.get(choice.tour)
        if tour is None:
            raise Invalid("tour", gettext_noop("this is no tour of today"))
        done.append(_one(tour, choice))
    changing.changed(day)
    note(
        "delivery.lines_adjusted",
        run,
        actor,
        clause="E2.6",
        lines=[_told(one) for one in done],
        stops=sum(one.stops for one in done),
    )
    return done


def _one(tour: Tour, choice: LineChoice) -> Adjusted:
    verbs: Mapping[str, Callable[[Tour, LineChoice], Adjusted]] = {
        GO: _go,
        LATER: _later,
        SMALLER: _smaller,
        MERGE: _merge,
        HOLD: _hold,
    }
    if choice.measure not in verbs:
        raise Invalid("measure", gettext_noop("go, later, smaller, merge or hold"))
    return verbs[choice.measure](tour, choice)


def _open(tour: Tour) -> list[Stop]:
    """What is still to be driven, in the order of the drive."""
    stops = Stop.objects.filter(tour=tour, status__in=Stop.WAITING)
    return list(stops.select_related("retailer").order_by("sequence"))


def _freed(tour: Tour, choice: LineChoice) -> int:
    """What waited is driven to from now on; their number."""
    held = Stop.objects.filter(tour=tour, pk__in=choice.frees, status=Stop.Status.HELD)
    with expecting.changing_lists(held):
        return held.update(status=Stop.Status.PLANNED)


def _go(tour: Tour, choice: LineChoice) -> Adjusted:
    return Adjusted(tour, GO, _freed(tour, choice), vehicles=(tour.vehicle.number,))


def _later(tour: Tour, choice: LineChoice) -> Adjusted:
    """The van leaves later; one that is on its way waits that long where it is. What is held stays as it is."""
    if not 0 < choice.minutes <= MOST_MINUTES_LATER:
        raise Invalid("minutes", gettext_noop("between 1 minute and 10 hours"))
    by = timedelta(minutes=choice.minutes)
    _freed(tour, choice)
    count = expecting.delay(tour, by)
    if tour.status == Tour.Status.PLANNED:  # also when its time has come: whoever says so sees it stand there
        tour.departs_at += by
        tour.save(update_fields=["departs_at"])
    return Adjusted(tour, LATER, count, choice.minutes, (tour.vehicle.number,))


def _hold(tour: Tour, _choice: LineChoice) -> Adjusted:
    held = Stop.objects.filter(tour=tour, status=Stop.Status.PLANNED).update(status=Stop.Status.HELD)
    return Adjusted(tour, HOLD, held, vehicles=(tour.vehicle.number,))


def _merge(tour: Tour, _choice: LineChoice) -> Adjusted:
    next_on = planning.next_delivery_day(tour.day.date)
    return Adjusted(tour, MERGE, moving.move(_goods(tour), next_on), next_on=next_on)


def _goods(tour: Tour) -> list[Stop]:
    """What is still on the van: also for whom nobody drives to any more."""
    return [*_open(tour), *Stop.objects.filter(aboard=tour, status__in=Stop.WAITING).order_by("pk")]


def merge_late(tour: Tour) -> Adjusted:
    """What waited beyond its own day goes out with the next delivery day from now."""
    next_on = planning.next_delivery_day(clock.today())
    return Adjusted(tour, MERGE, moving.move(_goods(tour), next_on), next_on=next_on)


def _smaller(tour: Tour, choice: LineChoice) -> Adjusted:
    """The biggest of the smaller vans first, so that as few as possible drive; the sequence stays."""
    if changing.has_left(tour):
        raise Conflict(gettext_noop("this van is on its way: its goods cannot be put into smaller vans"))
    _freed(tour, choice)
    stops = _open(tour)
    shares = _shared_out(stops, _vans_for(tour, sum(stop.cartons for stop in stops)))
    named = papers.van_named(tour)
    for number, (van, load) in enumerate(shares):
        papers.follow_van(_drive(tour, van, load, first=number == 0), named)
    papers.follow(tour.day)
    used = [van for van, _load in shares]
    Vehicle.objects.filter(pk__in=[van.pk for van in used]).update(state=Vehicle.State.IN_USE)
    return Adjusted(tour, SMALLER, len(stops), vehicles=tuple(van.number for van in used))


def _vans_for(tour: Tour, cartons: int) -> list[Vehicle]:
    """Smaller reserve vans of the site: the smallest that takes all the goods, else all of them, the biggest first."""
    free = replacing.free(tour, Vehicle.objects.select_for_update()).filter(
        site=tour.site_id, is_reserve=True, capacity_cartons__lt=tour.vehicle.capacity_cartons
    )
    alone = free.filter(capacity_cartons__gte=cartons).order_by("capacity_cartons", "pk").first()
    return [alone] if alone is not None else list(free.order_by("-capacity_cartons", "pk"))


def _shared_out(stops: Sequence[Stop], vans: Sequence[Vehicle]) -> list[tuple[Vehicle, list[Stop]]]:
    """The stops in their sequence, van by van as far as each has room. Conflict when a rest remains."""
    shares: list[tuple[Vehicle, list[Stop]]] = []
    rest = list(stops)
    for van in vans:
        room, load = van.capacity_cartons, []
        while rest and rest[0].cartons <= room:
            room -= rest[0].cartons
            load.append(rest.pop(0))
        if load:
            shares.append((van, load))
    if rest or not vans:
        raise Conflict(gettext_noop("the site has not enough smaller vans for this line"))
    return shares


def _drive(tour: Tour, van: Vehicle, stops: list[Stop], *, first: bool) -> Tour:
    """The first van drives the tour itself, each further one a tour of its own with its keeper at the wheel."""
    if first:
        tour.vehicle = van
        tour.save(update_fields=["vehicle"])
        own = tour
    else:
        own = Tour.objects.create(
            day=tour.day,
            site=tour.site,
            vehicle=van,
            driver_id=van.keeper_id,
            departs_at=tour.departs_at,
            shift_ends_at=tour.shift_ends_at,
        )
    for number, stop in enumerate(stops, start=1):
        stop.tour, stop.sequence = own, number
    bulk.update(stops, ["tour", "sequence"])
    expecting.expect_from(own, own.site, own.departs_at)
    return own


def _told(done: Adjusted) -> dict[str, Any]:
    return {
        "tour": str(done.tour.uuid),
        "line": done.tour.line.code if done.tour.line else "",
        "measure": done.measure,
        "minutes": done.minutes,
        "stops": done.stops,
        "vehicles": list(done.vehicles),
        "next_on": done.next_on.isoformat() if done.next_on else "",
    }
