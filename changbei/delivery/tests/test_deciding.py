"""Accepting on the day as it is by then: goods that changed vans, calls that are lost, vans that are back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict
from changbei.delivery import (
    crews,
    deciding,
    disrupting,
    driving,
    papers,
    recovery,
    selectors,
    services,
    snapshot,
)
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import (
    Breakdown,
    DeliveryDay,
    Loan,
    RecoveryCase,
    RecoveryOption,
    RepairOrder,
    Stop,
    Tour,
    TransportPapers,
)
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import (
    NORTH,
    SERVICE,
    WEST,
    at,
    break_down,
    square,
    stops,
    tours,
)
from changbei.network import loading
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people.models import Absence, Person

pytestmark = pytest.mark.django_db
clock, street = test_disruptions.clock, test_disruptions.street


@pytest.fixture
def reserve(street: DeliveryDay) -> Vehicle:
    """A fit reserve van at the vans' site."""
    van = Vehicle.objects.filter(is_reserve=True).order_by("pk")[0]
    home = Site.objects.order_by("pk")[0]
    Vehicle.objects.filter(pk=van.pk).update(site=home, state=Vehicle.State.FIT, capacity_cartons=500)
    van.refresh_from_db()
    return van


@pytest.fixture
def broken(street: DeliveryDay, clock: VirtualClock) -> Breakdown:
    """The first van has just left and stands half-way to its first customer."""
    clock.advance_to(at(8, 1))
    return break_down(tours()[0], degrees=0.005)


def offered(breakdown: Breakdown) -> RecoveryCase:
    case = recovery.offer(breakdown, run=None, iterations=300)
    assert case is not None
    return case


def with_reserve(case: RecoveryCase) -> RecoveryOption:
    return next(one for one in case.options.order_by("rank") if one.plan["reserve_vehicles"])


def by(case: RecoveryCase, tour: Tour) -> RecoveryOption:
    """The option in which this tour's van fetches the goods."""
    return next(
        one
        for one in case.options.order_by("rank")
        if any(
            row["tour"] == tour.pk and any("handover" in s for s in row["steps"]) for row in one.plan["tours"]
        )
    )


