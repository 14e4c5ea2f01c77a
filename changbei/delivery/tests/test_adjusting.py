"""Go and no-go of lines: times, vans, days, goods that wait (E2.6, E3.2.1, E3.2.2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import adjusting, disrupting, papers, planning, selectors, services
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import DeliveryDay, Handover, Stop, Tour
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import MONDAY, SERVICE, at, drive, stops, tours
from changbei.journal.models import Entry
from changbei.network.models import Site, Vehicle

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)
clock, street = test_disruptions.clock, test_disruptions.street


@pytest.fixture
def tour(small_city: Any, clock: VirtualClock) -> Tour:
    """Monday's fullest tour, planned."""
    day = planning.plan_day(MONDAY, actor=None)
    return max(selectors.tours(day), key=lambda one: (one.stops, one.tour.pk)).tour


def statuses(tour: Tour) -> set[str]:
    return set(tour.stops.values_list("status", flat=True))


def test_a_later_departure_moves_every_arrival_by_as_much(tour: Tour) -> None:
    departs_at = tour.departs_at
    before = dict(tour.stops.values_list("pk", "expected_at"))
    (done,) = adjusting.adjust([LineChoice(tour.pk, "later", 90)], run=None, actor=None)
    tour.refresh_from_db()
    assert tour.departs_at == departs_at + timedelta(minutes=90)
    assert dict(tour.stops.values_list("pk", "expected_at")) == {
        pk: at + timedelta(minutes=90) for pk, at in before.items() if at
    }
    assert (done.measure, done.minutes, done.stops) == ("later", 90, len(before))
    fact = Entry.objects.get(kind="delivery.lines_adjusted")
    assert fact.clause == "E2.6" and fact.data["stops"] == len(before)
    for minutes in (0, 601):
        with pytest.raises(Invalid):
            adjusting.adjust([LineChoice(tour.pk, "later", minutes)], run=None, actor=None)


def decide(tour: Tour, measure: str, minutes: int = 0, frees: tuple[int, ...] = ()) -> adjusting.Adjusted:
    (done,) = adjusting.adjust([LineChoice(tour.pk, measure, minutes, frees)], run=None, actor=None)
    return done


def test_goods_on_hold_go_again(tour: Tour) -> None:
    version = DeliveryDay.objects.get().version
    decide(tour, "hold")
    assert statuses(tour) == {"held"}
    done = decide(tour, "go", frees=tuple(tour.stops.values_list("pk", flat=True)))
    assert statuses(tour) == {"planned"} and done.stops == tour.stops.count()
    assert DeliveryDay.objects.get().version == version + 2


@pytest.mark.parametrize(("measure", "minutes"), [("go", 0), ("later", 30)])
def test_a_line_that_waited_is_expected_from_now_on(
    street: DeliveryDay, clock: VirtualClock, measure: str, minutes: int
) -> None:
    first, _second = tours()
    one, two, _three = stops(first)
    clock.advance_to(one.planned_at + SERVICE)
    services.record_stop(one, "delivered", actor=None)
    decide(first, "hold")
    clock.advance_to(at(10))
    decide(first, measure, minutes, frees=tuple(first.stops.values_list("pk", flat=True)))
    two.refresh_from_db()
    assert two.expected_at == at(10) + timedelta(minutes=minutes)


@pytest.mark.parametrize("measure", ["go", "later", "smaller"])
def test_what_is_held_for_another_reason_stays_held(street: DeliveryDay, measure: str) -> None:
    first, _second = tours()
    reserves(first, 100)
    one, two, three = stops(first)
    first.stops.exclude(pk=three.pk).update(status="held")
    decide(first, measure, 30, frees=(one.pk,))
    assert [stop.status for stop in stops(first)] == ["planned", "held", "planned"]
    two.refresh_from_db()
    assert (two.expected_at, two.tour) == (two.planned_at, first)


def test_who_waits_for_delivery_hours_waits_less_when_the_van_comes_later(street: DeliveryDay) -> None:
    first, _second = tours()
    one, two, three = stops(first)
    opens = two.planned_at + timedelta(minutes=20)
    Stop.objects.filter(pk=two.pk).update(window_start=opens, expected_at=opens)
    after = opens + SERVICE + drive(0, 0.01)
    Stop.objects.filter(pk=three.pk).update(expected_at=after)
    decide(first, "later", 15)
    assert [stop.expected_at for stop in stops(first)] == [
        one.planned_at + timedelta(minutes=15),
        opens,
        after,
    ]
    decide(first, "later", 15)
    assert [stop.expected_at for stop in stops(first)] == [
        one.planned_at + timedelta(minutes=30),
        opens + timedelta(minutes=10),
        after + timedelta(minutes=10),
    ]


