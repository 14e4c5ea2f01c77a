"""A van breaks down at 10:00 on Monday: what is offered, what accepting does, what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db.models import Sum

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.delivery import planning, recovery, selectors, services
from changbei.delivery.models import Breakdown, DeliveryDay, Handover, RecoveryCase, Stop, Tour
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.network.models import Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)


@pytest.fixture
def broken(day: DeliveryDay) -> Breakdown:
    """The van with the most goods left breaks down at the shop it is going to next."""
    return break_down(most_loaded(day))


def most_loaded(day: DeliveryDay) -> Tour:
    figures = max(selectors.tours(day), key=lambda one: one.open)
    return figures.tour


def break_down(tour: Tour, *, goods_aboard: bool = True) -> Breakdown:
    here = tour.stops.filter(status="planned").order_by("sequence")[0].retailer
    report = services.BreakdownReport(
        tour.vehicle.number,
        here.longitude,
        here.latitude,
        here.address,
        goods_aboard=goods_aboard,
        injured=False,
    )
    return services.report_breakdown(report, run=None, actor=None)


def snapshot_of(tour: Tour) -> list[tuple[int, int, str]]:
    return list(tour.stops.order_by("sequence").values_list("pk", "sequence", "status"))


def test_a_day_is_planned_once_and_holds_its_shifts(small_city: City, clock: VirtualClock) -> None:
    day = planning.plan_day(MONDAY, actor=None)
    assert planning.plan_day(MONDAY, actor=None) == day
    assert Tour.objects.filter(day=day).count() == 6
    assert Entry.objects.filter(kind="delivery.day_planned").count() == 1
    for figures in selectors.tours(day):
        tour = figures.tour
        load = tour.stops.aggregate(load=Sum("cartons"))["load"]
        assert load <= tour.vehicle.capacity_cartons
        assert figures.last_at is not None and tour.departs_at < figures.last_at < tour.shift_ends_at
        arrivals = list(tour.stops.order_by("sequence").values_list("planned_at", flat=True))
        assert arrivals == sorted(arrivals)


def test_a_late_stop_makes_the_rest_of_the_tour_late(small_city: City, clock: VirtualClock) -> None:
    day = planning.plan_day(MONDAY, actor=None)
    first, second = Tour.objects.filter(day=day)[0].stops.order_by("sequence")[:2]
    services.record_stop(
        first,
        "delivered",
        actor=None,
        at=first.planned_at + timedelta(seconds=first.service_seconds, minutes=20),
    )
    second.refresh_from_db()
    assert second.expected_at == second.planned_at + timedelta(minutes=20)
    with pytest.raises(Conflict):
        services.record_stop(first, "refused", actor=None)
    with pytest.raises(Invalid):
        services.record_stop(second, "eaten", actor=None)


def test_open_stops_wait_at_the_broken_van(day: DeliveryDay, broken: Breakdown) -> None:
    done = broken.tour.stops.exclude(status="planned")
    open_ = broken.tour.stops.filter(status="planned")
    assert not done.filter(goods_at=broken).exists()
    assert open_.filter(goods_at=broken).count() == open_.count() > 0
    broken.tour.refresh_from_db()
    assert broken.tour.status == Tour.Status.BROKEN_DOWN
    assert Vehicle.objects.get(pk=broken.tour.vehicle_id).state == Vehicle.State.BROKEN_DOWN


def test_a_van_without_a_tour_cannot_break_down_on_one(day: DeliveryDay) -> None:
    report = services.BreakdownReport("no such", 120, 30, "somewhere", goods_aboard=True, injured=False)
    with pytest.raises(NotFound, match="van no such is on no tour today"):
        services.report_breakdown(report, run=None, actor=None)
    assert not Breakdown.objects.exists()


def test_the_accepted_option_serves_everybody_it_says(
    day: DeliveryDay, broken: Breakdown, dispatcher: Person
) -> None:
    driven = {
        tour.pk: snapshot_of(tour)[:1] for tour in Tour.objects.filter(day=day) if tour.pk != broken.tour_id
    }
    stranded = set(Stop.objects.filter(goods_at=broken).values_list("pk", flat=True))
    total = Stop.objects.filter(day=day).count()

    case = recovery.offer(broken, run=None, iterations=200)
    assert case is not None
    best = case.options.get(rank=1)
    assert case.stops_stranded == len(stranded)
    assert best.stops_moved + best.unserved >= len(stranded)

    services.accept(best, actor=dispatcher)

    moved = Stop.objects.filter(pk__in=stranded, tour__isnull=False)
    assert moved.count() == len(stranded) - len(stranded & set(best.plan["unserved"]))
    assert not moved.filter(tour=broken.tour).exists()
    assert selectors.unserved(day).count() == best.unserved
    assert Stop.objects.filter(day=day).count() == total
    for tour in Tour.objects.filter(day=day, pk__in=driven):
        assert snapshot_of(tour)[:1] == driven[tour.pk]
    for handover in Handover.objects.all():
        cartons = Stop.objects.filter(tour=handover.tour, goods_at=broken).aggregate(n=Sum("cartons"))["n"]
        assert handover.cartons == cartons
    entry = Entry.objects.get(kind="delivery.recovery_accepted")
    assert (entry.actor_id, entry.clause, entry.data["option"]) == (dispatcher.pk, "E3.3.2", best.kind)


def test_a_reserve_van_of_the_site_comes_first(
    day: DeliveryDay, broken: Breakdown, dispatcher: Person
) -> None:
    case = recovery.offer(broken, run=None, iterations=200)
    assert case is not None
    option = case.options.get(kind="site_reserve")
    services.accept(option, actor=dispatcher)
    tour = Tour.objects.get(day=day, line__isnull=True)
    assert tour.site == broken.tour.site
    assert tour.vehicle.is_reserve
    assert tour.vehicle.state == Vehicle.State.IN_USE
    handover = tour.handovers.get()
    services.record_handover(handover, actor=tour.driver)
    assert not Stop.objects.filter(tour=tour, goods_at__isnull=False).exists()
    with pytest.raises(Conflict):
        services.record_handover(handover, actor=tour.driver)


def test_nobody_else_accepts_and_nothing_changes(day: DeliveryDay, broken: Breakdown) -> None:
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    driver = broken.tour.driver
    assert driver is not None
    before = list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence"))
    with pytest.raises(NotAllowed):
        services.accept(case.options.get(rank=1), actor=driver)
    assert list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence")) == before
    case.refresh_from_db()
    assert case.status == RecoveryCase.Status.OFFERED


def test_only_one_option_is_accepted(day: DeliveryDay, broken: Breakdown, dispatcher: Person) -> None:
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    option = case.options.get(rank=1)
    services.accept(option, actor=dispatcher)
    with pytest.raises(Conflict, match="accepted"):
        services.accept(option, actor=dispatcher)


def test_a_second_breakdown_makes_the_first_offer_stale(
    day: DeliveryDay, broken: Breakdown, dispatcher: Person
) -> None:
    first = recovery.offer(broken, run=None, iterations=50)
    assert first is not None
    other = next(one.tour for one in selectors.tours(day) if one.tour.pk != broken.tour_id and one.open > 1)
    again = break_down(other)
    with pytest.raises(Conflict, match="compute it anew"):
        services.accept(first.options.get(rank=1), actor=dispatcher)
    second = recovery.offer(again, run=None, iterations=50)
    assert second is not None
    assert (
        second.stops_stranded == Stop.objects.filter(goods_at__in=[broken, again], status="planned").count()
    )
    assert selectors.decided_with(first) is None
    both = next(one for one in second.options.all() if selectors.fetches(one) == {broken.pk, again.pk})
    services.accept(both, actor=dispatcher)
    assert selectors.decided_with(first) == selectors.newer_case(first) == second
    assert selectors.decided_with(second) is None


def test_the_substitute_van_breaks_down_too(day: DeliveryDay, broken: Breakdown, dispatcher: Person) -> None:
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    services.accept(case.options.get(kind="site_reserve"), actor=dispatcher)
    reserve = Tour.objects.get(day=day, line__isnull=True)
    report = services.BreakdownReport(
        reserve.vehicle.number,
        reserve.site.longitude,
        reserve.site.latitude,
        "on its way",
        goods_aboard=False,
        injured=False,
    )
    again = services.report_breakdown(report, run=None, actor=None)
    assert not Stop.objects.filter(goods_at=again).exists()  # it had not taken anything over yet
    second = recovery.offer(again, run=None, iterations=50)
    assert second is not None
    assert second.stops_stranded == case.stops_stranded
    services.accept(second.options.get(rank=1), actor=dispatcher)
    assert not Stop.objects.filter(tour=reserve, status="planned").exists()


def test_goods_left_at_the_site_are_fetched_there(day: DeliveryDay, dispatcher: Person) -> None:
    broken = break_down(most_loaded(day), goods_aboard=False)
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    option = case.options.get(rank=1)
    assert all(
        step["handover"] == broken.pk
        for tour in option.plan["tours"]
        for step in tour["steps"]
        if "handover" in step
    )


def test_nothing_left_nothing_offered(day: DeliveryDay) -> None:
    tour = most_loaded(day)
    here = tour.site
    Stop.objects.filter(tour=tour).update(status="delivered")
    report = services.BreakdownReport(
        tour.vehicle.number, here.longitude, here.latitude, "yard", goods_aboard=False, injured=False
    )
    assert (
        recovery.offer(services.report_breakdown(report, run=None, actor=None), run=None, iterations=50)
        is None
    )


def test_postponed_to_the_next_working_day(day: DeliveryDay, broken: Breakdown) -> None:
    stranded = Stop.objects.filter(goods_at=broken).count()
    assert services.postpone(broken, reason="accident", actor=None) == (stranded, date(2026, 11, 24))
    assert recovery.offer(broken, run=None, iterations=50) is None


def test_held_stops_are_not_driven_and_come_back(day: DeliveryDay) -> None:
    stops = list(Stop.objects.filter(day=day, status="planned").values_list("pk", flat=True)[:5])
    version = DeliveryDay.objects.get(pk=day.pk).version
    assert services.hold_stops(stops, actor=None, run=None) == 5
    assert services.hold_stops(stops, actor=None, run=None) == 0
    assert services.release_stops(stops, actor=None, run=None) == 5
    assert DeliveryDay.objects.get(pk=day.pk).version == version + 2


def test_the_van_goes_to_repair_once(day: DeliveryDay, broken: Breakdown) -> None:
    order = services.order_repair(broken, actor=None)
    assert services.order_repair(broken, actor=None) == order
    assert Vehicle.objects.get(pk=broken.tour.vehicle_id).state == Vehicle.State.UNDER_REPAIR


def test_a_van_comes_back_from_repair_once(day: DeliveryDay, broken: Breakdown, dispatcher: Person) -> None:
    order = services.order_repair(broken, actor=None)
    assert list(selectors.repairs()) == [order] and broken.tour.driver is not None
    with pytest.raises(NotAllowed):
        services.end_repair(order, actor=broken.tour.driver)
    services.end_repair(order, actor=dispatcher)
    assert Vehicle.objects.get(pk=broken.tour.vehicle_id).state == Vehicle.State.FIT
    assert not selectors.repairs().exists()
    with pytest.raises(Conflict):
        services.end_repair(order, actor=dispatcher)


def test_substitutes_know_the_line(day: DeliveryDay, broken: Breakdown) -> None:
    found = selectors.substitutes(broken.tour.vehicle.number)
    assert found
    assert {one.person.job for one in found} <= {"customer_manager", "inspector"}
    assert [one.trips for one in found] == sorted((one.trips for one in found), reverse=True)