def test_goods_that_changed_vans_meanwhile_are_not_promised_to_another(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    services.accept(with_reserve(offered(broken)), actor=dispatcher)
    other = by(offered(broken), tours()[1])
    substitute = Tour.objects.get(vehicle=reserve)
    clock.advance_to(at(8, 17))
    services.record_handover(substitute.handovers.get(), actor=None)
    with pytest.raises(Conflict, match="changed"):
        services.accept(other, actor=dispatcher)
    assert substitute.stops.count() == 3


def test_a_reserve_van_that_loses_its_call_stands_ready_again(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person
) -> None:
    services.accept(with_reserve(offered(broken)), actor=dispatcher)
    substitute = Tour.objects.get(vehicle=reserve)
    assert TransportPapers.objects.get(withdrawn_at=None).vehicle == reserve
    case = offered(broken)
    services.accept(by(case, tours()[1]), actor=dispatcher)
    assert not substitute.handovers.exists()
    reserve.refresh_from_db()
    substitute.refresh_from_db()
    assert (reserve.state, substitute.status) == (Vehicle.State.FIT, Tour.Status.FINISHED)
    assert [one.vehicle for one in TransportPapers.objects.filter(withdrawn_at=None)] == [tours()[1].vehicle]
    case.refresh_from_db()
    services.undo(case, actor=dispatcher)
    reserve.refresh_from_db()
    substitute.refresh_from_db()
    assert (reserve.state, substitute.status) == (Vehicle.State.IN_USE, Tour.Status.DRIVING)
    assert substitute.handovers.get().waiting().count() == 3
    assert [one.vehicle for one in TransportPapers.objects.filter(withdrawn_at=None)] == [reserve]


def test_a_held_customer_of_a_broken_van_waits_there_too(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _second = tours()
    held = stops(first)[1]
    clock.advance_to(at(8, 1))
    services.hold_stops([held.pk], actor=None, run=None)
    broken = break_down(first)
    services.release_stops([held.pk], actor=None, run=None)
    held.refresh_from_db()
    assert held.goods_at == broken
    assert held in snapshot.take(DeliveryDay.objects.get(), clock.now()).orders


def test_postponed_goods_are_fetched_by_nobody(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person
) -> None:
    services.accept(with_reserve(offered(broken)), actor=dispatcher)
    services.postpone(broken, reason="no time", actor=None)
    assert not Tour.objects.get(vehicle=reserve).handovers.exists()
    assert not TransportPapers.objects.filter(withdrawn_at=None).exists()


def test_a_customer_served_meanwhile_stays_served(
    street: DeliveryDay, dispatcher: Person, clock: VirtualClock
) -> None:
    last = stops(tours()[1])[2]
    area = square(WEST + 0.055, NORTH - 0.01, WEST + 0.065, NORTH + 0.01)
    disrupting.close(area, until=None, reason="flood", run=None, actor=None)
    case = recovery.offer_day(street, causes=["closed"], run=None, iterations=300)
    assert case is not None
    option = case.options.get(rank=1)
    assert option.plan["unserved"] == [last.pk]
    services.record_stop(last, "delivered", actor=None)
    services.accept(option, actor=dispatcher)
    last.refresh_from_db()
    assert (last.status, last.tour, last.aboard) == (Stop.Status.DELIVERED, tours()[1], None)


def test_an_offer_holds_for_twenty_minutes(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    """Until then a van that is called up leaves as much later as the dispatcher thought about it."""
    case = offered(broken)
    option = with_reserve(case)
    call = next(step for step in option.plan["tours"][0]["steps"] if "handover" in step)
    clock.advance_to(at(8, 11))
    assert not selectors.is_stale(case)
    services.accept(option, actor=dispatcher)
    substitute = Tour.objects.get(vehicle=reserve)
    assert substitute.departs_at == at(8, 26)
    expected = datetime.fromisoformat(call["at"]) + timedelta(minutes=10)
    assert substitute.handovers.get().expected_at == expected > substitute.departs_at


def test_an_old_offer_is_computed_anew(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    case = offered(broken)
    clock.advance_to(at(8, 22))
    assert selectors.is_stale(case)
    with pytest.raises(Conflict, match="too long ago"):
        services.accept(with_reserve(case), actor=dispatcher)


def test_an_offer_that_counts_on_a_van_in_repair_is_stale(broken: Breakdown, reserve: Vehicle) -> None:
    case = offered(broken)
    assert not selectors.is_stale(case)
    Vehicle.objects.filter(pk=reserve.pk).update(state=Vehicle.State.UNDER_REPAIR)
    assert selectors.is_stale(case)


def test_a_van_that_is_back_leaves_from_its_site_again(
    broken: Breakdown, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    services.accept(with_reserve(offered(broken)), actor=dispatcher)
    substitute = Tour.objects.get(vehicle=reserve)
    services.record_handover(substitute.handovers.get(), actor=None)
    for stop in stops(substitute):
        services.record_stop(stop, "delivered", actor=None)
    Tour.objects.filter(pk=substitute.pk).update(status=Tour.Status.FINISHED)
    driving.stand_ready([reserve.pk])
    shot = snapshot.take(DeliveryDay.objects.get(), clock.now())
    van = [one.vehicle for one in shot.vans].index(reserve)
    assert shot.problem.vans.start[van] == shot.problem.site_location[0]
    assert shot.moment(int(shot.problem.vans.ready_seconds[van])) == clock.now() + timedelta(minutes=15)
    clock.advance_to(at(8, 2))
    again = break_down(tours()[1], degrees=0.035)
    case = offered(again)
    services.accept(by(case, substitute), actor=dispatcher)
    substitute.refresh_from_db()
    reserve.refresh_from_db()
    assert (substitute.status, reserve.state) == (Tour.Status.DRIVING, Vehicle.State.IN_USE)
    case.refresh_from_db()
    services.undo(case, actor=dispatcher)
    substitute.refresh_from_db()
    reserve.refresh_from_db()
    assert (substitute.status, reserve.state) == (Tour.Status.FINISHED, Vehicle.State.FIT)


def test_a_lent_reserve_van_leaves_from_where_it_stands(
    street: DeliveryDay, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    home, other = Site.objects.order_by("pk")[:2]
    Vehicle.objects.filter(pk=reserve.pk).update(site=other)
    disrupting.lend(Vehicle.objects.get(pk=reserve.pk), home, actor=None)
    clock.advance_to(at(8, 1))
    services.accept(with_reserve(offered(break_down(tours()[0], degrees=0.005))), actor=dispatcher)
    substitute = Tour.objects.get(vehicle=reserve)
    assert substitute.site == home and substitute.departs_at >= Loan.objects.get().ready_at
    assert not TransportPapers.objects.get().borrowed


def test_whoever_is_free_drives_a_reserve_van(
    street: DeliveryDay, reserve: Vehicle, clock: VirtualClock
) -> None:
    keeper = reserve.keeper
    assert keeper is not None and crews.driver_for(reserve, street) == keeper
    Absence.objects.create(person=keeper, starts_at=at(0), ends_at=at(23), out_of_city=True)
    instead = crews.driver_for(reserve, street)
    on_the_road = {tour.driver for tour in tours()}
    assert instead is not None and instead != keeper and instead not in on_the_road
    Person.objects.exclude(pk__in=[one.pk for one in on_the_road if one]).update(active=False)
    assert crews.driver_for(reserve, street) is None


def test_nothing_is_offered_for_a_van_that_has_nothing_left(street: DeliveryDay, clock: VirtualClock) -> None:
    """Though an urgent order waits elsewhere."""
    first, _second = tours()
    clock.advance_to(at(10))
    for stop in stops(first):
        services.record_stop(stop, "delivered", actor=None, at=stop.planned_at + SERVICE)
    shop = Retailer.objects.order_by("pk")[6]
    disrupting.add_orders([UrgentOrder(shop.pk, 5)], run=None, actor=None)
    assert recovery.offer(break_down(first), run=None, iterations=50) is None


def test_a_van_goes_to_repair_once(street: DeliveryDay, clock: VirtualClock) -> None:
    first, _second = tours()
    clock.advance_to(at(8, 30))
    orders = {services.order_repair(break_down(first), actor=None).pk for _report in range(2)}
    assert len(orders) == RepairOrder.objects.count() == 1


# ---------------------------------------------------------------- phones that were without coverage


def said(stop: Stop, tour: Tour, moment: Any) -> str:
    assert tour.driver is not None
    word = driving.Said(uuid4(), "delivered", moment, stop=stop.pk)
    (done,) = driving.say(tour, [word], sent_at=moment, actor=tour.driver)
    return done.outcome


def test_a_late_word_takes_goods_off_the_call_and_the_papers(
    street: DeliveryDay, reserve: Vehicle, dispatcher: Person, clock: VirtualClock
) -> None:
    """The driver of the broken van served one customer before it stopped; the phone says so later."""
    first, _second = tours()
    clock.advance_to(at(8, 30))
    broken = break_down(first, degrees=0.011)
    one = stops(first)[0]
    services.accept(with_reserve(offered(broken)), actor=dispatcher)
    call = Tour.objects.get(vehicle=reserve).handovers.get()
    services.papers_written(TransportPapers.objects.get(), actor=dispatcher)
    version = DeliveryDay.objects.get().version
    assert call.cartons == TransportPapers.objects.get().cartons == 30
    assert said(one, first, at(8, 30)) == "taken"
    call.refresh_from_db()
    written = TransportPapers.objects.get()
    assert (call.cartons, written.cartons, written.stops, written.written_at) == (20, 20, 2, None)
    assert DeliveryDay.objects.get().version > version


def test_a_customer_left_out_but_served_all_the_same(
    street: DeliveryDay, dispatcher: Person, clock: VirtualClock
) -> None:
    """The plan left this one aboard; the driver, without coverage, went there."""
    second = tours()[1]
    last = stops(second)[2]
    area = square(WEST + 0.055, NORTH - 0.01, WEST + 0.065, NORTH + 0.01)
    disrupting.close(area, until=None, reason="flood", run=None, actor=None)
    case = recovery.offer_day(street, causes=["closed"], run=None, iterations=300)
    assert case is not None
    services.accept(case.options.get(rank=1), actor=dispatcher)
    last.refresh_from_db()
    assert last.aboard == second and last.tour is None
    clock.advance_to(at(11))
    assert said(last, second, at(11)) == "taken"
    last.refresh_from_db()
    assert (last.status, last.tour, last.aboard) == (Stop.Status.DELIVERED, second, None)


# ---------------------------------------------------------------- several people at the same moment


@pytest.fixture
def small_city(transactional_db: None, small_city_plan: Any) -> Any:
    """Committed, so that others see it; `street` is made on it."""
    loading.load(small_city_plan)
    return small_city_plan


def side_by_side(*deeds: Callable[[], object]) -> list[BaseException | None]:
    """What each raised."""
    raised: list[BaseException | None] = [None] * len(deeds)

    def work(number: int) -> None:
        try:
            deeds[number]()
        except BaseException as error:
            raised[number] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=copy_context().run, args=(work, number)) for number in range(len(deeds))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


@pytest.mark.django_db(transaction=True)
def test_a_driver_speaks_while_a_dispatcher_accepts(
    broken: Breakdown, dispatcher: Person, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tours()[1]
    option = by(offered(broken), second)
    head, five, _six = stops(second)
    assert head.expected_at is not None and five.expected_at is not None and second.driver is not None
    clock.advance_to(at(8, 20))
    accepting, follow = threading.Event(), papers.follow

    def slowly(*args: Any) -> None:
        accepting.set()
        speaking.wait(0.5)
        follow(*args)

    def speak() -> None:
        accepting.wait(10)
        said(head, second, at(8, 20))
        speaking.set()

    speaking = threading.Event()
    monkeypatch.setattr(deciding.papers, "follow", slowly)
    assert side_by_side(lambda: services.accept(option, actor=dispatcher), speak) == [None, None]
    head.refresh_from_db()
    assert head.status == Stop.Status.DELIVERED and broken.handovers.get().tour == second


@pytest.mark.django_db(transaction=True)
def test_it_is_computed_anew_while_a_dispatcher_accepts(
    broken: Breakdown, dispatcher: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = offered(broken)
    option = case.options.get(rank=1)
    accepting, follow = threading.Event(), papers.follow

    def slowly(*args: Any) -> None:
        accepting.set()
        threading.Event().wait(0.3)
        follow(*args)

    def anew() -> None:
        accepting.wait(10)
        services.save_offer(
            broken,
            broken.tour.day,
            version=case.day_version,
            seconds=1,
            stranded=1,
            considered=1,
            options=[],
            run=None,
        )

    monkeypatch.setattr(deciding.papers, "follow", slowly)
    accepted, saved = side_by_side(lambda: services.accept(option, actor=dispatcher), anew)
    assert accepted is None and isinstance(saved, Conflict)
    case.refresh_from_db()
    assert case.status == RecoveryCase.Status.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_goods_are_taken_over_while_it_is_undone(
    broken: Breakdown,
    reserve: Vehicle,
    dispatcher: Person,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = offered(broken)
    services.accept(with_reserve(case), actor=dispatcher)
    substitute = Tour.objects.select_related("vehicle", "driver").get(vehicle=reserve)
    call = substitute.handovers.get()
    clock.advance_to(at(8, 20))
    taking, record = threading.Event(), services.record_handover

    def slowly(*args: Any, **more: Any) -> None:
        record(*args, **more)
        taking.set()
        threading.Event().wait(0.3)

    def take() -> None:
        assert substitute.driver is not None
        word = driving.Said(uuid4(), "taken_over", at(8, 20), source=call.source)
        driving.say(substitute, [word], sent_at=at(8, 20), actor=substitute.driver)

    def undo() -> None:
        taking.wait(10)
        services.undo(RecoveryCase.objects.get(pk=case.pk), actor=dispatcher)

    monkeypatch.setattr(services, "record_handover", slowly)
    taken, undone = side_by_side(take, undo)
    assert taken is None and isinstance(undone, Conflict)
    assert set(substitute.stops.values_list("goods_at", flat=True)) == {None}