def test_calls_for_goods_come_later_as_well(street: DeliveryDay, clock: VirtualClock) -> None:
    """Its time has come, but whoever says that it is late sees it stand there."""
    first, _second = tours()
    two = stops(first)[1]
    call = Handover.objects.create(
        tour=first, site=first.site, before_sequence=2, cartons=10, expected_at=two.expected_at
    )
    clock.advance_to(at(8, 3))
    assert decide(first, "later", 60).stops == 3
    assert Handover.objects.get().expected_at == call.expected_at + timedelta(hours=1)
    assert [stop.expected_at - stop.planned_at for stop in stops(first)] == [timedelta(hours=1)] * 3
    assert tours()[0].departs_at == at(9)


def test_merged_into_the_next_day(tour: Tour) -> None:
    """Every customer is on a tour of the site on Tuesday, where there is room, and nobody is there twice."""
    moved = set(tour.stops.values_list("retailer", flat=True))
    cartons = sum(tour.stops.values_list("cartons", flat=True))
    (done,) = adjusting.adjust([LineChoice(tour.pk, "merge")], run=None, actor=None)
    assert (done.next_on, done.stops, statuses(tour)) == (TUESDAY, len(moved), {"postponed"})
    shop = tour.stops.select_related("retailer__line")[0].retailer
    assert selectors.next_delivery(shop) == selectors.NextDelivery(TUESDAY, None, moved=True)
    usual = Stop.objects.filter(day__date=TUESDAY).count()
    day = planning.plan_day(TUESDAY, actor=None)
    brought = Stop.objects.filter(day=day, retailer__in=moved)
    assert usual == 0 and brought.count() == len(moved)
    assert sum(brought.values_list("cartons", flat=True)) == cartons
    assert set(brought.values_list("tour__site", flat=True)) == {tour.site_id}
    for other in Tour.objects.filter(day=day).select_related("vehicle"):
        stops = list(other.stops.order_by("sequence"))
        assert [stop.sequence for stop in stops] == list(range(1, len(stops) + 1))
        assert [stop.expected_at for stop in stops] == sorted(
            stop.expected_at for stop in stops if stop.expected_at
        )
        assert sum(stop.cartons for stop in stops) <= other.vehicle.capacity_cartons
    found = selectors.next_delivery(shop)
    assert found is not None and (found.on, found.moved, found.held) == (TUESDAY, True, False)
    assert found.expected_at is not None
    # A second look changes nothing.
    planning.plan_day(TUESDAY, actor=None)
    assert Stop.objects.filter(day=day, retailer__in=moved).count() == len(moved)


def test_merged_into_a_day_that_is_planned_already(tour: Tour) -> None:
    """What cannot be loaded stands there without a tour; a customer who is served that day gets both at once."""
    day = planning.plan_day(TUESDAY, actor=None)
    own = Stop.objects.filter(day=day).order_by("pk")[0]
    moved = tour.stops.order_by("sequence")[0]
    Stop.objects.filter(pk=own.pk).update(retailer=moved.retailer)
    Vehicle.objects.update(capacity_cartons=0)
    van, loaded = own.tour.vehicle, sum(own.tour.stops.values_list("cartons", flat=True))
    Vehicle.objects.filter(pk=van.pk).update(capacity_cartons=loaded + moved.cartons)
    adjusting.adjust([LineChoice(tour.pk, "merge")], run=None, actor=None)
    moved.refresh_from_db()
    assert moved.moved_into == own
    assert Stop.objects.get(pk=own.pk).cartons == own.cartons + moved.cartons
    rest = Stop.objects.filter(day=day, moved_from__tour=tour).exclude(pk=own.pk)
    assert rest.count() == tour.stops.count() - 1
    assert set(rest.values_list("tour", flat=True)) == {None}


def shared(tour: Tour, held: str) -> tuple[Stop, Stop]:
    """A customer of today's tour whose goods are held, and who has a stop on Tuesday too: both stops."""
    day = planning.plan_day(TUESDAY, actor=None)
    own = Stop.objects.filter(day=day, tour__site=tour.site).order_by("tour", "sequence")[0]
    stop = stops(tour)[0]
    Stop.objects.filter(pk=stop.pk).update(retailer=own.retailer, status=held)
    tour.stops.exclude(pk=stop.pk).update(status="delivered")
    return Stop.objects.get(pk=stop.pk), own


