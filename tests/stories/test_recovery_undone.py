"""A recovery is accepted, taken back, and another accepted: everybody hears each time what holds now (E3.3.2, E2.6)."""

from __future__ import annotations

from datetime import datetime

import pytest

from changbei.delivery import recovery
from changbei.delivery import services as delivery
from changbei.delivery.models import RecoveryCase, Stop, Tour
from changbei.journal.models import FailedReaction
from changbei.network.models import Vehicle
from changbei.notify.models import Message
from changbei.plans.plain import canonical
from changbei.runs import services as runs
from changbei.site.clockwork import run_until_quiet
from tests.stories.telling import Town
from tests.stories.test_vehicle_breakdown import breakdown_of, fullest_tour


@pytest.mark.clause("E2.6", "E3.3.1", "E3.3.2")
def test_a_recovery_is_taken_back(delivery_morning: Town) -> None:
    town = delivery_morning
    tour = fullest_tour(town)
    dispatcher = town.on_duty("dispatcher", "delivery-center")
    story = town.report("vehicle-breakdown", breakdown_of(tour), actor=tour.driver)
    first = RecoveryCase.objects.get(run=story.run)
    story.news()

    # By the neighbours: one driver and eight customers are told.
    delivery.accept(first.options.get(kind="neighbours"), actor=dispatcher)
    run_until_quiet()
    neighbour = Tour.objects.get(pk=first.options.get(kind="neighbours").plan["tours"][0]["tour"])
    assert neighbour.driver is not None
    taker = neighbour.driver.staff_no
    assert f"driver {taker}: driver-new-list (inbox sms)" in story.news()
    shops = set(Stop.objects.filter(goods_at__run=story.run).values_list("retailer", flat=True))
    assert len(shops) == 8

    # Taken back: the driver hears it; nobody's own time had changed, and for the eight nothing is known yet.
    delivery.undo(first, actor=dispatcher)
    run_until_quiet()
    assert story.news() == [f"driver {taker}: driver-list-withdrawn (inbox sms)"]
    assert not Stop.objects.filter(tour=neighbour, goods_at__isnull=False).exists()

    # By the reserve van: its driver is told, and those of the eight whose time is another than they were told.
    assert first.breakdown is not None
    second = recovery.offer(first.breakdown, run=story.run, iterations=200)
    assert second is not None
    option = second.options.get(kind="site_reserve")
    before = Message.objects.filter(notice__template="delivery-shifted").count()
    delivery.accept(option, actor=dispatcher)
    run_until_quiet()
    reserve = Vehicle.objects.get(pk=option.plan["reserve_vehicles"][0])
    assert reserve.keeper is not None
    told = Message.objects.filter(notice__template="delivery-shifted").order_by("pk")[before:]
    said = {
        step["stop"]: step["at"]
        for step in first.options.get(kind="neighbours").plan["tours"][0]["steps"]
        if "stop" in step
    }
    now = {step["stop"]: step["at"] for step in option.plan["tours"][0]["steps"] if "stop" in step}
    moved = {pk for pk, at in now.items() if pk in said and _minutes_apart(said[pk], at) > 15}
    assert {message.retailer_id for message in told} == set(
        Stop.objects.filter(pk__in=moved).values_list("retailer", flat=True)
    )
    assert f"driver {reserve.keeper.staff_no}: driver-new-list (inbox sms)" in story.news()
    assert not FailedReaction.objects.exists()
    assert canonical(runs.replayed(story.run)) == canonical(story.run.state)
    assert story.run.state["notes"] == []


def _minutes_apart(one: str, other: str) -> float:
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds()) / 60
