"""Several people bring a matter together: safety, reception, answers, and who hears of it when (P1, P3–P11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from changbei.core.errors import Invalid
from changbei.notify.models import Message
from changbei.plans.services import adopt
from changbei.runs.models import Run
from changbei.site.clockwork import fast_forward
from tests.stories.telling import Story, Town, assert_sound

PLANS = Path(__file__).resolve().parents[2] / "plans"
VISIT = {
    "known_before": False,
    "where": "here",
    "subject": "supply",
    "about": "供货周期调整后断货",
    "people": 28,
}


@pytest.fixture
def petitions(town: Town) -> Town:
    adopt(PLANS / "collective-petitions", actor=None)
    return town


def visit(town: Town, **more: Any) -> Story:
    return town.report("collective-visit", VISIT | more, actor=town.on_duty("security-desk"))


def told(story: Story, template: str) -> list[str]:
    """The outside bodies that got a message of this template."""
    rows = Message.objects.filter(notice__incident=story.incident.uuid, notice__template=template)
    return sorted(rows.values_list("contact__code", flat=True).distinct())


def received(story: Story, town: Town, *, people: int = 28) -> None:
    story.does("safe-site", hurt=False)
    now = town.clock.now().isoformat()
    story.does("receive", people=people, arrived_at=now, matter="断货；现场听取意见", slip=True)
    story.does("unit-heads")
    story.does("gather-law", law="供货合同和货源投放办法")


def ends(story: Story) -> None:
    """From the end of the visit to the lessons."""
    story.does("calm")
    story.does("minutes", recorded="none")
    story.does("summary", summary="先安全，后解答")
    story.does("causes", causes="通知不到位", lessons="调整供货周期前先征求意见")


@pytest.mark.clause("P1", "P4", "P5", "P6", "P7", "P8", "P10", "P11")
def test_a_visit_that_does_not_ease_is_reported_mediated_and_passed_on(petitions: Town) -> None:
    story = visit(petitions)
    assert story.open() == {
        "safe-site": "09:55",
        "receive": "10:10",
        "name-owner": "10:40",
        "unit-heads": "10:40",
        "gather-law": "10:40",
        "room-hall": "10:10",
        "begin-answer": "11:10",
    }
    assert [line for line in story.news() if "teams-told" in line] == [
        "answer-lead: teams-told (inbox sms)",
        "commander: teams-told (inbox sms)",
        "enquiry-lead: teams-told (inbox sms)",
        "office: teams-told (inbox sms)",
        "safety-lead: teams-told (inbox sms)",
    ]
    received(story, petitions)
    story.does("room-hall")
    with pytest.raises(Invalid) as refused:
        story.does("name-owner", owner="CB9999")
    assert [problem.field for problem in refused.value.problems] == ["owner"]
    story.does("name-owner", owner=petitions.holder("order-dept-head").staff_no)
    story.does("begin-answer", began_at=petitions.clock.now().isoformat())
    fast_forward("119m")
    assert "easing" not in story.open()

    # Two hours of answering, 28 people, and it has not eased: five are written to once the group has signed.
    fast_forward("1m")
    story.decides("easing", "tense")
    story.does("write-report", matter="供货周期调整后断货")
    assert told(story, "visit-report") == []
    story.approves("sign-report")
    assert told(story, "visit-report") == [
        "authority-labour",
        "authority-police",
        "authority-stability",
        "authority-union",
        "province-petitions",
    ]

    # Eight hours: police and labour bureau are asked to take part in mediation, and in nothing else.
    fast_forward("359m")
    assert "ask-mediation" not in story.open()
    fast_forward("1m")
    story.approves("ask-mediation")
    assert told(story, "mediation-asked") == ["authority-labour", "authority-police"]
    story.does("mediate", agreed=False)

    # It is not ours to decide: four bodies get it in writing, and the people hear who deals with it.
    story.decides("outcome", "beyond")
    story.does("sign-referral", matter="供货周期", document_no="转送1号")
    assert told(story, "referral") == [
        "authority-labour",
        "authority-petitions",
        "authority-union",
        "province-petitions",
    ]
    story.does("explain-referral")
    assert not Run.objects.filter(procedure="petition-matter").exists()
    ends(story)
    heads = Message.objects.filter(notice__template="lessons", channel="inbox", person__isnull=False)
    assert heads.exists()
    assert set(heads.values_list("person__job", flat=True)) == {"head"}

    # Filed for fewer years than the plan sets: corrected before the run ends.
    story.does("archive", file_no="2026-1", years=3)
    assert list(story.open()) == ["keep-longer"]
    story.does("keep-longer")
    assert_sound(story)


@pytest.mark.clause("P6", "P7")
@pytest.mark.parametrize(("people", "asked"), [(15, False), (16, True)])
def test_only_of_more_than_fifteen_it_is_asked_whether_it_has_eased(
    petitions: Town, people: int, asked: bool
) -> None:
    story = visit(petitions, people=people)
    received(story, petitions, people=people)
    story.does("begin-answer", began_at=petitions.clock.now().isoformat())
    fast_forward("2h")
    assert ("easing" in story.open()) is asked
    fast_forward("359m")
    assert "ask-mediation" not in story.open()
    fast_forward("1m")
    assert "ask-mediation" in story.open()


@pytest.mark.clause("P6")
def test_a_visit_that_eases_is_reported_to_nobody_outside(petitions: Town) -> None:
    story = visit(petitions)
    received(story, petitions)
    story.does("begin-answer", began_at=petitions.clock.now().isoformat())
    fast_forward("2h")
    story.decides("easing", "eased")
    story.decides("outcome", "settled")
    story.does("room-hall")
    story.does("name-owner", owner=petitions.holder("order-dept-head").staff_no)
    fast_forward("9h")
    assert sorted(story.open()) == ["calm", "write-down"]
    assert story.task("write-down").role == "answer-lead"
    assert not Message.objects.filter(contact__isnull=False).exists()


@pytest.mark.clause("P2", "P3", "P5")
def test_a_visit_known_in_advance_is_prepared_and_its_matter_is_taken_up(petitions: Town) -> None:
    story = visit(petitions, known_before=True, people=9, subject="labour")
    assert story.open() == {"convene": "11:40", "ready-site": "13:40"}
    owner = petitions.holder("finance-head")
    story.does("convene")
    story.does("ready-site")
    story.does("measures", owner=owner.staff_no, measures="当面说明，逐项答复")
    story.decides("arrival", "came")
    assert "room-union" in story.open()
    assert "name-owner" not in story.open()  # one person answers for the matter already
    received(story, petitions, people=9)
    story.does("room-union")
    story.does("begin-answer", began_at=petitions.clock.now().isoformat())
    story.decides("outcome", "matter")
    called = Story(story.incident, run_of=Run.objects.get(procedure="petition-matter"))
    assert called.who("matter-owner") == owner
    assert called.result_of("accept") == {}
    assert called.open() == {"accept": "11-28 09:40"}


@pytest.mark.clause("P3")
def test_people_who_do_not_come_are_answered_all_the_same(petitions: Town) -> None:
    story = visit(petitions, known_before=True, people=9)
    story.does("convene")
    story.does("ready-site")
    story.does("measures", owner=petitions.holder("order-dept-head").staff_no, measures="当面说明")
    story.decides("arrival", "stayed-away")
    assert list(story.open()) == ["calm"]
    assert Run.objects.filter(procedure="petition-matter").count() == 1


@pytest.mark.clause("P4")
def test_whoever_is_hurt_is_helped_before_anything_is_known(petitions: Town) -> None:
    story = visit(petitions, hurt=True)
    assert story.open()["ambulance"] == "09:50"
    assert story.task("ambulance").role == "security-desk"


@pytest.mark.clause("P9")
def test_a_petition_at_a_higher_office_is_taken_up_and_nobody_is_fetched(petitions: Town) -> None:
    story = visit(petitions, where="higher", people=6, subject="pension")
    assert story.open() == {"contact-office": "10:40", "take-up": "13:40"}
    story.does("contact-office")
    assert story.open()["offer-transport"] == "11:40"
    story.does("take-up", owner=petitions.holder("finance-head").staff_no)
    story.does("offer-transport")
    assert Run.objects.filter(procedure="petition-matter").count() == 1
    assert "calm" in story.open()
    assert not Message.objects.filter(contact__isnull=False).exists()