def fill(day: DeliveryDay, rooms: dict[int, int]) -> None:
    """Every van of the day is full, but for so much room (key of the tour → cartons)."""
    for tour in Tour.objects.filter(day=day):
        load = sum(tour.stops.values_list("cartons", flat=True))
        Vehicle.objects.filter(pk=tour.vehicle_id).update(capacity_cartons=load + rooms.get(tour.pk, 0))


def test_both_deliveries_go_on_a_van_that_has_room_for_both(street: DeliveryDay) -> None:
    first, _second = tours()
    stop, own = shared(first, "held")
    site = Tour.objects.filter(day=own.day, site=first.site).order_by("pk")
    other = site.exclude(pk=own.tour_id)[0]
    fill(own.day, {other.pk: own.cartons + stop.cartons})
    decide(first, "merge")
    brought = Stop.objects.get(moved_from=stop)
    assert (brought.pk, brought.tour, brought.cartons) == (own.pk, other, own.cartons + stop.cartons)
    for tour in (other, own.tour):
        rows = list(tour.stops.order_by("sequence"))
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert sum(row.cartons for row in rows) <= Vehicle.objects.get(pk=tour.vehicle_id).capacity_cartons


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_what_the_own_stop_cannot_bring_stands_beside_it(street: DeliveryDay, status: str) -> None:
    """No van has room for both, or the customer does not want the own goods any more."""
    first, _second = tours()
    stop, own = shared(first, "held")
    Stop.objects.filter(pk=own.pk).update(status=status)
    fill(own.day, {})
    if status == "cancelled":
        Vehicle.objects.filter(pk=own.tour.vehicle_id).update(capacity_cartons=5000)
    decide(first, "merge")
    brought = Stop.objects.get(moved_from=stop)
    assert brought.pk != own.pk and (brought.status, brought.urgent) == ("planned", True)
    assert brought.tour == (own.tour if status == "cancelled" else None)
    assert Stop.objects.get(pk=own.pk).cartons == own.cartons


def test_who_is_not_driven_to_moves_with_the_line_and_calls_fall_away(street: DeliveryDay) -> None:
    _first, second = tours()
    left = stops(second)[2]
    Stop.objects.filter(pk=left.pk).update(tour=None, aboard=second, expected_at=None)
    Handover.objects.create(tour=second, site=second.site, before_sequence=2, cartons=10, expected_at=at(9))
    assert decide(second, "merge").stops == 3
    left.refresh_from_db()
    assert (left.status, left.moved_to) == ("postponed", TUESDAY)
    assert not Handover.objects.exists()


def test_a_make_up_working_day_without_lines_is_no_delivery_day(small_city: Any) -> None:
    friday, saturday, monday = date(2026, 10, 9), date(2026, 10, 10), date(2026, 10, 12)
    assert planning.next_delivery_day(friday) == monday
    assert planning.delivery_day_before(monday) == friday
    day = DeliveryDay.objects.create(date=saturday)
    van = Vehicle.objects.order_by("pk")[0]
    Tour.objects.create(
        day=day, site=van.site, vehicle=van, departs_at=at(8), shift_ends_at=at(17)
    )  # by a file
    assert planning.next_delivery_day(friday) == planning.delivery_day_before(monday) == saturday


def reserves(tour: Tour, *capacities: int) -> list[Vehicle]:
    """So many fit reserve vans at the site of the tour, smaller than its own."""
    Vehicle.objects.filter(pk=tour.vehicle_id).update(capacity_cartons=900)
    vans = list(Vehicle.objects.filter(is_reserve=True).order_by("pk")[: len(capacities)])
    for van, capacity in zip(vans, capacities, strict=True):
        Vehicle.objects.filter(pk=van.pk).update(site=tour.site, state="fit", capacity_cartons=capacity)
    return vans


def test_one_van_more_when_the_goods_do_not_divide(street: DeliveryDay) -> None:
    first, _second = tours()
    vans = reserves(first, 15, 15, 15)
    assert decide(first, "smaller").vehicles == tuple(van.number for van in vans)
    assert [Tour.objects.get(vehicle=van).stops.count() for van in vans] == [1, 1, 1]


