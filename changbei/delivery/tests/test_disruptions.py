"""Closed roads, urgent and cancelled orders, lent vans, drivers who are out, breakdowns of the substitute: exactly.

A city on one street along the equator of the test: the site at 0, customers every hundredth of a degree east of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from changbei.compute import geo
from changbei.core import clock as core_clock
from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import deciding, disrupting, driving, recovery, selectors, services, snapshot, undoing
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import (
    Breakdown,
    Closure,
    DeliveryDay,
    Handover,
    Position,
    RecoveryCase,
    Stop,
    Tour,
)
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people.models import DutyShift, Person

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
WEST, NORTH = 113.0, 23.0


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=LOCAL)


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def drive(*degrees: float) -> timedelta:
    """Along the street, from one place to the next."""
    times = geo.travel_seconds([WEST + one for one in degrees], [NORTH] * len(degrees))
    return timedelta(seconds=int(times.diagonal(1).sum()))


SERVICE = timedelta(minutes=5)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    """It is 07:00."""
    with core_clock.use(VirtualClock(at(7))) as virtual:
        assert isinstance(virtual, VirtualClock)
        yield virtual


@pytest.fixture
def street(small_city: City, clock: VirtualClock) -> DeliveryDay:
    """Two vans of one site with three customers each, at 0.01 to 0.03 and 0.04 to 0.06."""
    site, other = Site.objects.order_by("pk")[:2]
    Site.objects.filter(pk=site.pk).update(longitude=WEST, latitude=NORTH)
    Site.objects.filter(pk=other.pk).update(longitude=WEST + 0.2, latitude=NORTH)
    Vehicle.objects.filter(is_reserve=True).update(state=Vehicle.State.UNDER_REPAIR)
    vans = Vehicle.objects.filter(is_reserve=False).order_by("pk")[:2]
    day = DeliveryDay.objects.create(date=MONDAY)
    shops = list(Retailer.objects.order_by("pk")[:8])
    for number, shop in enumerate(shops, start=1):
        shop.longitude, shop.latitude = WEST + number / 100, NORTH
        shop.window_start = shop.window_end = None
        shop.service_seconds = int(SERVICE.total_seconds())
        shop.save()
        shop.line.site = site
        shop.line.save(update_fields=["site"])
    for row, van in enumerate(vans):
        tour = Tour.objects.create(
            day=day,
            site=site,
            vehicle=van,
            driver=van.keeper,
            departs_at=at(8),
            shift_ends_at=at(17, 30),
        )
        expect = at(8)
        for sequence in range(1, 4):
            shop = shops[3 * row + sequence - 1]
            expect += drive(0, (3 * row + 1) / 100) if sequence == 1 else drive(0, 0.01)
            Stop.objects.create(
                tour=tour,
                day=day,
                retailer=shop,
                sequence=sequence,
                cartons=10,
                service_seconds=shop.service_seconds,
                planned_at=expect,
                expected_at=expect,
            )
            expect += SERVICE
    return day


def tours() -> tuple[Tour, Tour]:
    first, second = Tour.objects.order_by("pk")[:2]
    return first, second


def stops(tour: Tour) -> list[Stop]:
    return list(tour.stops.order_by("sequence"))


def best(day: DeliveryDay, *causes: str) -> dict[str, Any]:
    case = recovery.offer_day(day, causes=causes, run=None, iterations=300)
    assert case is not None and case.causes == list(causes) and case.breakdown is None
    return dict(case.options.get(rank=1).plan)


def accept_best(day: DeliveryDay, *causes: str) -> None:
    case = recovery.offer_day(day, causes=causes, run=None, iterations=300)
    assert case is not None
    services_accept(case.options.get(rank=1))


def services_accept(option: Any) -> None:
    deciding.accept(option, actor=dispatcher())


def dispatcher() -> Person:
    shift = DutyShift.objects.filter(
        post__kind="dispatcher", starts_at__lte=at(10), ends_at__gt=at(10)
    ).first()
    assert shift is not None
    return shift.person


def test_an_undisturbed_day_needs_nothing(street: DeliveryDay) -> None:
    assert recovery.offer_day(street, causes=[], run=None, iterations=10) is None


def test_a_closed_area_is_served_after_it_opens(street: DeliveryDay, clock: VirtualClock) -> None:
    """Customers 1 and 2 lie in it until 17:05: customer 3 comes first, or the van would be home late."""
    first, _ = tours()
    one, two, three = stops(first)
    closure = disrupting.close(
        square(WEST + 0.005, NORTH - 0.01, WEST + 0.025, NORTH + 0.01),
        until=at(17, 5),
        reason="flood",
        run=None,
        actor=None,
    )
    shot = snapshot.take(street, clock.now())
    opens = {shot.orders[n].pk: int(s) for n, s in enumerate(shot.problem.orders.window_open_seconds)}
    assert [opens[stop.pk] for stop in (one, two, three)] == [61_500, 61_500, 0]
    plan = best(street, "closed")
    assert plan["unserved"] == []
    begins = {
        step["stop"]: datetime.fromisoformat(step["at"]) for tour in plan["tours"] for step in tour["steps"]
    }
    assert begins[three.pk] < at(9) < at(17, 5) == min(begins[one.pk], begins[two.pk])
    disrupting.reopen(closure, actor=None)
    assert recovery.offer_day(street, causes=["closed"], run=None, iterations=10) is None
    with pytest.raises(Conflict):
        disrupting.reopen(closure, actor=None)


def test_an_area_that_closes_later_is_served_before_or_after(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    """The second van's customers 4 and 5 lie in it from 08:20 to 10:00. 4 is expected long before and stays; 5, in
    the middle, is nearer to the beginning: whoever serves it has to be out again by then."""
    _, second = tours()
    four, five, six = stops(second)
    shuts = five.expected_at - timedelta(minutes=2)
    closes_at = shuts + SERVICE
    with pytest.raises(Invalid, match="before it opens"):
        disrupting.close(square(1, 1, 2, 2), since=at(12), until=at(11), reason="x", run=None, actor=None)
    disrupting.close(
        square(WEST + 0.035, NORTH - 0.01, WEST + 0.055, NORTH + 0.01),
        since=closes_at,
        until=at(10),
        reason="march",
        run=None,
        actor=None,
    )
    shot = snapshot.take(street, clock.now())
    latest = {shot.orders[n].pk: int(s) for n, s in enumerate(shot.problem.orders.window_close_seconds)}
    way_out = int(geo.CITY_ROADS.seconds(geo.great_circle_metres([0], [23], [0.005], [23]))[0, 0])
    begins_by = (closes_at - SERVICE - at(0)).total_seconds() - way_out
    assert latest[five.pk] == pytest.approx(begins_by, abs=2) and latest[six.pk] == snapshot.NEVER
    assert {four.pk, five.pk} <= shot.before_closing
    plan = best(street, "closed")  # there is no time for both, so that one is served after it
    assert plan["unserved"] == []
    begin = {
        step["stop"]: datetime.fromisoformat(step["at"]) for tour in plan["tours"] for step in tour["steps"]
    }
    early, late = sorted([begin[four.pk], begin[five.pk]])
    assert early + SERVICE <= closes_at < at(10) <= late

    clock.advance_to(closes_at - timedelta(minutes=1))  # too late for before: after it opens, the van waits
    case = recovery.offer_day(street, causes=["closed"], run=None, iterations=300)
    assert case is not None
    option = case.options.get(rank=1)
    assert option.longest_wait_minutes > 60 and option.waiting_minutes >= option.longest_wait_minutes


def test_the_way_around_is_longer_and_costs_nothing_before(street: DeliveryDay, clock: VirtualClock) -> None:
    """A wall between customers 1 and 2, ten hundredths high: around its corner and back."""
    disrupting.close(
        square(WEST + 0.014, NORTH - 0.1, WEST + 0.016, NORTH + 0.05),
        until=at(12),
        reason="bridge",
        run=None,
        actor=None,
    )
    shot = snapshot.take(street, clock.now())
    problem = shot.problem
    site = int(problem.vans.start[0])
    two = int(problem.orders.location[1])
    plain = geo.travel_seconds([WEST, WEST + 0.02], [NORTH, NORTH])[0, 1]
    corner = geo.great_circle_metres(
        [WEST, WEST + 0.014, WEST + 0.016],
        [NORTH, NORTH + 0.05, NORTH + 0.05],
        [WEST + 0.014, WEST + 0.016, WEST + 0.02],
        [NORTH + 0.05, NORTH + 0.05, NORTH],
    )
    around = geo.CITY_ROADS.seconds(corner.diagonal().sum())
    assert problem.travel_seconds[site, two] == pytest.approx(around, abs=3)
    assert problem.travel_seconds[site, two] > 3 * plain
    assert problem.undisturbed_driving_seconds == snapshot_driving(street)
    assert (shot.basis.kind, shot.basis.why) == ("great_circle", "no_network")


def snapshot_driving(day: DeliveryDay) -> int:
    """Both vans out and home as planned."""
    return int((drive(0, 0.01, 0.02, 0.03, 0) + drive(0, 0.04, 0.05, 0.06, 0)).total_seconds())


def test_a_closed_area_for_the_rest_of_the_day_leaves_its_customers_out(street: DeliveryDay) -> None:
    """They stay aboard, and are served after all when it opens again."""
    _, second = tours()
    closure = disrupting.close(
        square(WEST + 0.055, NORTH - 0.01, WEST + 0.065, NORTH + 0.01),
        until=None,
        reason="landslide",
        run=None,
        actor=None,
    )
    six = stops(second)[2]
    accept_best(street, "closed")
    six.refresh_from_db()
    assert (six.tour, six.aboard, six.expected_at) == (None, second, None)
    assert list(selectors.unserved(street)) == [six]
    disrupting.reopen(closure, actor=None)
    plan = best(street, "closed")
    assert plan["unserved"] == []
    assert [step["stop"] for step in plan["tours"][0]["steps"]][-1] == six.pk


def test_a_van_that_is_held_up_on_its_way_is_a_cause(street: DeliveryDay, clock: VirtualClock) -> None:
    first, second, _third = stops(tours()[0])
    for stop, minutes, causes in ((first, 15, []), (second, 16, ["late"])):
        clock.advance_to(stop.planned_at + SERVICE + timedelta(minutes=minutes))
        services.record_stop(stop, "delivered", actor=None)
        assert selectors.causes_of(street) == causes


def test_impossible_closures_are_refused(street: DeliveryDay) -> None:
    version = DeliveryDay.objects.get().version
    for area, until, field in (
        (square(NORTH, WEST, NORTH + 1, WEST + 1), None, "area"),
        (square(WEST, NORTH, WEST + 1, NORTH + 1), at(6), "until"),
        ({"type": "Point", "coordinates": [1, 2]}, None, "geometry"),
    ):
        with pytest.raises(Invalid) as refused:
            disrupting.close(area, until=until, reason="x", run=None, actor=None)
        assert [one.field for one in refused.value.problems] == [field]
    for reason in ("x" * 161, "flood\0"):
        with pytest.raises(Invalid, match="reason"):
            disrupting.close(square(WEST, NORTH, 114, 24), until=None, reason=reason, run=None, actor=None)
    assert not Closure.objects.exists() and DeliveryDay.objects.get().version == version


def test_an_urgent_order_is_fetched_at_the_site(street: DeliveryDay, clock: VirtualClock) -> None:
    """Both vans still stand at the site; the goods are ready at 07:30, so nobody is late for it."""
    shop = Retailer.objects.order_by("pk")[6]
    (order,) = disrupting.add_orders([UrgentOrder(shop.pk, 5)], run=None, actor=None)
    assert (order.goods_site, order.goods_ready_at, order.planned_at) == (
        shop.line.site,
        at(7, 30),
        at(7, 30),
    )
    accept_best(street, "urgent")
    order.refresh_from_db()
    assert order.tour is not None and order.expected_at is not None
    call = Handover.objects.get(tour=order.tour)
    assert (call.breakdown, call.site, call.cartons, call.source) == (
        None,
        shop.line.site,
        5,
        shop.line.site.code,
    )
    assert call.expected_at < order.expected_at
    assert selectors.handover_from(order.tour, shop.line.site.code) == call
    services.record_handover(call, actor=None)
    order.refresh_from_db()
    assert (order.goods_site, order.goods_ready_at) == (None, None)
    fact = Entry.objects.get(kind="delivery.orders_added")
    assert (fact.data["stops"], fact.data["cartons"]) == (1, 5)


def test_whom_no_van_was_given_to_is_served_from_the_site(street: DeliveryDay, clock: VirtualClock) -> None:
    """Goods moved to this day for which no van had room stand on it without a tour, at the site of their line."""
    shop = Retailer.objects.order_by("pk")[6]
    left = Stop.objects.create(
        day=street, retailer=shop, sequence=0, cartons=5, service_seconds=60, planned_at=at(8)
    )
    assert list(selectors.unserved(street)) == [left] and selectors.causes_of(street) == ["left_out"]
    accept_best(street, "left_out")
    left.refresh_from_db()
    assert left.tour is not None and left.goods_site == shop.line.site
    call = Handover.objects.get(tour=left.tour)
    assert (call.site, call.cartons) == (shop.line.site, 5)
    assert selectors.causes_of(street) == []
    undoing.undo(RecoveryCase.objects.get(), actor=dispatcher())
    left.refresh_from_db()
    assert (left.tour, left.goods_site) == (None, None)


def test_wrong_orders_are_named_and_none_is_taken(street: DeliveryDay) -> None:
    shop = Retailer.objects.order_by("pk")[6]
    with pytest.raises(Invalid) as refused:
        disrupting.add_orders(
            [UrgentOrder(shop.pk, 5), UrgentOrder(-1, 5), UrgentOrder(shop.pk, 1)], run=None, actor=None
        )
    assert [one.field for one in refused.value.problems] == ["orders.2.retailer", "orders.3.retailer"]
    others = Retailer.objects.order_by("pk")[:7]
    wrong = [
        UrgentOrder(others[0].pk, 0),
        UrgentOrder(others[1].pk, 10**10),
        UrgentOrder(others[2].pk, 5, order_fen=-1),
        UrgentOrder(others[3].pk, 5, order_fen=10**20),
        UrgentOrder(others[4].pk, 5, ready_at=at(7) + timedelta(days=2)),
    ]
    with pytest.raises(Invalid) as refused:
        disrupting.add_orders(wrong, run=None, actor=None)
    assert [one.field for one in refused.value.problems] == [
        "orders.1.cartons",
        "orders.2.cartons",
        "orders.3.order_fen",
        "orders.4.order_fen",
        "orders.5.ready_at",
    ]
    assert not Stop.objects.filter(urgent=True).exists()


def test_after_a_cancelled_stop_the_van_comes_earlier(street: DeliveryDay) -> None:
    first, _ = tours()
    one, two, three = stops(first)
    assert disrupting.cancel([two.pk], run=None, actor=None) == 1
    assert disrupting.cancel([two.pk], run=None, actor=None) == 0
    for stop in (one, two, three):
        stop.refresh_from_db()
    assert (two.status, two.expected_at) == ("cancelled", None)
    assert one.expected_at == at(8) + drive(0, 0.01)
    assert three.expected_at == one.expected_at + SERVICE + drive(0.01, 0.03)


def test_a_cancelled_first_stop_is_not_where_the_van_is(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _ = tours()
    disrupting.cancel([stops(first)[0].pk], run=None, actor=None)
    shot = snapshot.take(street, clock.now())
    assert int(shot.problem.vans.start[0]) == int(shot.problem.site_location[0])
    assert len(shot.problem.planned[0]) == 2


def ready_at() -> dict[int, int]:
    return {one.site.pk: one.ready for one in selectors.site_reserves()}


def test_a_lent_van_helps_where_it_stands(street: DeliveryDay, clock: VirtualClock) -> None:
    """The other site's reserve van counts as this site's own from when it has driven over."""
    site, other = Site.objects.order_by("pk")[:2]
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(site=other, state=Vehicle.State.FIT)
    van.refresh_from_db()
    before = ready_at()
    loan = disrupting.lend(van, site, actor=None)
    assert ready_at() == {**before, site.pk: before[site.pk] + 1, other.pk: before[other.pk] - 1}
    assert loan.ready_at == at(7, 15) + drive(0.2, 0)
    with pytest.raises(Conflict):
        disrupting.lend(van, site, actor=None)
    problem = snapshot.take(street, clock.now()).problem
    (reserve,) = problem.vans.reserve.nonzero()[0]
    assert int(problem.vans.start[reserve]) == int(problem.site_location[int(problem.vans.site[reserve])])
    ready = timedelta(seconds=int(problem.vans.ready_seconds[reserve]))
    assert at(0) + ready == loan.ready_at
    disrupting.give_back(loan, actor=None)
    assert ready_at() == before
    problem = snapshot.take(street, clock.now()).problem
    assert timedelta(seconds=int(problem.vans.ready_seconds[reserve])) == timedelta(hours=7, minutes=15)


def break_down(tour: Tour, cause: str = "fault", degrees: float = 0.0) -> Breakdown:
    report = services.BreakdownReport(
        tour.vehicle.number, WEST + degrees, NORTH, "street", goods_aboard=True, injured=False, cause=cause
    )
    return services.report_breakdown(report, run=None, actor=None)


def test_somebody_else_drives_the_sound_van_on(street: DeliveryDay, clock: VirtualClock) -> None:
    first, second = tours()
    clock.advance_to(at(8, 1))
    broken = break_down(first, "driver", 0.0)
    assert Vehicle.objects.get(pk=first.vehicle_id).state == Vehicle.State.FIT
    assert first.driver is not None and driving.here(first, 119, 33, 9, at=clock.now(), actor=first.driver)
    substitute = Person.objects.exclude(pk=first.driver_id).order_by("pk")[0]
    tour = disrupting.drive_on(broken, substitute, ready_at=at(9), actor=None)
    assert not Position.objects.exists()  # the substitute has agreed to nothing
    one, two, three = stops(tour)
    assert (tour.driver, tour.status) == (substitute, Tour.Status.DRIVING)
    assert {stop.goods_at for stop in (one, two, three)} == {None}
    assert one.expected_at == at(9) + drive(0, 0.01)
    assert two.expected_at == one.expected_at + SERVICE + drive(0, 0.01)
    with pytest.raises(Conflict):
        disrupting.drive_on(broken, substitute, ready_at=at(9), actor=None)
    with pytest.raises(Conflict, match="whoever drives"):
        disrupting.drive_on(break_down(second), substitute, ready_at=at(9), actor=None)


def test_the_substitute_breaks_down_with_half_of_the_goods(street: DeliveryDay, clock: VirtualClock) -> None:
    """What it had taken over waits at it, what it had not waits where it was; every stop once."""
    first, second = tours()
    shop = Retailer.objects.order_by("pk")[6]
    clock.advance_to(at(8, 1))
    broken = break_down(first)
    (urgent,) = disrupting.add_orders([UrgentOrder(shop.pk, 5)], run=None, actor=None)
    accept_best(street, "broken", "urgent")
    assert set(Stop.objects.filter(goods_at=broken).values_list("tour", flat=True)) == {second.pk}
    call = Handover.objects.get(tour=second, breakdown=broken)
    services.record_handover(call, actor=None)
    again = break_down(second, degrees=0.01)
    urgent.refresh_from_db()
    assert (urgent.goods_at, urgent.goods_site) == (None, shop.line.site)
    assert Stop.objects.filter(goods_at=broken).count() == 0
    assert Stop.objects.filter(goods_at=again, status="planned").count() == 6
    shot = snapshot.take(DeliveryDay.objects.get(), clock.now())
    assert (shot.stranded, len(shot.problem.places), len(shot.problem.vans)) == (7, 2, 0)


def test_a_van_is_not_driven_on_in_the_past(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _ = tours()
    clock.advance_to(at(10))
    broken = break_down(first, "driver", 0.0)
    substitute = Person.objects.exclude(pk=first.driver_id).order_by("pk")[0]
    for days in (-1, 1):
        with pytest.raises(Invalid) as refused:
            disrupting.drive_on(broken, substitute, ready_at=at(9) + timedelta(days=days), actor=None)
        assert [one.field for one in refused.value.problems] == ["ready_at"]
    tour = disrupting.drive_on(broken, substitute, ready_at=at(9), actor=None)
    assert stops(tour)[0].expected_at == at(10) + drive(0, 0.01)
