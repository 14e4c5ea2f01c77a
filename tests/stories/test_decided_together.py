"""Several things at once are decided on together, and everybody hears of it once, in the right words (E2.6, E3.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.delivery import adjusting, breaking, disrupting, recovery, selectors
from changbei.delivery import services as delivery
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import Breakdown, RecoveryCase, Stop, Tour, TransportPapers
from changbei.incidents import services as incidents
from changbei.journal.models import FailedReaction
from changbei.network.models import Retailer, Vehicle
from changbei.notify.models import Message
from changbei.site.clockwork import run_until_quiet
from tests.stories.telling import Story, Town
from tests.stories.test_vehicle_breakdown import breakdown_of, tours_of


def texts(template: str) -> list[tuple[str, str]]:
    """Who was told by it, each once, and the words."""
    told = Message.objects.filter(notice__template=template, channel="sms").select_related("notice", "person")
    first = {(one.notice_id, one.person_id, one.retailer_id): one for one in told.order_by("-pk")}
    return [
        (one.person.staff_no if one.person else "", one.notice.body["en"].format(**(one.values or {})))
        for one in first.values()
    ]


@pytest.mark.clause("E2.6", "E3.3.1", "E3.3.2")
def test_two_vans_wait_and_one_decision_serves_both(delivery_morning: Town) -> None:
    town = delivery_morning
    dispatcher = town.on_duty("dispatcher", "delivery-center")
    one, other = tours_of(town)[:2]
    first = town.report("vehicle-breakdown", breakdown_of(one), actor=one.driver)
    second = town.report("vehicle-breakdown", breakdown_of(other), actor=other.driver)
    case, earlier = RecoveryCase.objects.get(run=second.run), RecoveryCase.objects.get(run=first.run)
    option = case.options.get(rank=1)
    sources = {
        step["handover"]: len(step["stops"])
        for row in option.plan["tours"]
        for step in row["steps"]
        if "handover" in step
    }
    assert len(sources) == 2 and option.unserved == 0  # the goods of both
    assert {"choose", "take-charge"} <= first.open().keys()

    delivery.accept(option, actor=dispatcher)
    run_until_quiet()
    assert "choose" not in first.open() and "choose" not in second.open()
    assert (first.result("tell-drivers")["told"], first.result("tell-customers")["told"]) == (0, 0)
    earlier.refresh_from_db()
    assert earlier.status == RecoveryCase.Status.STALE and selectors.newer_case(earlier) == case

    # Each driver is sent to the van whose goods they take, and the papers say the same.
    papers = TransportPapers.objects.filter(case=case)
    assert {(one.from_vehicle_id, one.stops) for one in papers} == {
        (one.vehicle_id, sources[one.breakdowns.get().pk]) for one in (one, other)
    }
    told = texts("driver-new-list")
    assert len(told) == len(set(told)) == second.result("tell-drivers")["told"]
    for row in option.plan["tours"]:
        calls = [step["handover"] for step in row["steps"] if "handover" in step]
        tour = selectors.day_for(town.clock.now().date()).tours.get(vehicle=row["vehicle"])  # type: ignore[union-attr]
        numbers = [tour_.vehicle.number for tour_ in (one, other) if tour_.breakdowns.get().pk in calls]
        (words,) = [words for staff_no, words in told if tour.driver and staff_no == tour.driver.staff_no]
        assert f"take over from van {' and '.join(numbers)}," in words
    assert not FailedReaction.objects.exists()


def stops_at_once(tour: Tour) -> Story:
    """Reported, and no worker has got to it yet."""
    return Story(
        incidents.report("vehicle-breakdown", breakdown_of(tour), actor=tour.driver, source="web").incident
    )


@pytest.mark.clause("E2.6", "E3.3.1", "E3.3.2")
def test_three_vans_that_stop_at_once_share_one_computation(delivery_morning: Town) -> None:
    town = delivery_morning
    dispatcher = town.on_duty("dispatcher", "delivery-center")
    vans = tours_of(town)[:3]
    stories = [stops_at_once(tour) for tour in vans]
    run_until_quiet()

    case = RecoveryCase.objects.get()
    broken = Breakdown.objects.order_by("pk")
    assert [one.tour for one in broken] == vans
    assert [case.breakdown, *case.others.order_by("pk")] == list(broken)
    assert case.stops_stranded == Stop.objects.filter(goods_at__in=broken, status="planned").count()
    answers = [story.result("recover") for story in stories]
    assert answers[0]["case"] == str(case.uuid) and answers[0] == answers[1] == answers[2]
    assert all("choose" in story.open() for story in stories)
    assert [selectors.newest_case(story.run.uuid) for story in stories] == [case] * 3

    delivery.accept(case.options.get(rank=1), actor=dispatcher)
    run_until_quiet()
    assert not any("choose" in story.open() for story in stories)
    told = texts("driver-new-list")
    assert len(told) == len(set(told)) == stories[0].result("tell-drivers")["told"] > 0
    assert [story.result("tell-customers")["told"] for story in stories[1:]] == [0, 0]
    assert not FailedReaction.objects.exists()


@pytest.mark.clause("E3.3.2")
def test_a_van_that_stops_while_another_ones_options_are_computed(
    delivery_morning: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody would use is broken off, and both are in the next."""
    one, other = tours_of(delivery_morning)[:2]
    compute, found, stories = recovery.recovering.alternatives, [], []

    def computing(*args: Any, **given: Any) -> Any:
        if not stories:
            stories.append(stops_at_once(other))
            breaking.record_reported()  # as the worker's other hand does meanwhile
        options = compute(*args, **given)
        found.append(len(options))
        return options

    monkeypatch.setattr(recovery.recovering, "alternatives", computing)
    first = delivery_morning.report("vehicle-breakdown", breakdown_of(one), actor=one.driver)
    case = RecoveryCase.objects.get()
    assert [breakdown.tour for breakdown in (case.breakdown, *case.others.all()) if breakdown] == [one, other]
    assert found == [0, case.options.count()]
    assert stories[0].result("recover") == first.result("recover")


