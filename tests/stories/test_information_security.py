"""Harmful information and attacks: evidence first, the whole network next, the report in time (E3.1.3)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile

from changbei.core.errors import Invalid
from changbei.people.models import Person
from changbei.runs import services as runs
from changbei.runs.models import Evidence, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Story, Town, assert_sound

SEEN = {
    "what": "harmful",
    "since": "2026-11-23T09:20:00+08:00",
    "computer": "订单部 PC-07",
    "stops_work": False,
}


def preserves(story: Story, user: Person, custodian: Person) -> bytes:
    """The user attaches the original and names who keeps it."""
    original = b"what was found on the computer"
    task = story.task("preserve")
    runs.attach(task, "file", file=ContentFile(original, name="original.txt"), actor=user)
    runs.complete(task, {"custodian": custodian.staff_no, "kept_at": "保险柜 3"}, actor=user)
    run_until_quiet()
    return original


@pytest.mark.clause("E3.1.3", "E2.3")
def test_nothing_is_removed_before_the_original_is_kept(town: Town) -> None:
    user, custodian = town.on_duty("order-desk"), town.holder("security-head")
    story = town.report("information-security", SEEN, actor=user)
    assert (story.incident.level, story.who("computer-user")) == ("LOCAL", user)
    assert story.open() == {"preserve": "10:10", "contain": "09:55", "grade": "10:40"}
    assert story.news() == [
        "computer-user: report-received (inbox sms)",
        "computer-user: task preserve (inbox sms)",
        "info-center-head: security-staff (inbox sms)",
        "info-center-head: task grade (inbox sms)",
        "info-technician: task contain (inbox sms)",
        "marketing-center-head: security-staff (inbox sms)",
        "office: security-staff (inbox sms)",
        "security-head: security-staff (inbox sms)",
    ]

    # A custodian without the original is refused, the original without a custodian as well.
    with pytest.raises(Invalid) as refused:
        runs.complete(
            story.task("preserve"), {"custodian": custodian.staff_no, "kept_at": "保险柜 3"}, actor=user
        )
    assert [problem.field for problem in refused.value.problems] == ["evidence"]
    with pytest.raises(Invalid) as refused:
        runs.complete(story.task("preserve"), {"kept_at": "保险柜 3"}, actor=user)
    assert "custodian" in [problem.field for problem in refused.value.problems]
    assert not Task.objects.filter(run=story.run, item="remove").exists()

    # Kept: its SHA-256, its time and its custodian are on record, and only now can a removal be recorded.
    original = preserves(story, user, custodian)
    evidence = Evidence.objects.get()
    assert evidence.sha256 == hashlib.sha256(original).hexdigest()
    kept = story.result_of("preserve")
    assert (kept["custodian"], [one["sha256"] for one in kept["evidence"]]) == (
        custodian.staff_no,
        [evidence.sha256],
    )
    assert (kept["evidence"][0]["kind"], kept["evidence"][0]["by"]) == ("file", user.staff_no)
    custody = f"take-custody@{custodian.staff_no}"
    assert story.open() == {"contain": "09:55", "grade": "10:40", "remove": "10:40", custody: "13:40"}
    assert story.task(custody).holder == custodian
    story.does("remove", removed="三条", removed_at="2026-11-23T09:40:00+08:00")
    story.does(custody, seal="F-1", hash_agrees=True)

    # The second layer; a general incident of one computer goes nowhere else.
    story.does("contain", isolated=True)
    story.decides("grade", "general")
    story.does("sweep", checked=310, affected=0, damaged=False)
    assert story.open() == {"confirm-restored": "11:40"}
    story.news()
    story.does("confirm-restored", back_at="2026-11-23T09:40:00+08:00")
    assert story.news() == [
        "computer-user: security-over (inbox sms)",
        "inspection-head: task review (inbox)",
        "marketing-center-head: security-over (inbox sms)",
        "office: security-over (inbox sms)",
        "security-head: security-over (inbox sms)",
    ]
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.3", "E3.1.2", "E3.1.13", "E3.1.5")
def test_a_rather_large_incident_is_reported_within_four_hours_of_its_discovery(town: Town) -> None:
    user = town.on_duty("order-desk")
    story = town.report("information-security", {**SEEN, "what": "attack"}, actor=user)
    preserves(story, user, town.holder("security-head"))
    story.does("contain", isolated=True)
    story.decides("grade", "general")
    assert story.timers("wait") == {}

    # The sweep finds seven computers and damaged data: it is graded again, and the limit runs from 09:20.
    story.does("sweep", checked=310, affected=7, damaged=True)
    assert story.open()["regrade"] == "10:10"
    assert story.open()["restore-data"] == "13:40"
    story.news()
    story.decides("regrade", "rather-large")
    assert story.timers("mark", "wait") == {"mark:report-clock:soon": "12:20", "wait:report-clock": "13:20"}
    assert story.news() == [
        "info-center-head: task report-province (inbox sms)",
        "province-info: network-incident-province (sms)",
        "security-head: task report-police (inbox sms)",
    ]
    story.sees("report-province")
    fast_forward(timedelta(hours=2, minutes=40))
    told = [line for line in story.news() if "network-report-due" in line]
    assert told == [
        "commander: network-report-due (inbox sms)",
        "deputy: network-report-due (inbox sms)",
        "info-center-head: network-report-due (inbox sms)",
        "office: network-report-due (inbox sms)",
    ]
    story.does("report-province", reported_at="2026-11-23T12:20:00+08:00", receipt="W-7")
    assert story.result_of("report-clock")["ended"] == "stopped"
    story.does("report-police", outcome="回执 1")
    story.does("restore-data", backup_of="2026-11-22", restored_at="2026-11-23T12:20:00+08:00")
    story.does("clean-others", cleaned=7)
    story.does("remove", removed="后门程序", removed_at="2026-11-23T12:20:00+08:00")
    custodian = town.holder("security-head").staff_no
    story.does(f"take-custody@{custodian}", seal="F-2", hash_agrees=True)
    story.does("confirm-restored", back_at="2026-11-23T12:20:00+08:00")
    assert story.open() == {"final-report": "12-23 12:20", "review": "11-30 12:20"}
    story.does("final-report")
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.3")
def test_a_description_is_not_the_original(town: Town) -> None:
    user, custodian = town.on_duty("order-desk"), town.holder("security-head")
    story = town.report("information-security", SEEN, actor=user)
    task = story.task("preserve")
    runs.attach(task, "note", note="what it looked like", actor=user)
    with pytest.raises(Invalid) as refused:
        runs.complete(task, {"custodian": custodian.staff_no, "kept_at": "保险柜 3"}, actor=user)
    assert [problem.field for problem in refused.value.problems] == ["evidence"]
    fast_forward("31m")
    assert not Task.objects.filter(run=story.run, item="remove").exists()
    assert [line for line in story.escalations() if "preserve due" in line] == [
        "10:10 preserve due → info-center-head"
    ]
