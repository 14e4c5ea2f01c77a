"""Reviews are circulated with receipts, what is to be mended is reminded of, experience is found again (E2.9)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network.models import Vehicle
from changbei.notify import services as notify
from changbei.notify.models import Message, Notice
from changbei.people.models import Person
from changbei.readiness import demo, rules, selectors, services
from changbei.readiness.models import Finding, Rectification, Review
from changbei.readiness.rules import MendingRow, ReviewRow

pytestmark = pytest.mark.usefixtures("plan")
MONDAY = date(2026, 11, 23)


@pytest.fixture
def review(plan: object) -> Review:
    reporter = people.holder("order-desk")
    incident = incidents.report(
        "ordering-system-down", people.ordering_down(), actor=reporter, source="web"
    ).incident
    incidents.close(incident, reason="a trial", actor=people.head())
    return services.make_review(Incident.objects.get(pk=incident.pk), actor=None)


def found(check: str) -> list[str]:
    services.run_checks(actor=None)
    rows = Finding.objects.filter(check_id=check, mended_at__isnull=True).order_by("subject")
    return list(rows.values_list("subject", flat=True))


def supervisor() -> Person:
    return people.holder("inspection-head")


@pytest.mark.clause("E2.9")
def test_a_review_is_confirmed_then_circulated_with_receipts(review: Review, clock: VirtualClock) -> None:
    with pytest.raises(Conflict):
        services.circulate(review, actor=supervisor())
    number = review.incident.number
    Rectification.objects.all().delete()
    clock.advance(timedelta(days=6))
    assert found("reviews") == [f"unconfirmed-review:{number}"]
    services.confirm_review(review, remarks="Well done", actor=supervisor())
    assert found("reviews") == [f"not-circulated:{number}"]
    made = services.circulate(review, actor=supervisor())
    assert found("reviews") == []
    notice = Notice.objects.get(uuid=made.circulation)
    assert "Well done" in notice.body["en"] and notice.needs_acknowledgement
    told = {message.person_id for message in Message.objects.filter(notice=notice)}
    assert {people.head().pk, supervisor().pk, people.holder("info-center-head").pk} <= told
    before = selectors.receipts(made)
    assert before is not None and (before.told, before.read) == (len(told), 0)
    notify.acknowledge(notice, people.head(), actor=people.head())
    after = selectors.receipts(made)
    assert after is not None and (after.told, after.read) == (len(told), 1)
    assert people.head().name not in after.waiting
    with pytest.raises(Conflict):
        services.circulate(made, actor=supervisor())


def test_drivers_circulate_nothing(review: Review) -> None:
    services.confirm_review(review, remarks="", actor=supervisor())
    driver = Vehicle.objects.filter(keeper__isnull=False).order_by("pk")[0].keeper
    with pytest.raises(NotAllowed):
        services.circulate(review, actor=driver)  # type: ignore[arg-type]
    review.refresh_from_db()
    assert review.circulated_at is None


@pytest.mark.clause("E2.9")
def test_reminders_reach_further_the_longer_nothing_is_mended(review: Review, clock: VirtualClock) -> None:
    Rectification.objects.all().delete()
    owner = people.holder("info-center-head")
    made = services.add_rectification(
        review,
        text="Label the cables",
        clause="E3.1.4",
        owner=owner,
        due_on=date(2026, 12, 2),
        actor=supervisor(),
    )
    assert made.remind_at == datetime(2026, 11, 30, 9, tzinfo=LOCAL)
    told: dict[str, set[str]] = {}
    while clock.now() < datetime(2026, 12, 9, 10, tzinfo=LOCAL):
        clock.advance(timedelta(hours=1))
        if services.remind_due():
            entry = Entry.objects.filter(kind="readiness.rectification_reminded").latest("id")
            told[f"{clock.now().astimezone(LOCAL):%m-%d %H}"] = set(entry.data["told"])
    only, deputy = {owner.staff_no}, people.holder("leading-group-deputy").staff_no
    with_supervision = only | {supervisor().staff_no}
    everybody = with_supervision | {people.head().staff_no, deputy}
    assert told == {
        "11-30 09": only,
        "12-03 09": with_supervision,
        "12-04 09": with_supervision,
        "12-07 09": with_supervision,
        "12-08 09": everybody,
        "12-09 09": everybody,
    }
    assert found("reviews") == [f"mending-late:{made.pk}", f"unconfirmed-review:{review.incident.number}"]
    services.mend(made, actor=owner)
    clock.advance(timedelta(days=3))
    assert services.remind_due() == 0


def test_a_department_says_what_is_mended_of_its_own_people_only() -> None:
    services.record_inspection("power-room", findings=["Door", "Lamp"], actor=people.holder("security-head"))
    department = people.holder("marketing-department-head")
    colleague = Person.objects.filter(unit=department.unit).exclude(pk=department.pk)[0]
    own, other = Rectification.objects.order_by("pk")
    services.assign(own, owner=colleague, due_on=date(2026, 11, 27), actor=supervisor())
    for one in (
        other,
        services.assign(
            other, owner=people.holder("finance-head"), due_on=date(2026, 11, 27), actor=supervisor()
        ),
    ):
        with pytest.raises(NotAllowed):
            services.mend(one, actor=department)
    assert services.mend(own, actor=department).done_at


def test_what_an_inspection_found_is_assigned_and_mended() -> None:
    head = people.holder("security-head")
    services.record_inspection("power-room", findings=["Door does not lock"], actor=head)
    row = Rectification.objects.get()
    services.assign(row, owner=supervisor(), due_on=date(2026, 11, 27), actor=supervisor())
    services.mend(row, actor=supervisor())
    row.refresh_from_db()
    assert (row.owner, row.remind_at) == (supervisor(), None)
    entry = Entry.objects.get(kind="readiness.rectified")
    assert (entry.incident, entry.data["target"]) == (None, "power-room")


def test_experience_is_kept_and_found_by_all_its_words(review: Review) -> None:
    head = people.holder("info-center-head")
    kept = services.keep_experience(
        "Standby first", "Switch over before calling the vendor", clause="E3.1.7", review=review, actor=head
    )
    services.keep_experience("Chains", "Snow chains in every van", actor=head)
    assert selectors.search_experience("standby vendor", actor=head) == [kept]
    assert selectors.search_experience("e3.1.7", actor=head) == [kept]
    assert len(selectors.search_experience("", actor=head)) == 2
    assert selectors.search_experience("standby chains", actor=head) == []
    with pytest.raises(Invalid):
        services.keep_experience(" ", "x", actor=head)


@pytest.mark.parametrize(
    "today,reach",
    [
        (date(2026, 11, 25), 0),
        (date(2026, 11, 27), 0),  # Friday, the day itself
        (date(2026, 11, 28), 1),
        (date(2026, 12, 2), 1),  # the third working day after
        (date(2026, 12, 3), 2),
    ],
)
def test_how_far_a_reminder_reaches(today: date, reach: int) -> None:
    assert rules.reminded(date(2026, 11, 27), today) == reach


def test_findings_of_reviews() -> None:
    reviews = [ReviewRow("INC-0001", MONDAY, False, False), ReviewRow("INC-0002", MONDAY, True, True)]
    mending = [MendingRow(1, "INC-0002", "x" * 80, "", MONDAY), MendingRow(2, "INC-0002", "y", "甲", MONDAY)]
    assert [one.subject for one in rules.review_troubles(reviews, mending, 5, MONDAY)] == ["no-owner:1"]
    later = rules.review_troubles(reviews, mending, 5, date(2026, 11, 29))
    assert [one.subject for one in later] == ["unconfirmed-review:INC-0001", "no-owner:1", "mending-late:2"]
    assert later[2].text["en"] == "Something to be mended after INC-0002 is 6 days late (甲): y"


def test_the_demo_has_lived_until_this_morning_and_left_three_things_undone(clock: VirtualClock) -> None:
    clock.advance(timedelta(days=3))
    demo.live_in()
    demo.live_in()
    services.run_checks(actor=None)
    own = Finding.objects.exclude(check_id__in=("forecast-published", "supply-warnings")).order_by("check_id")
    assert [one.subject.partition(":")[0] for one in own] == ["short-ups", "old-copy", "spare-gone"]
