"""Another van for a tour that has not left (E3.2.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict
from changbei.delivery import disrupting, moving, papers, planning, replacing, selectors
from changbei.delivery.models import DeliveryDay, Stop, Tour, TransportPapers
from changbei.journal.models import Entry
from changbei.network.models import Site, Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ahead(small_city: Any, clock: VirtualClock) -> DeliveryDay:
    """Tomorrow, planned."""
    return planning.plan_day(clock.now().date() + timedelta(days=1), actor=None)


@pytest.fixture
def tour(ahead: DeliveryDay) -> Tour:
    """Its first tour, whose van goes to repair."""
    found = selectors.tours(ahead)[0].tour
    Vehicle.objects.filter(pk=found.vehicle_id).update(state=Vehicle.State.UNDER_REPAIR)
    return Tour.objects.get(pk=found.pk)


def test_a_reserve_van_of_the_site_drives_and_the_own_one_again_when_it_is_back(
    tour: Tour, dispatcher: Person
) -> None:
    own = tour.vehicle
    assert replacing.without_own_van(tour.day) == [tour]
    [reserve] = replacing.vans_for(tour)
    assert (reserve.site_id, reserve.is_reserve) == (tour.site_id, True)
    Vehicle.objects.filter(pk=reserve.pk).update(state=Vehicle.State.IN_USE)
    assert replacing.vans_for(tour) == [reserve]  # it has taken over today, and is back by then
    Vehicle.objects.filter(pk=reserve.pk).update(state=Vehicle.State.FIT)
    version = tour.day.version

    replacing.drive_with(tour, reserve, actor=dispatcher)

    tour.refresh_from_db()
    assert tour.vehicle == reserve
    assert replacing.without_own_van(tour.day) == []
    assert DeliveryDay.objects.get(pk=tour.day_id).version == version + 1
    fact = Entry.objects.get(kind="delivery.van_replaced")
    assert (fact.clause, fact.data["vehicle"], fact.data["instead_of"]) == (
        "E3.2.6",
        reserve.number,
        own.number,
    )
    reserve.refresh_from_db()
    assert reserve.state == Vehicle.State.FIT  # today it is still a reserve

    Vehicle.objects.filter(pk=own.pk).update(state=Vehicle.State.FIT)
    tour = Tour.objects.get(pk=tour.pk)
    assert replacing.without_own_van(tour.day) == [tour]
    assert replacing.vans_for(tour) == [own]
    replacing.drive_with(tour, own, actor=dispatcher)
    assert replacing.without_own_van(tour.day) == []


def needed(tour: Tour) -> list[tuple[Vehicle, Vehicle | None]]:
    """Papers that are still to be written: which van they are to name, and which they name now."""
    waiting = papers.valid_on(tour.day).filter(written_at=None).order_by("pk")
    return [(one.vehicle, one.from_vehicle) for one in waiting]


def test_papers_that_name_the_van_before_are_written_anew(tour: Tour, dispatcher: Person) -> None:
    own, [reserve] = tour.vehicle, replacing.vans_for(tour)
    replacing.drive_with(tour, reserve, actor=dispatcher)
    assert needed(tour) == [(reserve, own)]
    flagged = TransportPapers.objects.get()
    stops = Stop.objects.filter(tour=tour)
    assert (flagged.stops, flagged.cartons) == (len(stops), sum(stop.cartons for stop in stops))
    assert (flagged.borrowed, flagged.case) == (False, None)

    moving.move(stops[:2], tour.day.date + timedelta(days=1))
    flagged.refresh_from_db()
    assert (flagged.stops, flagged.cartons) == (len(stops) - 2, sum(stop.cartons for stop in stops[2:]))

    Vehicle.objects.filter(pk=own.pk).update(state=Vehicle.State.FIT)
    replacing.drive_with(tour, own, actor=dispatcher)
    assert needed(tour) == []  # they were not written, so they are right again

    Vehicle.objects.filter(pk=own.pk).update(state=Vehicle.State.UNDER_REPAIR)
    replacing.drive_with(tour, reserve, actor=dispatcher)
    papers.written(TransportPapers.objects.get(withdrawn_at=None), actor=dispatcher)
    assert Entry.objects.get(kind="delivery.papers_written").data["vehicle"] == reserve.number
    Vehicle.objects.filter(pk=own.pk).update(state=Vehicle.State.FIT)
    replacing.drive_with(tour, own, actor=dispatcher)
    assert needed(tour) == [(own, reserve)]


def test_on_its_day_the_van_is_no_reserve_any_more(
    tour: Tour, dispatcher: Person, clock: VirtualClock
) -> None:
    [reserve] = replacing.vans_for(tour)
    replacing.drive_with(tour, reserve, actor=dispatcher)
    ready = {one.site.pk: one.ready for one in selectors.site_reserves()}
    clock.advance(timedelta(days=1))
    after = {one.site.pk: one.ready for one in selectors.site_reserves()}
    assert after[tour.site_id] == ready[tour.site_id] - 1


def test_only_a_van_that_is_free_and_has_room(tour: Tour, dispatcher: Person) -> None:
    [reserve] = replacing.vans_for(tour)
    driven = Tour.objects.filter(day=tour.day, site=tour.site).exclude(pk=tour.pk)[0]
    with pytest.raises(Conflict, match="not free"):
        replacing.drive_with(tour, driven.vehicle, actor=dispatcher)
    Stop.objects.filter(pk=tour.stops.all()[0].pk).update(cartons=reserve.capacity_cartons + 1)
    assert replacing.vans_for(tour) == []
    with pytest.raises(Conflict, match="too small"):
        replacing.drive_with(tour, reserve, actor=dispatcher)


def test_a_tour_that_has_left_keeps_its_van(tour: Tour, dispatcher: Person) -> None:
    [reserve] = replacing.vans_for(tour)
    Tour.objects.filter(pk=tour.pk).update(status=Tour.Status.DRIVING)
    with pytest.raises(Conflict, match="report a breakdown"):
        replacing.drive_with(tour, reserve, actor=dispatcher)
    tour.refresh_from_db()
    assert tour.vehicle != reserve


def test_a_van_has_left_when_its_time_has_come_unless_it_cannot_drive(
    tour: Tour, dispatcher: Person, clock: VirtualClock
) -> None:
    clock.advance_to(datetime(2026, 11, 24, 8, 20, tzinfo=LOCAL))
    [reserve] = replacing.vans_for(tour)
    assert replacing.without_own_van(tour.day) == [tour]
    Vehicle.objects.filter(pk=tour.vehicle_id).update(state=Vehicle.State.FIT)
    with pytest.raises(Conflict, match="report a breakdown"):
        replacing.drive_with(tour, reserve, actor=dispatcher)


def test_a_van_that_is_lent_stands_elsewhere(tour: Tour, clock: VirtualClock) -> None:
    [reserve] = replacing.vans_for(tour)
    clock.advance_to(datetime(2026, 11, 24, 7, tzinfo=LOCAL))
    disrupting.lend(reserve, Site.objects.exclude(pk=tour.site_id)[0], actor=None)
    assert replacing.vans_for(tour) == []