def test_a_van_that_drove_today_or_is_lent_is_not_there(street: DeliveryDay) -> None:
    first, _second = tours()
    drove, lent = reserves(first, 100, 100)
    Tour.objects.create(
        day=street, site=first.site, vehicle=drove, departs_at=at(6), shift_ends_at=at(17), status="finished"
    )
    disrupting.lend(lent, Site.objects.order_by("pk")[1], actor=None)
    with pytest.raises(Conflict, match="not enough smaller vans"):
        decide(first, "smaller")


def test_smaller_vans_keep_the_hours_of_the_stops(street: DeliveryDay) -> None:
    first, _second = tours()
    reserves(first, 100)
    one = stops(first)[0]
    Stop.objects.filter(pk=one.pk).update(window_start=at(10), service_seconds=1800)
    decide(first, "smaller")
    expected = [at(10), at(10, 30) + drive(0, 0.01), at(10, 30) + drive(0, 0.01) + SERVICE + drive(0, 0.01)]
    assert [stop.expected_at for stop in stops(first)] == expected


def test_smaller_vans_share_a_line(tour: Tour) -> None:
    stops = list(tour.stops.order_by("sequence"))
    cartons = sum(stop.cartons for stop in stops)
    own = tour.vehicle
    Vehicle.objects.filter(is_reserve=True, site=tour.site).delete()
    with pytest.raises(Conflict):
        adjusting.adjust([LineChoice(tour.pk, "smaller")], run=None, actor=None)
    assert Tour.objects.get(pk=tour.pk).vehicle == own
    half = cartons // 2 + max(stop.cartons for stop in stops)
    for number in ("901", "902", "903"):
        Vehicle.objects.create(
            number=number,
            plate=f"X-{number}",
            model="small",
            site=tour.site,
            capacity_cartons=half,
            is_reserve=True,
            keeper=own.keeper,
        )
    Vehicle.objects.filter(pk=own.pk).update(capacity_cartons=4 * half)
    (done,) = adjusting.adjust([LineChoice(tour.pk, "smaller")], run=None, actor=None)
    assert done.vehicles == ("901", "902") and done.stops == len(stops)
    driven = Tour.objects.filter(vehicle__number__in=done.vehicles).order_by("vehicle__number")
    assert driven[0].pk == tour.pk
    order = [pk for one in driven for pk in one.stops.order_by("sequence").values_list("pk", flat=True)]
    assert order == [stop.pk for stop in stops]
    assert all(sum(one.stops.values_list("cartons", flat=True)) <= half for one in driven)
    states = dict(Vehicle.objects.filter(number__startswith="90").values_list("number", "state"))
    assert states == {"901": "in_use", "902": "in_use", "903": "fit"}
    flagged = papers.valid_on(tour.day).order_by("vehicle__number")
    assert [(one.vehicle.number, one.from_vehicle, one.tour) for one in flagged] == [
        ("901", own, driven[0]),
        ("902", own, driven[1]),
    ]
    assert sum(one.cartons for one in flagged) == cartons


def test_a_van_on_its_way_is_not_unloaded(tour: Tour) -> None:
    Tour.objects.filter(pk=tour.pk).update(status=Tour.Status.DRIVING)
    with pytest.raises(Conflict, match="on its way"):
        decide(tour, "smaller")


def test_a_van_has_left_when_its_time_has_come(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _second = tours()
    reserves(first, 100)
    clock.advance_to(at(8))
    with pytest.raises(Conflict, match="on its way"):
        decide(first, "smaller")


def test_all_lines_or_none(tour: Tour) -> None:
    with pytest.raises(Invalid):
        adjusting.adjust([LineChoice(tour.pk, "hold"), LineChoice(-1, "hold")], run=None, actor=None)
    assert statuses(tour) == {"planned"}
    with pytest.raises(Invalid):
        adjusting.adjust([LineChoice(tour.pk, "fly")], run=None, actor=None)


def test_next_delivery_by_the_lines_weekday(tour: Tour) -> None:
    stop = tour.stops.select_related("retailer__line").order_by("sequence")[0]
    found = selectors.next_delivery(stop.retailer)
    assert found == selectors.NextDelivery(date(2026, 11, 23), stop.expected_at)
    Stop.objects.filter(pk=stop.pk).update(status="held")
    assert selectors.next_delivery(stop.retailer) == selectors.NextDelivery(
        date(2026, 11, 23), None, held=True
    )
    Stop.objects.filter(pk=stop.pk).update(status="delivered")
    assert selectors.next_delivery(stop.retailer) == selectors.NextDelivery(date(2026, 11, 30), None)
    stop.retailer.active = False
    assert selectors.next_delivery(stop.retailer) is None
