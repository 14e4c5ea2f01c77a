"""The other ways through bad weather: flood, cash, lines on hold, goods merged, a milder warning (E3.2.1–E3.2.5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from changbei.core import moments
from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid, NotAllowed
from changbei.delivery import planning, selectors
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import Stop
from changbei.incidents import cap
from changbei.incidents import services as incidents
from changbei.incidents.cap_writer import NewWarning, WarningText, write
from changbei.incidents.models import LineMeasure, Suspension, Warning
from changbei.incidents.services.lines import lines_concerned, on_hold
from changbei.network.models import District, Retailer
from changbei.notify.models import Message
from changbei.plans.services import adopt
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.site.drills.answers import photo
from tests.stories.telling import Story, Town

FLOOD = Path(__file__).resolve().parents[2] / "plans" / "warehouse-flood"
WEDNESDAY = datetime(2026, 11, 25, 7, 30, tzinfo=LOCAL)
DISTRICT = "990124"


@pytest.fixture
def morning(town: Town) -> Town:
    """Wednesday before the vans leave."""
    town.clock.advance_to(WEDNESDAY)
    planning.plan_day(WEDNESDAY.date(), actor=None)
    return town


def area() -> dict[str, Any]:
    return dict(District.objects.get(code=DISTRICT).outline)


def everywhere() -> dict[str, Any]:
    rows = list(Retailer.objects.values_list("longitude", "latitude"))
    west, east = min(row[0] for row in rows) - 0.01, max(row[0] for row in rows) + 0.01
    south, north = min(row[1] for row in rows) - 0.01, max(row[1] for row in rows) + 0.01
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def weather(town: Town, **more: Any) -> Story:
    report = {"phenomenon": "rainstorm", "area": area(), "colour": "yellow"} | more
    return town.report("severe-weather", report, actor=town.holder("delivery-center-head"))


def alert(identifier: str, colour: str, now: datetime, *, update: Warning | None = None) -> bytes:
    words = ("暴雨预警", f"暴雨预警 {colour}", "强降雨。", "注意防范。", "示例区", "示例气象台")
    more: dict[str, Any] = {}
    if update is not None and update.sent is not None:
        more = {
            "msg_type": "Update",
            "references": [cap.Reference(update.sender, update.identifier, update.sent)],
        }
    return write(
        NewWarning(
            sender="weather@changbei.invalid",
            identifier=identifier,
            sent=now,
            texts=[WarningText("zh-CN", *words)],
            area=area(),
            effective=now,
            expires=now + timedelta(hours=12),
            status="Actual",
            colour=colour,
            **more,
        )
    )


@pytest.mark.clause("E3.2.3")
def test_the_plan_for_a_flooded_warehouse_is_called_and_ends(morning: Town) -> None:
    adopt(FLOOD, actor=None)
    story = weather(morning, warehouse_flooded=True, flooded_site="delivery-center")
    called = Run.objects.get(procedure="warehouse-flood")
    assert (called.number, called.incident, called.status) == ("INC-0001/2", story.incident.uuid, "running")

    def open_() -> dict[str, Task]:
        tasks = Task.objects.filter(run=called, status__in=["open", "acknowledged"]).select_related("holder")
        return {task.item: task for task in tasks}

    assert set(open_()) == {"people-out", "power-off", "other-stock"}
    assert open_()["people-out"].holder == morning.holder("warehouse-head")
    results: dict[str, dict[str, Any]] = {
        "people-out": {"missing": 0},
        "power-off": {"cut_by": "own"},
        "pumps": {"enough": True},
        "list-damage": {"cartons": 120},
        "claim": {"claim_no": "示例0001"},
    }
    order = []
    for _round in range(40):
        waiting = open_()
        if not waiting:
            break
        item, task = sorted(waiting.items())[0]
        order.append(item)
        assert task.holder is not None
        for kind in task.evidence:
            if kind == "note":
                runs.attach(task, kind, note="x", actor=task.holder)
            else:
                runs.attach(task, kind, file=flood_photo(), actor=task.holder)
        if task.kind == Task.Kind.DECIDE:
            runs.decide(task, "enter", actor=task.holder)
        else:
            runs.complete(task, results.get(item, {}), actor=task.holder)
        run_until_quiet()
    # Nothing about the goods before everybody was counted and the power was off.
    assert order.index("may-enter") > max(order.index("people-out"), order.index("power-off"))
    assert order.index("raise-goods") > order.index("may-enter")
    assert order.index("list-damage") > order.index("photograph")
    assert order.index("start-sorting") > order.index("electric-test")
    assert order[-1] == "review" and len(order) == 15
    called.refresh_from_db()
    assert called.status == Run.Status.FINISHED
    told = Message.objects.filter(notice__template="damage-claim")
    assert {message.contact.code for message in told if message.contact} == {"insurer-fleet"}
    run = story.run
    assert run.state["context"]["result"]["flood_plan"]["run"] == str(called.uuid)


def flood_photo() -> ContentFile[bytes]:
    return ContentFile(photo(), name="seen.png")


@pytest.mark.clause("E3.2.3", "E2.8")
def test_security_finds_the_water_later(morning: Town) -> None:
    adopt(FLOOD, actor=None)
    story = weather(morning)
    assert not Run.objects.filter(procedure="warehouse-flood").exists()
    story.does("report-security", warehouse_flooded=True, flooded_site="transfer-station-1")
    called = Run.objects.get(procedure="warehouse-flood")
    assert called.state["context"]["report"] == {"site": "transfer-station-1"}


@pytest.mark.clause("E3.2.4", "E2.7")
def test_customers_who_cannot_reach_the_bank_settle_in_cash(morning: Town) -> None:
    story = weather(morning)
    assert not Run.objects.filter(procedure="cash-settlement").exists()
    story.does("report-finance", bank_unreachable="road_cut")
    called = Run.objects.get(procedure="cash-settlement")
    assert (called.number, called.incident) == ("INC-0001/2", story.incident.uuid)
    assert called.state["context"]["report"] == {"reason": "road_cut"}


@pytest.mark.clause("E3.2.1", "E3.2.2", "E2.6")
def test_lines_go_later_wait_and_go_again(morning: Town) -> None:
    """Each customer gets the own time; what waits is looked at again, and nobody is told twice."""
    town = morning
    story = weather(town, area=everywhere())
    story.decides("whole", "change")
    task = story.task("change-times")
    dispatcher = town.on_duty("dispatcher", "delivery-center")
    assert (task.page, task.holder) == ("incidents.lines", dispatcher)
    tours = list(lines_concerned(story.incident))
    assert len(tours) >= 2
    first, *others = tours
    before = dict(first.stops.values_list("retailer", "expected_at"))
    choices = [LineChoice(first.pk, "later", 90)] + [LineChoice(one.pk, "hold") for one in others]
    with pytest.raises(NotAllowed):
        incidents.decide_lines(story.incident, choices, actor=tours[0].driver)
    with pytest.raises(Invalid):  # no suspension without a time at which it is looked at again
        incidents.decide_lines(story.incident, choices, actor=dispatcher)
    review_at = WEDNESDAY + timedelta(hours=3)
    incidents.decide_lines(story.incident, choices, review_at=review_at, actor=dispatcher)
    run_until_quiet()
    assert story.task("change-times").status == "done"
    after = dict(first.stops.values_list("retailer", "expected_at"))
    assert after == {shop: at + timedelta(minutes=90) for shop, at in before.items() if at}
    waiting = sum(one.stops.count() for one in others)
    assert story.result("tell-change") == {"told": len(before) + waiting, "unreachable": 0}
    told = Message.objects.filter(notice__template="line-later").select_related("notice", "retailer")
    assert len(told) == len(before)
    one = told[0]
    assert one.retailer is not None
    expected_at = after[one.retailer.pk]
    assert expected_at is not None
    expected = moments.moment(expected_at)["zh-Hans"]
    assert one.body == f"{one.retailer.name}：受天气影响，您的货物将推迟约90分钟，预计{expected}送达。"
    assert one.notice.messages.count() == len(before)  # one wording for all
    held = others[0].stops.select_related("retailer__line").order_by("pk")[0].retailer
    found = selectors.next_delivery(held)
    assert found is not None and (found.on, found.held, found.expected_at) == (WEDNESDAY.date(), True, None)

    # At half past ten it is looked at again; the head of the delivery centre merges it into Thursday.
    fast_forward("3h")
    assert "release" in story.open()
    story.decides("release", "merge")
    merged = {"lines": len(others), "stops": waiting, "measure": "merge", "practised": False}
    assert story.result("end-hold") == merged
    assert story.result("tell-lines") == {"told": waiting, "unreachable": 0}
    assert not on_hold(story.incident).exists()
    found = selectors.next_delivery(held)
    assert found is not None and (found.on, found.moved) == (date(2026, 11, 26), True)
    measures = LineMeasure.objects.filter(incident=story.incident, ended_at__isnull=True)
    assert sorted(measures.values_list("measure", flat=True)) == ["later"] + ["merge"] * len(others)
    assert "confirm-restored" in story.open()


@pytest.mark.clause("E3.2.2")
def test_goods_of_a_suspended_area_are_merged_into_the_day_after(morning: Town) -> None:
    story = weather(morning)
    ends_at = (WEDNESDAY + timedelta(hours=30)).isoformat()  # Thursday afternoon
    story.decides("partial", "suspend", goods="merge", ends_at=ends_at, reason="暴雨")
    suspension = Suspension.objects.get()
    assert (suspension.goods, suspension.scope) == ("merge", "partial")
    moved = Stop.objects.filter(moved_to=date(2026, 11, 27))
    assert moved.count() == story.result("suspend-partial")["stops_held"] > 0
    assert not Stop.objects.filter(status=Stop.Status.HELD).exists()
    shop = moved.select_related("retailer__line")[0].retailer
    found = selectors.next_delivery(shop)
    assert found is not None and (found.on, found.moved) == (date(2026, 11, 27), True)
    planning.plan_day(date(2026, 11, 27), actor=None)
    brought = Stop.objects.filter(day__date=date(2026, 11, 27), moved_from__isnull=False).distinct()
    assert brought.count() == moved.count()


@pytest.mark.clause("E3.2", "E3.2.1")
def test_a_milder_warning_proposes_to_resume(morning: Town) -> None:
    """Orange to yellow: the office is asked at once. Red to orange would not do."""
    received = incidents.receive_warning(alert("a-1", "red", WEDNESDAY), source="test")
    assert received.incident is not None
    run_until_quiet()
    story = Story(received.incident)
    story.decides("partial", "suspend", reason="暴雨", ends_at=(WEDNESDAY + timedelta(hours=10)).isoformat())
    story.does("hold-vans")
    fast_forward("1h")
    now = morning.clock.now()
    second = incidents.receive_warning(alert("a-2", "orange", now, update=received.warning), source="test")
    run_until_quiet()
    assert second.action == "join" and "resume-partial" not in story.open()
    fast_forward("1h")
    now = morning.clock.now()
    third = incidents.receive_warning(alert("a-3", "yellow", now, update=second.warning), source="test")
    run_until_quiet()
    assert third.incident == story.incident
    ((_at, _kind, data),) = story.facts("incidents.all_clear")
    assert data["why"] == "eased"
    assert "resume-partial" in story.open()
    # Extended all the same: the earlier all-clear does not end the extension.
    later = (now + timedelta(hours=12)).isoformat()
    story.decides("resume-partial", "extend", ends_at=later)
    assert "end-extension" not in story.open()
    assert Suspension.objects.get().ends_at == now + timedelta(hours=12)
