"""What is read of a day while it is driven: figures of tours, whose tour is whose, substitutes, closures."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.delivery import disrupting, features, planning, recovery, selectors
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.delivery.selectors.vans import SUBSTITUTE_JOBS
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import (
    NORTH,
    WEST,
    at,
    break_down,
    services_accept,
    square,
    stops,
    tours,
)
from changbei.network.models import Line, LineKnowledge, Site, Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
clock, street = test_disruptions.clock, test_disruptions.street


def figures(tour: Tour) -> selectors.TourFigures:
    return next(one for one in selectors.tours(tour.day) if one.tour == tour)


def reserve_van() -> Vehicle:
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    van.site, van.state, van.capacity_cartons = Site.objects.order_by("pk")[0], Vehicle.State.FIT, 500
    van.save()
    return van


def test_a_tour_is_as_late_as_its_next_stop(street: DeliveryDay) -> None:
    """The third customer comes first, hours earlier than planned; the others' plans do not count."""
    first, _ = tours()
    one, _two, three = stops(first)
    Stop.objects.filter(pk=three.pk).update(expected_at=one.planned_at, planned_at=at(14))
    Stop.objects.filter(pk=one.pk).update(expected_at=at(12))
    assert figures(first).late_minutes == (one.planned_at - at(14)).total_seconds() / 60


def test_a_cancelled_stop_is_not_done(street: DeliveryDay) -> None:
    first, _ = tours()
    cancelled = stops(first)[0]
    disrupting.cancel([cancelled.pk], run=None, actor=None)
    assert (figures(first).stops, figures(first).done, figures(first).open) == (2, 0, 2)
    drawn = features.DayMap(street, "en", str).stops()["features"]
    assert [one["properties"]["state"] for one in drawn if one["id"] == cancelled.pk] == ["cancelled"]


def test_what_is_not_over_is_the_drivers_own_tour(street: DeliveryDay) -> None:
    first, _ = tours()
    assert first.driver is not None
    Tour.objects.filter(pk=first.pk).update(line=Line.objects.order_by("pk")[0], status=Tour.Status.FINISHED)
    assert selectors.current_tour(first.driver) == first
    second = Tour.objects.create(
        day=street,
        site=first.site,
        vehicle=reserve_van(),
        driver=first.driver,
        departs_at=at(9),
        shift_ends_at=at(17, 30),
        status=Tour.Status.DRIVING,
    )
    assert selectors.current_tour(first.driver) == second
    Tour.objects.filter(pk=second.pk).update(status=Tour.Status.BROKEN_DOWN)
    assert selectors.current_tour(first.driver) == second


def test_nobody_who_drives_is_a_substitute(street: DeliveryDay, clock: VirtualClock) -> None:
    first, second = tours()
    lines = Line.objects.order_by("pk")[:2]
    person = Person.objects.filter(job="customer_manager", active=True).order_by("pk")[0]
    for tour, line in zip((first, second), lines, strict=True):
        Tour.objects.filter(pk=tour.pk).update(line=line)
        LineKnowledge.objects.update_or_create(line=line, person=person, defaults={"trips": 999})
    clock.advance_to(at(8, 1))
    broken = break_down(first, "driver")
    assert selectors.substitutes(first.vehicle.number)[0].person == person
    disrupting.drive_on(broken, person, ready_at=at(9), actor=None)
    break_down(second, "driver")
    assert person not in [one.person for one in selectors.substitutes(second.vehicle.number)]
    Tour.objects.filter(pk=first.pk).update(status=Tour.Status.FINISHED)
    assert selectors.substitutes(second.vehicle.number)[0].person == person


def test_who_knows_the_customers_of_a_van_that_took_over(street: DeliveryDay, clock: VirtualClock) -> None:
    van = reserve_van()
    clock.advance_to(at(8, 1))
    case = recovery.offer(break_down(tours()[0], degrees=0.005), run=None, iterations=300)
    assert case is not None
    services_accept(next(one for one in case.options.order_by("rank") if one.plan["reserve_vehicles"]))
    lines = set(Line.objects.filter(retailers__stops__tour__vehicle=van))
    knowing = LineKnowledge.objects.filter(line__in=lines, person__job__in=SUBSTITUTE_JOBS)
    found = {one.person.pk for one in selectors.substitutes(van.number)}
    assert found == set(knowing.values_list("person", flat=True)) != set()


def test_a_closure_lasts_over_midnight(street: DeliveryDay, clock: VirtualClock) -> None:
    area, noon = square(WEST, NORTH, WEST + 0.01, NORTH + 0.01), datetime(2026, 11, 24, 12, tzinfo=LOCAL)
    closure = disrupting.close(area, until=noon, reason="flood", run=None, actor=None)
    today = disrupting.close(area, until=None, reason="march", run=None, actor=None)
    tomorrow, later = (planning.plan_day(date(2026, 11, day), actor=None) for day in (24, 25))
    assert [selectors.closures(day) for day in (street, tomorrow, later)] == [
        [closure, today],
        [closure],
        [],
    ]
    assert features.closed(street)["features"][0]["properties"]["detail"] == "07:00–11-24 12:00"
    clock.advance_to(noon - timedelta(hours=5))
    assert selectors.closures(tomorrow) == [closure]
    assert features.closed(tomorrow)["features"][0]["properties"]["detail"] == "11-23 07:00–12:00"
    version = tomorrow.version
    disrupting.reopen(closure, actor=None)
    tomorrow.refresh_from_db()
    assert (selectors.closures(tomorrow), tomorrow.version) == ([], version + 1)


def test_a_van_stands_where_it_broke_down_last(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _ = tours()
    clock.advance_to(at(8, 1))
    substitute = Person.objects.exclude(pk=first.driver_id).order_by("pk")[0]
    disrupting.drive_on(break_down(first, "driver", 0.0), substitute, ready_at=at(9), actor=None)
    clock.advance_to(at(9, 30))
    break_down(first, "fault", 0.015)
    drawn = features.DayMap(street, "en", str)
    tour = next(one for one in drawn.tours if one.pk == first.pk)
    assert drawn.whereabouts(tour) == ([round(WEST + 0.015, 5), NORTH], "broken")
