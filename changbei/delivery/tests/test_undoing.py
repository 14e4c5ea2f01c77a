"""An accepted recovery is taken back as long as nobody has driven on it; papers of goods that change vans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, NotAllowed
from changbei.delivery import recovery, services, undoing
from changbei.delivery.models import (
    Breakdown,
    DeliveryDay,
    Handover,
    RecoveryCase,
    RecoveryOption,
    Stop,
    Tour,
    TransportPapers,
)
from changbei.delivery.tests import test_recovery
from changbei.journal.models import Entry
from changbei.network.models import Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
broken = test_recovery.broken


@pytest.fixture
def case(broken: Breakdown) -> RecoveryCase:
    found = recovery.offer(broken, run=None, iterations=200)
    assert found is not None
    return found


def everything() -> dict[str, Any]:
    """All that a plan of the day consists of."""
    stops = Stop.objects.order_by("pk")
    return {
        "stops": list(stops.values_list("pk", "tour", "sequence", "expected_at", "status", "goods_at")),
        "tours": list(Tour.objects.order_by("pk").values_list("pk", "vehicle", "driver", "status")),
        "handovers": list(Handover.objects.values_list("tour", "breakdown", "before_sequence", "cartons")),
        "vans": list(Vehicle.objects.order_by("pk").values_list("pk", "state")),
    }


@pytest.mark.parametrize("kind", ["site_reserve", "neighbours"])
def test_everything_is_as_it_was(case: RecoveryCase, dispatcher: Person, kind: str) -> None:
    before = everything()
    services.accept(case.options.get(kind=kind), actor=dispatcher)
    assert everything() != before

    undone = services.undo(case, actor=dispatcher)
    assert everything() == before
    assert (undone.status, undone.undone_by) == ("undone", dispatcher)
    entry = Entry.objects.get(kind="delivery.recovery_undone")
    assert (entry.actor_id, entry.clause, entry.data["option"]) == (dispatcher.pk, "E3.3.2", kind)
    assert not TransportPapers.objects.filter(withdrawn_at__isnull=True).exists()
    with pytest.raises(Conflict, match="no option of this recovery is in force"):
        services.undo(case, actor=dispatcher)

    # The question is open again, and another answer says so.
    assert case.breakdown is not None
    newer = recovery.offer(case.breakdown, run=None, iterations=50)
    assert newer is not None
    services.accept(newer.options.get(rank=1), actor=dispatcher)
    accepted = Entry.objects.filter(kind="delivery.recovery_accepted").order_by("pk")
    assert [one.data["again"] for one in accepted] == [False, True]


def test_who_drove_is_asked_at_once_for_all_vans(
    case: RecoveryCase, clock: VirtualClock, django_assert_num_queries: Any
) -> None:
    tours = list(Tour.objects.filter(day=case.day_id, stops__status="planned").distinct())
    assert len(tours) > 2
    steps = {tour: [{"stop": tour.stops.filter(status="planned")[0].pk}] for tour in tours}
    rows = [
        {"vehicle": tour.vehicle_id, "tour": tour.pk, "steps": found, "returns_at": ""}
        for tour, found in steps.items()
    ]
    option = RecoveryOption(case=case, plan={"tours": rows}, accepted_at=clock.now())
    with django_assert_num_queries(2):
        assert undoing.vans_that_drove(option) == []


def test_what_the_road_said_meanwhile_counts_for_the_old_list(
    case: RecoveryCase, dispatcher: Person, clock: VirtualClock
) -> None:
    """The stop a van was driving to anyway is not a drive on the new list; that it was late there is not forgotten."""
    option = case.options.get(kind="neighbours")
    row = max(option.plan["tours"], key=lambda one: len(one["steps"]))
    tour = Tour.objects.get(pk=row["tour"])
    heading = tour.stops.filter(status="planned").order_by("sequence")[0]
    rest = {
        stop.pk: stop.expected_at
        for stop in tour.stops.filter(status="planned", sequence__gt=heading.sequence)
        if stop.expected_at
    }
    services.accept(option, actor=dispatcher)
    assert heading.expected_at is not None
    leaves = heading.expected_at + timedelta(seconds=heading.service_seconds)
    clock.advance_to(leaves + timedelta(minutes=12))
    services.record_stop(heading, "delivered", actor=tour.driver)

    services.undo(case, actor=dispatcher)
    assert rest
    assert dict(tour.stops.filter(status="planned").values_list("pk", "expected_at")) == {
        pk: at + timedelta(minutes=12) for pk, at in rest.items()
    }


def test_who_has_driven_on_it_is_named_and_nothing_changes(case: RecoveryCase, dispatcher: Person) -> None:
    services.accept(case.options.get(kind="site_reserve"), actor=dispatcher)
    tour = Tour.objects.get(line__isnull=True)
    services.record_handover(tour.handovers.get(), actor=tour.driver)
    before = everything()
    with pytest.raises(
        Conflict, match=f"already driven on it, so it cannot be undone: {tour.vehicle.number}$"
    ):
        services.undo(case, actor=dispatcher)
    assert everything() == before
    assert not Entry.objects.filter(kind="delivery.recovery_undone").exists()


def test_a_served_customer_of_the_new_list_is_a_drive_on_it(case: RecoveryCase, dispatcher: Person) -> None:
    option = case.options.get(kind="site_reserve")
    services.accept(option, actor=dispatcher)
    tour = Tour.objects.get(line__isnull=True)
    services.record_stop(tour.stops.order_by("sequence")[0], "absent", actor=tour.driver, reason="closed")
    option.refresh_from_db()
    assert undoing.vans_that_drove(option) == [tour.vehicle.number]
    with pytest.raises(Conflict):
        services.undo(case, actor=dispatcher)


def test_a_day_that_changed_otherwise_cannot_go_back(
    case: RecoveryCase, dispatcher: Person, day: DeliveryDay
) -> None:
    services.accept(case.options.get(rank=1), actor=dispatcher)
    held = Stop.objects.filter(day=day, status="planned", tour__isnull=False)[0]
    services.hold_stops([held.pk], actor=None, run=None)
    with pytest.raises(Conflict, match="changed again since"):
        services.undo(case, actor=dispatcher)


def test_drivers_do_not_undo(case: RecoveryCase, dispatcher: Person, broken: Breakdown) -> None:
    services.accept(case.options.get(rank=1), actor=dispatcher)
    before = everything()
    assert broken.tour.driver is not None
    with pytest.raises(NotAllowed):
        services.undo(case, actor=broken.tour.driver)
    assert everything() == before


def test_goods_that_change_vans_need_papers(
    case: RecoveryCase, dispatcher: Person, broken: Breakdown
) -> None:
    option = case.options.get(kind="site_reserve")
    services.accept(option, actor=dispatcher)
    papers = TransportPapers.objects.get()
    moved = Stop.objects.filter(pk__in=option.plan["moved"])
    assert (papers.vehicle_id, papers.from_vehicle_id) == (
        option.plan["reserve_vehicles"][0],
        broken.tour.vehicle_id,
    )
    assert (papers.stops, papers.cartons) == (moved.count(), sum(stop.cartons for stop in moved))
    assert not papers.borrowed
    services.papers_written(papers, actor=dispatcher)
    papers.refresh_from_db()
    assert papers.written_by == dispatcher
    with pytest.raises(Conflict):
        services.papers_written(papers, actor=dispatcher)


def test_a_van_that_keeps_its_list_may_drive_on(case: RecoveryCase, dispatcher: Person) -> None:
    """Its stops are in the plan with the times of now; that it serves them is no drive on anything new."""
    option = case.options.get(kind="site_reserve")
    taken_over = next(row for row in option.plan["tours"] if row["tour"] is None)
    other = next(
        tour
        for tour in Tour.objects.filter(day=case.day, line__isnull=False).exclude(status="broken_down")
        if tour.stops.filter(status="planned").count() > 1
    )
    heading, *rest = other.stops.filter(status="planned").order_by("sequence")
    steps = [{"stop": stop.pk, "at": stop.expected_at.isoformat()} for stop in rest if stop.expected_at]
    kept = {**taken_over, "vehicle": other.vehicle_id, "tour": other.pk, "steps": steps}
    option.plan = {**option.plan, "tours": [taken_over, kept]}
    option.save(update_fields=["plan"])
    services.accept(option, actor=dispatcher)
    for stop in (heading, rest[0]):
        stop.refresh_from_db()
        services.record_stop(stop, "delivered", actor=other.driver)
    option.refresh_from_db()
    assert undoing.vans_that_drove(option) == []
    services.undo(case, actor=dispatcher)
    rest[0].refresh_from_db()
    assert (rest[0].status, rest[0].tour_id) == ("delivered", other.pk)
