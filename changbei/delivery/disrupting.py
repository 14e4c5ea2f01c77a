"""What disturbs a day beside a broken van: closed roads, urgent and cancelled orders, lent vans, drivers who are out.

Each verb writes down what is so now. `recovery.offer_day` computes from it what to do, for all of them together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.compute import geo
from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Problem
from changbei.delivery import changing, expecting, papers, rules, travel
from changbei.delivery.arrivals import window_at
from changbei.delivery.models import Breakdown, Closure, DeliveryDay, Loan, Position, Stop, Tour
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.runs.noting import note

CLOSED, URGENT, LATE, CANCELLED, LENT, BROKEN = "closed", "urgent", "late", "cancelled", "lent", "broken"
LEFT_OUT = "left_out"  # customers to whom no van drives, though none is broken
CAUSES = (CLOSED, URGENT, LATE, CANCELLED, LENT, BROKEN, LEFT_OUT)
expect_again, expect_from, timetable = expecting.expect_again, expecting.expect_from, expecting.timetable
LONGEST_REASON = 160
MOST_CARTONS, MOST_FEN = 10_000, 10**12
PICKING = timedelta(minutes=30)
"""From an urgent order until its goods stand at the site's gate."""


@dataclass(frozen=True)
class UrgentOrder:
    """Goods for a customer that nobody has loaded. `ready_at` None: after the usual picking."""

    retailer: int  # its key
    cartons: int
    order_fen: int = 0
    ready_at: datetime | None = None


@transaction.atomic
def close(
    area: Mapping[str, Any],
    *,
    until: datetime | None,
    reason: str,
    run: Run | None,
    actor: Person | None,
    since: datetime | None = None,
) -> Closure:
    """Nobody drives into this polygon from `since` (None, or in the past: from now) until then (None: not today any
    more). Raises Invalid."""
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise Invalid("reason", gettext_noop("must be at most 160 characters of text"))
    shape = geo.polygon(area)
    box = geo.box_of(shape)
    if not (box.west >= -180 and box.east <= 180 and box.south >= -90 and box.north <= 90):
        raise Invalid(
            "area", gettext_noop("longitude within ±180 and latitude within ±90; are the two swapped?")
        )
    now = clock.now()
    if until is not None and until <= now:
        raise Invalid("until", gettext_noop("must be in the future"))
    begins = max(since or now, now)
    if until is not None and until <= begins:
        raise Invalid("since", gettext_noop("must be before it opens again"))
    if clock.day_of(begins) != clock.day_of(now):
        raise Invalid("since", gettext_noop("must be today"))
    day = changing.locked_day()
    if run is not None and (known := Closure.objects.filter(run=run).first()):
        return known
    closure = Closure.objects.create(
        day=day, run=run, area=dict(area), reason=reason, since=begins, until=until
    )
    changing.changed(day)
    note(
        "delivery.closed",
        run,
        actor,
        clause="E3.2.2",
        reason=reason,
        since=begins.isoformat(),
        until=until.isoformat() if until else "",
    )
    return closure


@transaction.atomic
def reopen(closure: Closure, *, actor: Person | None) -> None:
    """The road is open again, before its time. Raises Conflict when it was already."""
    day = changing.locked_day(closure.day_id)
    if not Closure.objects.filter(pk=closure.pk, lifted_at__isnull=True).update(lifted_at=clock.now()):
        raise Conflict(gettext_noop("this is open again already"))
    for concerned in {day, *DeliveryDay.objects.filter(date=clock.today())}:
        changing.changed(concerned)
    note("delivery.reopened", closure.run, actor, clause="E3.2.2", reason=closure.reason)


@transaction.atomic
def add_orders(orders: Sequence[UrgentOrder], *, run: Run | None, actor: Person | None) -> list[Stop]:
    """Urgent orders for today: all or none. Their goods wait at the site of the customer's line to be fetched.

    Raises Invalid naming each wrong order; a customer has one urgent order a day, whose goods are ready on it.
    """
    day = changing.locked_day()
    shops = Retailer.objects.select_related("line__site").in_bulk([one.retailer for one in orders])
    taken = set(
        Stop.objects.filter(day=day, retailer__in=shops, urgent=True).values_list("retailer_id", flat=True)
    )
    wrong: list[Problem] = []
    for number, one in enumerate(orders, start=1):
        if one.retailer not in shops:
            wrong.append(Problem(f"orders.{number}.retailer", gettext_noop("there is no such customer")))
        elif one.retailer in taken:
            wrong.append(
                Problem(f"orders.{number}.retailer", gettext_noop("has an urgent order today already"))
            )
        wrong += [Problem(f"orders.{number}.{field}", words) for field, words in _bounds(one, day)]
        taken.add(one.retailer)
    if wrong:
        raise Invalid(problems=wrong)
    stops = Stop.objects.bulk_create(_urgent(day, shops[one.retailer], one) for one in orders)
    changing.changed(day)
    note(
        "delivery.orders_added",
        run,
        actor,
        clause="E2.6",
        stops=len(stops),
        cartons=sum(stop.cartons for stop in stops),
    )
    return stops


def _bounds(order: UrgentOrder, day: DeliveryDay) -> Iterator[tuple[str, str]]:
    if not 1 <= order.cartons <= MOST_CARTONS:
        yield "cartons", gettext_noop("must be from 1 to 10 000")
    if not 0 <= order.order_fen <= MOST_FEN:
        yield "order_fen", gettext_noop("must be from 0 to 1 000 000 000 000 fen")
    if order.ready_at is not None and clock.day_of(order.ready_at) > day.date:
        yield "ready_at", gettext_noop("must be today")