@pytest.mark.clause("E3.3.2")
def test_a_report_that_names_no_van_of_today_keeps_nobody_waiting(delivery_morning: Town) -> None:
    one, other = tours_of(delivery_morning)[:2]
    stranger = breakdown_of(other) | {"vehicle": Vehicle.objects.filter(tours=None)[0].number}
    wrong = Story(incidents.report("vehicle-breakdown", stranger, actor=other.driver, source="web").incident)
    assert breaking.record_reported() == 0
    first = delivery_morning.report("vehicle-breakdown", breakdown_of(one), actor=one.driver)
    assert first.result("recover")["stops"] > 0 and Breakdown.objects.get().tour == one
    assert "recover" in " ".join(wrong.open())  # somebody arranges it by hand


@pytest.mark.clause("E2.6")
def test_a_day_without_any_incident_is_told_all_the_same(delivery_morning: Town) -> None:
    town = delivery_morning
    dispatcher = town.on_duty("dispatcher", "delivery-center")
    tour = tours_of(town)[0]
    assert tour.driver is not None
    shop = (
        Retailer.objects.exclude(stops__day=tour.day)
        .filter(line__site=tour.site, active=True)
        .order_by("pk")[0]
    )
    (order,) = disrupting.add_orders([UrgentOrder(shop.pk, 5)], run=None, actor=dispatcher)
    case = recovery.offer_day(tour.day, causes=["urgent"], run=None, iterations=300)
    assert case is not None
    delivery.accept(case.options.get(rank=1), actor=dispatcher)
    run_until_quiet()
    order.refresh_from_db()
    assert order.tour is not None and order.tour.driver is not None and order.expected_at is not None
    expected = f"{shop.name}: your urgent order is expected at {order.expected_at.astimezone():%H:%M} today."
    assert [words for _nobody, words in texts("delivery-urgent")] == [expected]
    told = [staff_no for staff_no, _words in texts("driver-list-changed")]
    if order.tour.line_id is not None:
        assert told == [order.tour.driver.staff_no]

    delivery.undo(case, actor=dispatcher)
    run_until_quiet()
    assert [staff_no for staff_no, _words in texts("driver-list-as-before")] == told

    # A line leaves forty minutes later: its customers hear it; five minutes more are not worth another message.
    waiting = Stop.objects.filter(tour=tour, status="planned").count()
    adjusting.adjust([LineChoice(tour.pk, "later", 40)], run=None, actor=dispatcher)
    run_until_quiet()
    assert len(texts("delivery-changed")) == waiting > 3
    adjusting.adjust([LineChoice(tour.pk, "later", 5)], run=None, actor=dispatcher)
    run_until_quiet()
    assert len(texts("delivery-changed")) == waiting
    assert not FailedReaction.objects.exists()
