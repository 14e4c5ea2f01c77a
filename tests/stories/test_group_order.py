"""The leading group orders departments to finish something by a date; the result is checked and circulated (E2.2)."""

from __future__ import annotations

import pytest

from changbei.notify.models import Message
from changbei.runs import services as runs
from changbei.runs.models import Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Story, Town, assert_sound

DUE = "2026-11-26T17:00:00+08:00"


def order(town: Town, **more: object) -> Story:
    report = {"subject": "检查备用车辆和防滑链", "due_at": DUE} | more
    return town.report("group-order", report, actor=town.holder("leading-group-office"))


def asked(story: Story) -> dict[str, Task]:
    tasks = Task.objects.filter(run=story.run, item__startswith="carry-out@").select_related("holder")
    return {task.item.partition("@")[2]: task for task in tasks.order_by("item")}


def reports(story: Story, code: str, *, finished: bool = True) -> None:
    task = asked(story)[code]
    assert task.holder is not None
    runs.attach(task, "note", note=f"about {code}", actor=task.holder)
    runs.complete(task, {"finished": finished}, actor=task.holder)
    run_until_quiet()


@pytest.mark.clause("E1.4", "E2.1d", "E2.2", "E2.9")
def test_every_department_is_asked_and_the_result_circulated(town: Town) -> None:
    story = order(town)
    head = town.holder("leading-group-head")
    assert (story.incident.level, story.open()) == ("LOCAL", {"sign": "11-24 09:40"})
    assert story.task("sign").holder == head and not asked(story)
    story.approves("sign")
    departments = asked(story)
    assert len(departments) == 12
    assert {code for code in departments if not code.startswith("marketing-department-")} == {
        "marketing-center",
        "delivery-center",
        "info-center",
        "finance-office",
        "security-office",
        "inspection-center",
    }
    assert departments["finance-office"].holder == town.holder("finance-head")
    assert all(task.label for task in departments.values())
    for code in departments:
        reports(story, code)
    assert story.task("check-result").holder == town.holder("inspection-head")
    assert not Message.objects.filter(notice__template="group-order-reminder").exists()
    story.news()
    story.does("check-result", verdict="partly", findings="两个站点缺防滑链。")
    told = Message.objects.filter(notice__template="group-order-result", channel="inbox").select_related(
        "notice"
    )
    people = {message.person for message in told}
    assert {head, town.holder("leading-group-deputy"), town.holder("finance-head")} <= people
    assert (
        told[0].notice.body["zh-Hans"]
        == "INC-0001：“检查备用车辆和防滑链”检查结果：部分完成。两个站点缺防滑链。"
    )
    assert told[0].notice.body["en"].endswith("has been checked: done in part. 两个站点缺防滑链。")
    story.does("accept")
    story.closes(head)
    assert_sound(story)


@pytest.mark.clause("E2.2")
def test_what_is_late_is_reminded_of_and_pressed_for(town: Town) -> None:
    story = order(town, departments=["delivery-center", "info-center"])
    story.approves("sign")
    assert set(asked(story)) == {"delivery-center", "info-center"}
    reports(story, "delivery-center")
    fast_forward("55h")  # Wednesday 16:40
    assert not Message.objects.filter(notice__template="group-order-reminder").exists()
    fast_forward("1h")
    reminded = Message.objects.filter(notice__template="group-order-reminder", channel="inbox")
    office, deputy = town.holder("leading-group-office"), town.holder("leading-group-deputy")
    assert {message.person for message in reminded} == {office, deputy}
    assert "press" not in story.open()
    fast_forward("24h")
    assert story.task("press").holder == office
    story.does("press")
    reports(story, "info-center", finished=False)
    assert "check-result" in story.open()


@pytest.mark.clause("E2.2")
def test_an_order_that_is_not_signed_goes_nowhere(town: Town) -> None:
    story = order(town)
    story.approves("sign", approved=False)
    assert story.open() == {} and not asked(story)
    assert story.run.status == "finished"