def _urgent(day: DeliveryDay, shop: Retailer, order: UrgentOrder) -> Stop:
    ready_at = order.ready_at or clock.now() + PICKING
    return Stop(
        day=day,
        retailer=shop,
        tour=None,
        sequence=0,
        cartons=order.cartons,
        order_fen=order.order_fen,
        service_seconds=shop.service_seconds,
        window_start=window_at(day.date, shop.window_start),
        window_end=window_at(day.date, shop.window_end),
        planned_at=ready_at,
        goods_site=shop.line.site,
        goods_ready_at=ready_at,
        urgent=True,
    )


@transaction.atomic
def cancel(stops: Collection[int], *, run: Run | None, actor: Person | None) -> int:
    """These open stops of today (their keys) are not wanted any more; the rest of their tours comes earlier.

    How many there were: what is driven already stays as it is. Hand-overs that fetch nothing any more fall away.
    """
    day = changing.locked_day()
    found = Stop.objects.filter(day=day, pk__in=stops, status__in=Stop.WAITING)
    with expecting.changing_lists(found):
        count = found.update(status=Stop.Status.CANCELLED, expected_at=None)
        papers.follow(day)
    if not count:
        return 0
    changing.changed(day)
    note("delivery.stops_cancelled", run, actor, clause="E2.6", stops=count)
    return count


@transaction.atomic
def lend(vehicle: Vehicle, to: Site, *, actor: Person | None) -> Loan:
    """A reserve van stands at another site today (E3.3.2); it can leave from there once it has driven over.

    Raises Conflict when it is not free.
    """
    day = changing.locked_day()
    van = Vehicle.objects.select_for_update().select_related("site").get(pk=vehicle.pk)
    busy = Tour.objects.filter(day=day, vehicle=van).exists()
    if not van.is_reserve or van.state != Vehicle.State.FIT or busy:
        raise Conflict(gettext_noop("this van is no reserve van that is free"))
    if van.site_id == to.pk or Loan.objects.filter(day=day, vehicle=van, returned_at=None).exists():
        raise Conflict(gettext_noop("this van stands there, or is lent to another site"))
    now = clock.now()
    over = travel.times(day.date, [van.site.longitude, to.longitude], [van.site.latitude, to.latitude])
    ready_at = now + rules.RESERVE_READY + timedelta(seconds=int(over.seconds[0, 1]))
    loan = Loan.objects.create(day=day, vehicle=van, site=to, ready_at=ready_at, lent_at=now)
    changing.changed(day)
    note(
        "delivery.van_lent", None, actor, clause="E3.3.2", vehicle=van.number, site=to.code, of=van.site.code
    )
    return loan


@transaction.atomic
def give_back(loan: Loan, *, actor: Person | None) -> None:
    """The van stands at its own site again. Raises Conflict when it is back, or on a tour."""
    day = changing.locked_day(loan.day_id)
    if Tour.objects.filter(day=day, vehicle=loan.vehicle_id).exclude(status=Tour.Status.FINISHED).exists():
        raise Conflict(gettext_noop("this van is on a tour"))
    if not Loan.objects.filter(pk=loan.pk, returned_at=None).update(returned_at=clock.now()):
        raise Conflict(gettext_noop("this van is back already"))
    changing.changed(day)
    note("delivery.van_given_back", None, actor, clause="E3.3.2", vehicle=loan.vehicle.number)


@transaction.atomic
def drive_on(breakdown: Breakdown, driver: Person, *, ready_at: datetime, actor: Person | None) -> Tour:
    """The van is sound and somebody else drives it on from where it stands (E3.3.5), from `ready_at` or now.

    What others took over meanwhile stays with them. Raises Conflict when the van itself is broken, Invalid when
    `ready_at` is on another day.
    """
    day = changing.locked_day(breakdown.tour.day_id)
    if clock.day_of(ready_at) != day.date:
        raise Invalid("ready_at", gettext_noop("must be today"))
    ready_at = max(ready_at, clock.now())
    tour = (
        Tour.objects.select_for_update(of=("self",))
        .select_related("site", "vehicle")
        .get(pk=breakdown.tour_id)
    )
    if breakdown.cause != "driver":
        raise Conflict(gettext_noop("this van cannot go on, whoever drives it"))
    stands = Breakdown.objects.filter(pk=breakdown.pk, resumed_at=None)
    if not stands.update(resumed_at=ready_at, relieved=tour.driver):
        raise Conflict(gettext_noop("this van drives again already"))
    mine = Stop.objects.filter(goods_at=breakdown, status__in=Stop.WAITING)
    later = mine.order_by("sequence").exclude(tour=None).exclude(tour=tour)
    if later.exists():
        raise Conflict(gettext_noop("other vans have been told to fetch these goods; compute the day anew"))
    mine.update(tour=tour, goods_at=None)
    first = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence").first()
    tour.driver, tour.status = driver, Tour.Status.DRIVING
    if first is None:
        tour.status = Tour.Status.FINISHED
    tour.save(update_fields=["driver", "status"])
    Position.objects.filter(tour=tour).delete()
    if first is not None:
        expect_from(tour, breakdown, ready_at)
    changing.changed(day)
    note(
        "delivery.driven_on",
        breakdown.run,
        actor,
        clause="E3.3.5",
        vehicle=tour.vehicle.number,
        driver=driver.staff_no,
    )
    return tour
