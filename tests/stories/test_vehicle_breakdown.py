"""A van breaks down on its line, nobody answers, the dispatcher has to leave, and deliveries go on (E3.3.1, E3.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.core.errors import NotAllowed
from changbei.delivery import selectors
from changbei.delivery import services as delivery
from changbei.delivery.models import Handover, RecoveryCase, Stop, Tour
from changbei.incidents.models import Incident, Report
from changbei.network.models import Vehicle
from changbei.notify.channels.sms import shared_twin
from changbei.notify.models import Message, Notice
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.site.drills.colleagues import drive
from tests.stories.telling import Town, assert_sound, local


def tours_of(town: Town) -> list[Tour]:
    """Those with the most customers left first."""
    day = selectors.day_for(town.clock.now().date())
    assert day is not None
    return [one.tour for one in sorted(selectors.tours(day), key=lambda one: -one.open)]


def fullest_tour(town: Town) -> Tour:
    return tours_of(town)[0]


def breakdown_of(tour: Tour, **more: Any) -> dict[str, Any]:
    here = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence")[0].retailer
    place = {"text": here.address, "longitude": here.longitude, "latitude": here.latitude}
    return {
        "vehicle": tour.vehicle.number,
        "place": place,
        "injured": False,
        "goods_aboard": True,
        "driver_fit": True,
    } | more


@pytest.mark.clause("E2.1d", "E2.6", "E2.9", "E3.3.1", "E3.3.2")
def test_a_van_breaks_down(delivery_morning: Town) -> None:
    town = delivery_morning
    tour = fullest_tour(town)
    assert (tour.vehicle.number, tour.stops.filter(status="planned").count()) == ("1", 8)
    dispatcher, head = town.on_duty("dispatcher", "delivery-center"), town.holder("delivery-center-head")

    # The driver reports. In the same transaction there are a plan under way, people in their roles, tasks, messages.
    story = town.report("vehicle-breakdown", breakdown_of(tour), actor=tour.driver)
    assert story.statements <= 40
    assert (story.incident.number, story.incident.level) == ("INC-0001", "LOCAL")
    assert (story.who("driver"), story.why("driver")) == (tour.driver, "named")
    assert (story.who("dispatcher"), story.why("dispatcher")) == (dispatcher, "duty")
    assert (story.who("delivery-center-head"), story.why("delivery-center-head")) == (head, "post")
    assert story.who("commander") == town.holder("leading-group-head")
    recovery = story.result("recover")
    assert (recovery["stops"], recovery["options"], recovery["unserved"], recovery["reserve"]) == (
        8,
        3,
        0,
        True,
    )
    assert story.open() == {
        "confirm-place": "09:50",
        "take-charge": "09:50",
        "choose": "09:50",
        "hand-in-van": "15:40",
    }
    assert story.news() == [
        "dispatcher: task choose (inbox sms)",
        "dispatcher: task take-charge (inbox sms)",
        "driver: report-received (inbox sms)",
        "driver: task confirm-place (inbox sms)",
        "driver: task hand-in-van (inbox)",
    ]

    # A passer-by's call is typed in by the dispatcher: the same thing, and it says so.
    second = town.report(
        "vehicle-breakdown", breakdown_of(tour, note="seen at the crossing"), actor=dispatcher
    )
    assert second.joined and second.incident == story.incident
    assert (Incident.objects.count(), Report.objects.filter(joined=True).count()) == (1, 1)
    assert story.news() == ["dispatcher: report-received (inbox sms)"]

    # Nobody acknowledges: texts are repeated after three minutes, and the chain climbs when the plan says.
    fast_forward("2m")
    assert story.news() == []
    fast_forward("1m")
    assert story.news() == [
        "delivery-center-head: task-late choose (inbox sms)",
        "delivery-center-head: task-late take-charge (inbox sms)",
        "dispatcher: task choose (sms)",
        "dispatcher: task take-charge (sms)",
        "driver: task confirm-place (sms)",
    ]
    fast_forward("3m")
    assert story.escalations() == [
        "09:43 take-charge acknowledge → delivery-center-head",
        "09:43 choose acknowledge → delivery-center-head",
        "09:45 confirm-place acknowledge → dispatcher",
        "09:46 take-charge acknowledge → commander",
    ]
    assert story.news() == [
        "commander: task-late take-charge (inbox sms)",
        "delivery-center-head: task-late choose (sms)",
        "delivery-center-head: task-late take-charge (sms)",
        "dispatcher: task-late confirm-place (inbox sms)",
    ]

    # The dispatcher has to leave: the role, its tasks and their reminders go to the next in the roster's crew.
    town.leave(dispatcher, "11-23 18:00")
    run_until_quiet()
    deputy = story.who("dispatcher")
    assert deputy != dispatcher and story.why("dispatcher") == "post"
    assert story.task("choose").holder == story.task("take-charge").holder == deputy
    assert story.news() == [
        f"dispatcher {dispatcher.staff_no}: task-moved choose (inbox sms)",
        f"dispatcher {dispatcher.staff_no}: task-moved take-charge (inbox sms)",
        "dispatcher: task choose (inbox sms)",
        "dispatcher: task take-charge (inbox sms)",
    ]
    queued = Message.objects.filter(person=dispatcher, state="queued")
    assert not queued.filter(
        notice__task__in=[story.task(item).uuid for item in ("choose", "take-charge")]
    ).exists()

    # The deputy takes over, compares the options, and accepts the first: drivers and customers are told.
    for item in ("take-charge", "choose", "confirm-place", "hand-in-van"):
        story.sees(item)
    fast_forward("2m")
    case = RecoveryCase.objects.get(run=story.run)
    assert list(case.options.order_by("rank").values_list("kind", "stops_moved", "unserved")) == [
        ("neighbours", 8, 0),
        ("site_reserve", 8, 0),
        ("calm", 8, 0),
    ]
    with pytest.raises(NotAllowed):
        delivery.accept(case.options.get(rank=1), actor=story.who("driver"))
    delivery.accept(case.options.get(rank=1), actor=deputy)
    run_until_quiet()
    assert (story.task("choose").status, story.task("choose").done_by) == ("done", deputy)
    neighbour = Tour.objects.get(pk=case.options.get(rank=1).plan["tours"][0]["tour"]).driver
    assert neighbour is not None
    assert story.news() == [
        f"driver {neighbour.staff_no}: driver-new-list (inbox sms)",
        "driver: task hand-over (inbox sms)",
        "8 customers: delivery-shifted (sms)",
    ]
    assert story.result("tell-drivers") == {"told": 1, "drivers": [neighbour.staff_no]}
    assert Vehicle.objects.get(number="1").state == Vehicle.State.UNDER_REPAIR
    told = Message.objects.filter(notice__template="delivery-shifted").values_list("retailer", flat=True)
    assert len(told) == len(set(told)) == 8

    # The goods change vans, counted; then deliveries run again.
    story.sees("hand-over")
    story.does("confirm-place")
    story.does("take-charge")
    assert story.news() == []
    fast_forward("4m")
    assert story.news() == [f"driver {neighbour.staff_no}: driver-new-list (sms)"]
    handover = Handover.objects.get()
    assert (handover.cartons, handover.done_at) == (70, None)
    delivery.record_handover(handover, actor=neighbour)
    story.does("hand-over", cartons=70, complete=True)
    assert story.news() == ["dispatcher: task confirm-restored (inbox sms)"]
    assert story.fresh().status == "open"
    story.does("confirm-restored")
    assert (story.fresh().status, local(story.fresh().restored_at)) == ("restored", "09:52")
    story.does("hand-in-van")
    drive(town.clock.now())
    fast_forward("8h")
    drive(town.clock.now())
    assert not Stop.objects.filter(status=Stop.Status.PLANNED, tour__isnull=False).exists()

    # The papers, the review, the end. Nobody was told anything that is not in this story.
    story.does("file-papers")
    story.does("review")
    assert story.news() == [
        "dispatcher: task file-papers (inbox)",
        "inspection-head: task review (inbox)",
    ]
    story.closes(head)
    assert story.news() == []
    assert_sound(story)


def test_the_same_as_a_drill_is_marked_and_customers_are_not_told(
    delivery_morning: Town, settings: Any
) -> None:
    """On a ground of its own; beside the real day no van is stopped (ADR 0004)."""
    settings.DRILL_GROUND = True
    town = delivery_morning
    tour = fullest_tour(town)
    story = town.report("vehicle-breakdown", breakdown_of(tour), actor=tour.driver, drill=True)
    assert story.incident.drill
    case = RecoveryCase.objects.get(run=story.run)
    delivery.accept(case.options.get(rank=1), actor=story.who("dispatcher"))
    run_until_quiet()
    customers = Message.objects.filter(notice__template="delivery-shifted")
    assert set(customers.values_list("state", "error")) == {("stopped", "drill: nobody outside is told")}
    assert customers.count() == 8
    notices = Notice.objects.filter(incident=story.incident.uuid)
    assert notices.count() == 8 and all(one.drill for one in notices)  # one wording for all eight customers
    marks = {"zh-Hans": "【演练】", "zh-Hant": "【演練】", "en": "[DRILL] "}
    assert all(one.title[language].startswith(mark) for one in notices for language, mark in marks.items())
    texts = shared_twin().to(story.who("driver").phone)
    assert texts and all(text.startswith("【演练】") for text in texts)

    # The real thing on the same van is another incident.
    real = town.report("vehicle-breakdown", breakdown_of(fullest_tour(town)), actor=None)
    assert not real.joined and not real.incident.drill


@pytest.mark.clause("E2.8", "E3.3.4", "E3.3.5")
def test_somebody_is_hurt_and_the_customers_are_postponed(delivery_morning: Town) -> None:
    """An accident: rescue first, leaders decide the times, somebody who knows the line steps in (E3.3.4, E3.3.5)."""
    town = delivery_morning
    tour = fullest_tour(town)
    hurt = breakdown_of(tour, injured=True, driver_fit=False, cause="accident")
    story = town.report("vehicle-breakdown", hurt, actor=town.on_duty("dispatcher", "delivery-center"))
    assert story.open() == {
        "send-help": "09:50",
        "find-place": "09:55",
        "take-charge": "09:50",
        "times": "09:55",
        "handle-accident": "13:40",
        "attend-site": "11:10",
        "appoint-substitute": "10:00",
        "tow-van": "15:40",
    }
    assert story.task("times").holder == town.holder("leading-group-head")
    story.decides("times", "next-day")
    assert story.result("postpone") == {"stops": 8, "next_on": "2026-11-24"}
    assert story.result("tell-postponed")["told"] == 8
    assert Stop.objects.filter(status=Stop.Status.POSTPONED).count() == 8
    candidate = story.result("find-substitute")
    assert candidate["found"] >= 1
    story.does("appoint-substitute", staff_no=candidate["staff_no"], duty="guide")
    told = Message.objects.get(notice__template="substitute-called", channel="inbox")
    assert told.person is not None and told.person.staff_no == candidate["staff_no"]
    assert "choose" not in story.open() and not Handover.objects.exists()


@pytest.mark.clause("E3.3.3", "E3.3.4")
def test_an_accident_with_no_reserve_van_left_asks_the_authority_for_one(delivery_morning: Town) -> None:
    """The request names the type, the capacity and the contract; a plain fault, or a reserve van, asks nobody."""
    town = delivery_morning
    tour = fullest_tour(town)
    with_reserve = town.report(
        "vehicle-breakdown",
        breakdown_of(tour, cause="accident"),
        actor=town.on_duty("dispatcher", "delivery-center"),
    )
    assert with_reserve.result("recover")["reserve"] is True
    assert not Message.objects.filter(notice__template="van-request").exists()
    Vehicle.objects.filter(is_reserve=True).update(state=Vehicle.State.UNDER_REPAIR)
    other = next(one for one in tours_of(town) if one != tour)
    story = town.report("vehicle-breakdown", breakdown_of(other, cause="accident"), actor=other.driver)
    assert story.result("recover")["reserve"] is False
    asked = Message.objects.filter(notice__template="van-request").select_related("contact", "notice")
    assert {message.contact.code for message in asked if message.contact} == {"authority-transport"}
    van = other.vehicle
    place = Incident.objects.get(pk=story.incident.pk).place
    assert asked[0].notice.body["zh-Hans"] == (
        f"INC-0002：我单位送货车在{place}发生事故，依保险合同示例保险合同001请求替补车，"
        f"车型{van.model}，载量{van.capacity_cartons}条。"
    )
    assert "handle-accident" in story.open() and "send-help" not in story.open()
    story.does("van-answer", granted=True, vehicle_type=van.model, capacity_cartons=van.capacity_cartons)
    assert story.task("van-answer").done_by == town.holder("delivery-center-head")
