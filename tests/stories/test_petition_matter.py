"""A petition matter within its time limits: accepted in 15 days, answered in 60, longer with approval (P2, P10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from changbei.journal.models import Entry
from changbei.plans.services import adopt
from changbei.runs import scheduling
from changbei.runs.models import Run, ScheduledStart, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Story, Town, assert_sound

PLANS = Path(__file__).resolve().parents[2] / "plans"


@pytest.fixture
def petitions(town: Town) -> Town:
    adopt(PLANS / "collective-petitions", actor=None)
    return town


def matter(town: Town, **more: Any) -> Story:
    report = {
        "subject": "labour",
        "about": "加班工资计算",
        "received_at": "2026-11-20T09:40:00+08:00",
        "owner": town.holder("finance-head").staff_no,
        "reply_wanted": True,
    }
    return town.report("petition-matter", report | more, actor=town.holder("leading-group-office"))


def accepted(story: Story, town: Town) -> None:
    story.decides("accept", "accepted")
    # The answer's time runs from the acceptance on Saturday, not from when it was told.
    told_at = town.clock.now().isoformat()
    story.does("tell-accept", decided_at="2026-11-21T09:40:00+08:00", told_at=told_at, document_no="受理1号")
    story.does("look-into", findings="计算基数有误", law="劳动法")


@pytest.mark.clause("P2", "P10")
def test_a_matter_is_accepted_answered_and_filed(petitions: Town) -> None:
    story = matter(petitions)
    assert story.who("matter-owner") == petitions.holder("finance-head")
    # How grave it is follows from no clause of the city's plan for emergencies.
    assert Entry.objects.get(incident=story.incident.uuid, kind="incidents.classified").clause == ""
    # The time limit counts from the receipt on Friday, not from the registration on Monday.
    assert story.timers("mark", "wait") == {
        "mark:accept-clock:near": "12-02 09:40",
        "wait:accept-clock": "12-05 09:40",
    }
    accepted(story, petitions)
    assert story.timers("wait") == {"wait:answer-clock": "01-20 09:40"}
    story.decides("extend", "in-time")
    story.does("write-answer", outcome="granted", document_no="意见1号")
    story.does("deliver", delivered_at=petitions.clock.now().isoformat(), way="in-person", review_told=False)
    assert "tell-review" in story.open()  # an answer without it is not complete
    story.does("tell-review")
    story.decides("review", "asked")
    story.does("hand-to-review", to="省公司")
    assert list(story.open()) == ["destroy-slip", "file-matter"]
    story.does("destroy-slip")
    story.does("file-matter", file_no="2026-7", years=10)
    assert_sound(story)


@pytest.mark.clause("P2")
@pytest.mark.parametrize(
    ("approved", "days", "ends"),
    [(True, 20, "02-09 09:40"), (True, None, "02-19 09:40"), (False, 20, "01-20 09:40")],
)
def test_more_time_needs_approval_and_is_told(
    petitions: Town, approved: bool, days: int | None, ends: str
) -> None:
    story = matter(petitions)
    accepted(story, petitions)
    story.decides("extend", "longer", why="需核对三年工资表", **({"days": days} if days else {}))
    assert story.task("approve-extension").role == "commander"
    story.approves("approve-extension", approved=approved)
    assert story.timers("wait") == {"wait:answer-clock": ends}
    assert ("tell-extension" in story.open()) is approved


@pytest.mark.clause("P2")
def test_time_limits_that_come_near_or_pass_are_told(petitions: Town) -> None:
    story = matter(petitions, received_at="2026-11-12T09:40:00+08:00")
    story.news()
    fast_forward("1m")
    assert not [line for line in story.news() if "acceptance-" in line]
    fast_forward("1d")
    near = [line for line in story.news() if "acceptance-near" in line]
    assert [line.partition(":")[0] for line in near] == ["enquiry-lead", "matter-owner", "office"]
    fast_forward("3d")
    missed = [line for line in story.news() if "acceptance-missed" in line]
    assert [line.partition(":")[0] for line in missed] == ["commander", "enquiry-lead", "office"]


@pytest.mark.clause("P8")
def test_what_is_not_ours_is_told_and_passed_on(petitions: Town) -> None:
    story = matter(petitions, reply_wanted=False)
    story.decides("accept", "not-ours")
    now = petitions.clock.now().isoformat()
    story.does("tell-accept", decided_at=now, told_at=now, document_no="告知1号")
    story.does("pass-on", to="市人社局", document_no="转送1号")
    assert list(story.open()) == ["file-matter"]


@pytest.mark.clause("P10")
def test_files_that_were_kept_long_enough_are_destroyed_before_two(petitions: Town) -> None:
    scheduling.look_at_schedules()
    ScheduledStart.objects.filter(procedure="petition-archive").update(due_at=petitions.clock.now())
    assert scheduling.start_due() == 1
    run_until_quiet()
    run = Run.objects.get(procedure="petition-archive")
    assert run.confidential
    task = Task.objects.get(run=run, item="list-expired")
    assert task.role == "office"
