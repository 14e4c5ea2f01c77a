"""Go and no-go of lines: times, vans, days, goods that wait (E2.6, E3.2.1, E3.2.2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import adjusting, planning, selectors
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.journal.models import Entry
from changbei.network.models import Vehicle

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)


@pytest.fixture
def tour(small_city: Any, clock: VirtualClock) -> Tour:
    """Monday's fullest tour, planned."""
    day = planning.plan_day(clock.now().date(), actor=None)
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


def test_goods_on_hold_go_again(tour: Tour) -> None:
    version = DeliveryDay.objects.get().version
    adjusting.adjust([LineChoice(tour.pk, "hold")], run=None, actor=None)
    assert statuses(tour) == {"held"}
    (done,) = adjusting.adjust([LineChoice(tour.pk, "go")], run=None, actor=None)
    assert statuses(tour) == {"planned"} and done.stops == tour.stops.count()
    assert DeliveryDay.objects.get().version == version + 2


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
    adjusting.adjust([LineChoice(tour.pk, "merge")], run=None, actor=None)
    moved.refresh_from_db()
    assert moved.moved_into == own
    assert Stop.objects.get(pk=own.pk).cartons == own.cartons + moved.cartons
    rest = Stop.objects.filter(day=day, moved_from__tour=tour).exclude(pk=own.pk)
    assert rest.count() == tour.stops.count() - 1
    assert set(rest.values_list("tour", flat=True)) == {None}


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


def test_a_van_on_its_way_is_not_unloaded(tour: Tour) -> None:
    Tour.objects.filter(pk=tour.pk).update(status=Tour.Status.DRIVING)
    with pytest.raises(Conflict):
        adjusting.adjust([LineChoice(tour.pk, "smaller")], run=None, actor=None)


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
