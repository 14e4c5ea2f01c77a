"""Safety accidents and inspections (E2.8, E3.1.10)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from changbei.core.clock import LOCAL
from changbei.incidents.models import CommandPost, SystemOutage
from changbei.readiness import services as readiness
from changbei.readiness.models import Inspection, InspectionTarget, Rectification
from changbei.runs import scheduling
from changbei.runs.models import Run, ScheduledStart, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Story, Town, assert_sound, local

FIRE = {
    "what": "fire",
    "since": "2026-11-23T09:35:00+08:00",
    "place": "订单部二楼弱电间",
    "hurt": 1,
    "touches": True,
}


@pytest.mark.clause("E2.8", "E3.1.5", "E2.9")
def test_a_fire_goes_to_the_safety_plan_and_starts_this_plan_where_the_network_is_touched(town: Town) -> None:
    unit_head = town.holder("order-dept-head")
    report = {**FIRE, "in_charge": unit_head.staff_no}
    story = town.report("safety-accident", report, actor=town.on_duty("order-desk"))
    assert (story.incident.family, story.incident.level) == ("safety", "LOCAL")
    assert story.who("accident-unit-head") == unit_head
    assert story.open() == {
        "rescue": "09:55",
        "make-safe": "10:00",
        "start-safety-plan": "09:55",
        "attend": "10:10",
        "attend-unit": "10:10",
        "assess": "10:10",
    }
    told = story.news()
    assert "authority-medical: rescue-called (sms)" in told
    assert [line for line in told if line.startswith("security-head: safety-plan-asked")] == [
        "security-head: safety-plan-asked (inbox sms)"
    ]
    for role in ("commander", "deputy", "office", "accident-unit-head"):
        assert f"{role}: safety-accident-leaders (inbox sms)" in told

    # Security attends with a picture; the head of the unit attends too, else security hears of it.
    story.sees("attend")
    story.does("rescue", ambulance_at="2026-11-23T09:40:00+08:00", accounted=True)
    story.does("make-safe")
    story.does("start-safety-plan", plan="火灾事故处置方案", started_at="2026-11-23T09:40:00+08:00")
    story.does("attend", arrived_at="2026-11-23T09:40:00+08:00")
    assert story.task("attend").evidence == ["photo"]
    fast_forward("31m")
    assert [line for line in story.escalations() if "attend-unit due" in line] == [
        "10:10 attend-unit due → security-head"
    ]
    story.does("attend-unit", arrived_at="2026-11-23T10:11:00+08:00")

    # Network equipment is touched: the departments are told, and its procedure runs within the same incident.
    story.news()
    story.decides("assess", "equipment")
    assert [line for line in story.news() if "network-touched" in line] == [
        "delivery-center-head: network-touched (inbox sms)",
        "finance-head: network-touched (inbox sms)",
        "info-center-head: network-touched (inbox sms)",
        "inspection-head: network-touched (inbox sms)",
        "marketing-center-head: network-touched (inbox sms)",
    ]
    called = Run.objects.get(caller=story.run)
    assert (called.procedure, called.incident) == ("equipment-fault", story.incident.uuid)
    inner = Story(story.incident, run_of=called)
    inner.decides("fit-spare", "mended")
    inner.does("reach-vendor", case_number="N-1", taken_by="维保甲")
    inner.does("reach-province", taken_by="省中心乙")
    inner.does("protect")
    inner.does("confirm-restored", back_at="2026-11-23T10:11:00+08:00")
    assert story.open() == {}
    inner.does("review")
    assert story.open() == {"confirm-over": "14:11"}
    story.does("confirm-over", over_at="2026-11-23T10:11:00+08:00")
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E2.8", "E2.6")
def test_an_accident_that_touches_nothing_stays_with_the_safety_plan(town: Town) -> None:
    report = {**FIRE, "hurt": 0, "what": "theft", "touches": False}
    story = town.report("safety-accident", report, actor=town.on_duty("dispatcher"))
    assert "authority-medical: rescue-called (sms)" not in story.news()
    assert "rescue" not in story.open()
    story.decides("assess", "none")
    assert not Run.objects.filter(caller=story.run).exists()
    other = town.report(
        "safety-accident", {**report, "place": "配送中心仓库"}, actor=town.on_duty("dispatcher")
    )
    other.decides("assess", "delivery")
    assert other.task("delivery").holder == town.holder("delivery-center-head")


@pytest.mark.clause("E2.8", "E2.1b")
def test_an_accident_that_stops_the_whole_city_has_a_command_post(town: Town) -> None:
    report = {**FIRE, "stops_work": True, "city_wide": True}
    story = town.report("safety-accident", report, actor=town.on_duty("order-desk"))
    assert story.incident.level == "MAJOR"
    assert CommandPost.objects.get().commander == town.holder("leading-group-head")
    assert "set-up-post" in story.open()
    assert not SystemOutage.objects.exists()


# --- inspections


def at(town: Town, moment: str) -> None:
    """Go to this moment, e.g. "11-28 09:00", and let the workers do what is due."""
    town.clock.advance_to(datetime.strptime(f"2026-{moment}", "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL))
    run_until_quiet()


def round_of(irregular: bool) -> ScheduledStart:
    rows = ScheduledStart.objects.filter(procedure="safety-inspection").order_by("position")
    return rows[1 if irregular else 0]


@pytest.mark.clause("E2.8", "E3.1.10", "E2.9")
def test_the_regular_round_looks_at_every_place_and_findings_get_an_owner_and_a_date(town: Town) -> None:
    story = town.report("safety-inspection", {"round": "regular"}, actor=town.holder("security-head"))
    run = story.run
    tasks = Task.objects.filter(run=run).order_by("item")
    places = list(
        InspectionTarget.objects.filter(active=True).order_by("code").values_list("code", flat=True)
    )
    assert [task.item for task in tasks] == [f"inspect@{code}" for code in places]
    kinds = set(InspectionTarget.objects.values_list("kind", flat=True))
    assert kinds == {"server-room", "power-room", "office", "warehouse", "vehicle", "network-equipment"}
    assert {task.holder.job for task in tasks if task.holder} == {"guard"}

    owner = town.holder("info-center-head")
    for task in tasks:
        if task.item == "inspect@server-room":
            story.does(
                task.item, state="finding", finding="灭火器过期", owner=owner.staff_no, due_on="2026-11-27"
            )
        else:
            story.does(task.item, state="in_order")
    finding = Rectification.objects.get()
    assert (finding.owner, finding.due_on, finding.text) == (owner, date(2026, 11, 27), "灭火器过期")
    assert Inspection.objects.filter(run=run.uuid, done_on=date(2026, 11, 23)).count() == len(places)
    assert "inspection-head: inspection-findings (inbox sms)" in story.news()

    # On the morning after its date it is looked at again; it is not mended, and security has to see to it.
    assert story.timers("wait") == {"wait:until-due": "11-28 09:00"}
    at(town, "11-28 09:00")
    assert story.open() == {f"recheck@{finding.pk}": "12-05 00:00"}
    story.does(f"recheck@{finding.pk}")
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED


@pytest.mark.clause("E2.8", "E3.1.10")
def test_rounds_begin_by_themselves_on_a_date_everybody_knows_and_on_one_nobody_does(town: Town) -> None:
    scheduling.look_at_schedules()
    regular, irregular = round_of(False), round_of(True)
    assert regular.due_at is not None and irregular.due_at is not None
    assert local(regular.due_at) == "12-10 09:00"
    drawn = irregular.due_at.astimezone(LOCAL)
    assert (drawn.hour, drawn.minute) == (10, 0)
    town.clock.advance_to(max(regular.due_at, irregular.due_at))
    run_until_quiet()
    runs = Run.objects.filter(procedure="safety-inspection").order_by("pk")
    assert {run.state["context"]["report"]["round"] for run in runs} == {"regular", "irregular"}
    assert {(run.incident, run.number[:4]) for run in runs} == {(None, "PRO-")}
    unannounced = next(run for run in runs if run.state["context"]["report"]["round"] == "irregular")
    places = Task.objects.filter(run=unannounced).values_list("item", flat=True)
    assert "inspect@network-equipment" not in places
    assert len(places) == InspectionTarget.objects.filter(active=True).count() - 1


@pytest.mark.clause("E2.8")
def test_a_mended_finding_needs_no_second_look(town: Town) -> None:
    answer = town.report("safety-inspection", {"round": "irregular"}, actor=town.holder("security-head"))
    run = answer.run
    for task in Task.objects.filter(run=run).order_by("item"):
        found: dict[str, Any] = (
            {"state": "finding", "finding": "门锁损坏", "due_on": "2026-11-24"}
            if task.item == "inspect@power-room"
            else {"state": "in_order"}
        )
        answer.does(task.item, **found)
    finding = Rectification.objects.get()
    assert finding.owner == town.holder("security-head")
    readiness.mend(finding, actor=finding.owner)
    at(town, "11-25 09:00")
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED
    assert answer.result_of("look-again") == {"count": 0, "findings": []}
