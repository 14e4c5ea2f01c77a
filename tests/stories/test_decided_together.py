"""Several things at once are decided on together, and everybody hears of it once, in the right words (E2.6, E3.3.2)."""

from __future__ import annotations

import pytest

from changbei.delivery import adjusting, disrupting, recovery, selectors
from changbei.delivery import services as delivery
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import RecoveryCase, Stop, TransportPapers
from changbei.journal.models import FailedReaction
from changbei.network.models import Retailer
from changbei.notify.models import Message
from changbei.site.clockwork import run_until_quiet
from tests.stories.telling import Town
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
