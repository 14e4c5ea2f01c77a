"""When vans are expected after a word from the road or a changed list: windows, hand-overs, closed areas, delays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from changbei.core.clock import VirtualClock
from changbei.delivery import adjusting, disrupting, recovery, services
from changbei.delivery.models import DeliveryDay, Handover, Stop, Tour
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import (
    NORTH,
    SERVICE,
    WEST,
    accept_best,
    at,
    break_down,
    drive,
    services_accept,
    square,
    stops,
    tours,
)
from changbei.network.models import Site, Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
clock, street = test_disruptions.clock, test_disruptions.street
HOUR = timedelta(hours=1)


def times(tour: Tour) -> list[datetime | None]:
    return [stop.expected_at for stop in stops(tour)]


def taken_over(street: DeliveryDay, clock: VirtualClock) -> Tour:
    """The first van breaks down at 08:01; the second fetches its goods before or after its own customers."""
    first, second = tours()
    clock.advance_to(at(8, 1))
    case = recovery.offer(break_down(first, degrees=0.005), run=None, iterations=300)
    assert case is not None
    services_accept(case.options.get(rank=1))
    return second


def test_a_delay_moves_customers_and_hand_overs(street: DeliveryDay, clock: VirtualClock) -> None:
    second = taken_over(street, clock)
    call, before = Handover.objects.get(tour=second), times(second)
    head = stops(second)[0]
    assert head.expected_at is not None
    services.record_stop(head, "delivered", actor=None, at=head.expected_at + SERVICE + HOUR)
    assert Handover.objects.get(tour=second).expected_at == call.expected_at + HOUR
    assert times(second)[1:] == [moment + HOUR for moment in before[1:] if moment]


@pytest.mark.parametrize("minutes", [-20, 20])
def test_nobody_is_expected_before_the_shop_opens_and_the_wait_swallows_a_delay(
    street: DeliveryDay, minutes: int
) -> None:
    first, _ = tours()
    one, two, _three = stops(first)
    Stop.objects.filter(pk=two.pk).update(window_start=at(10), expected_at=at(10))
    services.record_stop(one, "delivered", actor=None, at=one.planned_at + timedelta(minutes=minutes))
    assert times(first)[1:] == [at(10), at(10) + SERVICE + drive(0.02, 0.03)]


def test_urgent_goods_are_not_taken_over_before_they_are_ready(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    first, _ = tours()
    one, two, _three = stops(first)
    site = Site.objects.get(pk=first.site_id)
    Stop.objects.filter(pk=two.pk).update(goods_site=site, goods_ready_at=at(9))
    Handover.objects.create(tour=first, site=site, before_sequence=2, cartons=10, expected_at=at(9))
    services.record_stop(one, "delivered", actor=None, at=one.planned_at)
    assert Handover.objects.get().expected_at == at(9)


def test_who_is_served_after_an_area_opens_still_is(street: DeliveryDay, clock: VirtualClock) -> None:
    """Customers 1 and 2 lie in it until 17:05; 3 comes first, and 1 and 2 wait for the opening, however early 3 was."""
    first, _ = tours()
    disrupting.close(
        square(WEST + 0.005, NORTH - 0.01, WEST + 0.025, NORTH + 0.01),
        until=at(17, 5),
        reason="flood",
        run=None,
        actor=None,
    )
    accept_best(street, "closed")
    after = times(first)[1:]
    three = stops(first)[0]
    services.record_stop(three, "delivered", actor=None, at=at(8, 20))
    assert times(first)[1:] == after and after[0] == at(17, 5)


def test_words_of_a_broken_van_move_nothing(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _ = tours()
    clock.advance_to(at(9))
    break_down(first, degrees=0.005)
    one, two, three = stops(first)
    services.record_stop(one, "delivered", actor=None, at=at(8, 50))
    disrupting.cancel([two.pk], run=None, actor=None)
    assert times(first)[2] == three.expected_at


def test_a_cancelled_stop_leaves_the_hand_over_before_the_others(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    """A reserve van drives to the broken one; its last customer cancels: all the others stay as they were."""
    site = Site.objects.order_by("pk")[0]
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(site=site, state=Vehicle.State.FIT, capacity_cartons=500)
    first, _ = tours()
    clock.advance_to(at(8, 1))
    case = recovery.offer(break_down(first, degrees=0.005), run=None, iterations=300)
    assert case is not None
    services_accept(next(one for one in case.options.order_by("rank") if one.plan["reserve_vehicles"]))
    reserve = Tour.objects.get(vehicle=van)
    clock.advance_to(reserve.departs_at + timedelta(minutes=1))
    call, before = reserve.handovers.get(), times(reserve)
    disrupting.cancel([stops(reserve)[-1].pk], run=None, actor=None)
    each = timedelta(seconds=8)  # of the goods that change vans
    assert reserve.handovers.get().expected_at == call.expected_at
    assert times(reserve)[:-1] == [moment - each for moment in before[:-1] if moment]


def test_the_stop_that_the_van_drives_to_is_cancelled(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _ = tours()
    one, two, _three = stops(first)
    clock.advance_to(one.planned_at + SERVICE)
    services.record_stop(one, "delivered", actor=None)
    clock.advance(timedelta(seconds=30))
    disrupting.cancel([two.pk], run=None, actor=None)
    assert times(first)[2] == one.planned_at + SERVICE + drive(0.01, 0.03)


def test_a_van_that_is_held_up_stays_so_when_its_list_changes(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    first, _ = tours()
    one, two, _three = stops(first)
    clock.advance_to(one.planned_at + SERVICE)
    services.record_stop(one, "delivered", actor=None)
    adjusting.adjust([adjusting.LineChoice(first.pk, adjusting.LATER, 60)], run=None, actor=None)
    disrupting.cancel([two.pk], run=None, actor=None)
    assert times(first)[2] == one.planned_at + SERVICE + HOUR + drive(0.01, 0.03)


def test_a_van_that_somebody_drives_on_leaves_when_it_is_ready(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    """What the first driver said late, and a cancelled customer, change nothing about that."""
    first, _ = tours()
    one, two, _three = stops(first)
    clock.advance_to(at(8, 20))
    broken = break_down(first, "driver", 0.015)
    substitute = Person.objects.exclude(pk=first.driver_id).order_by("pk")[0]
    disrupting.drive_on(broken, substitute, ready_at=at(9), actor=None)
    services.record_stop(one, "delivered", actor=None, at=at(8, 15))
    assert times(first)[1] == at(9) + drive(0.015, 0.02)
    disrupting.cancel([two.pk], run=None, actor=None)
    assert times(first)[2] == at(9) + drive(0.015, 0.03)
