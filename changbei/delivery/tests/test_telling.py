"""Which customers hear which times: by the stop, as one customer may have two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.delivery import disrupting, recovery, telling, undoing
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import DeliveryDay, RecoveryCase, Stop, Tour
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import at, break_down, services_accept, stops, tours
from changbei.network.models import Site, Vehicle
from changbei.notify.channels.sms import shared_twin
from changbei.notify.models import Message
from changbei.people.models import DutyShift, Person
from changbei.plans import services as plans
from changbei.testing.city import SHIPPED

pytestmark = pytest.mark.django_db
clock, street = test_disruptions.clock, test_disruptions.street


@pytest.fixture(autouse=True)
def words(street: DeliveryDay, settings: Any) -> Iterator[None]:
    """The shipped plan words them, a carrier takes text messages."""
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    plans.adopt(SHIPPED, actor=None)
    yield
    shared_twin().clear()


def told(since: int = 0) -> list[tuple[int | None, str, str]]:
    """Retailer, template and new time of each message to a customer."""
    rows = Message.objects.filter(retailer__isnull=False, pk__gt=since).order_by("pk")
    return [
        (one.retailer_id, one.notice.template, (one.values or {})["expected"])
        for one in rows.select_related("notice")
    ]


def newest() -> int:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def both_stops() -> tuple[Stop, Stop]:
    """A customer's line stop, and an urgent order that the same van brings."""
    first, _ = tours()
    one = stops(first)[0]
    (urgent,) = disrupting.add_orders([UrgentOrder(one.retailer_id, 5)], run=None, actor=None)
    Stop.objects.filter(pk=urgent.pk).update(tour=first, sequence=4)
    return one, urgent


def test_the_first_time_of_an_urgent_order_is_told_whatever_was_said_of_the_line(street: DeliveryDay) -> None:
    one, urgent = both_stops()
    Stop.objects.filter(pk=one.pk).update(expected_at=at(12))
    telling.later([one.tour.uuid] if one.tour else [])
    mark = newest()
    assert (one.retailer_id, "delivery-changed", "12:00") in told()
    Stop.objects.filter(pk=urgent.pk).update(expected_at=at(12, 5))
    telling.later([one.tour.uuid] if one.tour else [])
    assert told(mark) == [(one.retailer_id, "delivery-urgent", "12:05")]
    mark = newest()
    telling.later([one.tour.uuid] if one.tour else [])
    assert told(mark) == []


def test_a_customer_hears_of_both_stops(street: DeliveryDay) -> None:
    one, urgent = both_stops()
    Stop.objects.filter(pk=urgent.pk).update(expected_at=at(9))
    telling.later([one.tour.uuid] if one.tour else [])
    mark = newest()
    Stop.objects.filter(pk=one.pk).update(expected_at=at(12))
    Stop.objects.filter(pk=urgent.pk).update(expected_at=at(14))
    telling.later([one.tour.uuid] if one.tour else [])
    assert told(mark) == [
        (one.retailer_id, "delivery-changed", "12:00"),
        (one.retailer_id, "delivery-changed", "14:00"),
    ]


def dispatcher() -> Person:
    shifts = DutyShift.objects.filter(post__kind="dispatcher", starts_at__lte=at(10), ends_at__gt=at(10))
    shift = shifts.first()
    assert shift is not None
    return shift.person


def accepted(clock: VirtualClock) -> RecoveryCase:
    first, _ = tours()
    broken = first.breakdowns.first() or break_down(first, degrees=0.005)
    case = recovery.offer(broken, run=None, iterations=300)
    assert case is not None
    services_accept(case.options.get(rank=1))
    case.refresh_from_db()
    return case


def test_whoever_was_told_since_of_something_else_hears_of_no_withdrawal(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    """The first recovery is undone and the next accepted before anybody is told: only the next one counts."""
    clock.advance_to(at(8, 1))
    first = accepted(clock)
    clock.advance(timedelta(seconds=5))
    undoing.undo(first, actor=dispatcher())
    clock.advance(timedelta(seconds=5))
    people, _messages = telling.afresh(accepted(clock))
    assert people
    first.refresh_from_db()
    assert telling.undone(first) == ([], [])


def test_a_tour_whose_van_was_replaced_since_is_told_all_the_same(
    street: DeliveryDay, clock: VirtualClock
) -> None:
    _, second = tours()
    disrupting.cancel([stops(tours()[0])[0].pk], run=None, actor=None)
    case = accepted(clock)
    site = Site.objects.order_by("pk")[0]
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(site=site, state=Vehicle.State.FIT, capacity_cartons=500)
    Tour.objects.filter(pk=second.pk).update(vehicle=van)
    assert second.driver in telling.drivers(case, telling.NEW_LIST, None)
