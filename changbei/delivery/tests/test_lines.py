"""Lines from orders: asked once, planned by one worker or the next, compared, accepted on the same day only."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, NotAllowed
from changbei.delivery import planning
from changbei.delivery.lines import answers, choosing, questions, shown
from changbei.delivery.models import DeliveryDay, LineQuestion, Stop, Tour
from changbei.people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(small_city: object, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> DeliveryDay:
    """Tuesday's lines, thought over on Monday."""
    clock.advance_to(datetime(2026, 11, 23, 10, 0, tzinfo=LOCAL))
    monkeypatch.setattr(questions, "ROUNDS_PER_STOP", 5)
    return planning.plan_day(date(2026, 11, 24), actor=None)


def test_the_lines_of_a_day_are_planned_compared_and_accepted(day: DeliveryDay, dispatcher: Person) -> None:
    before = set(Stop.objects.filter(day=day).values_list("pk", flat=True))
    question = questions.ask(day)
    assert questions.ask(day) == question

    assert (answers.work(), answers.work()) == (1, 0)

    question.refresh_from_db()
    answer = question.answer
    assert answer is not None
    assert {pk for line in answer["lines"] for pk in line} == before
    assert answer["left_out"] == 0
    assert answer["so_far"]["stops"] == answer["planned"]["stops"] == len(before)
    assert answer["so_far"]["strangers"] == 0
    moved = choosing.accept(question, actor=dispatcher)
    assert moved == answer["moved"]
    for pk, line in zip(answer["tours"], answer["lines"], strict=True):
        rows = Stop.objects.filter(tour=pk).order_by("sequence")
        assert [stop.pk for stop in rows] == line
        arrivals = [stop.planned_at for stop in rows]
        assert arrivals == sorted(arrivals)
    with pytest.raises(Conflict, match="already accepted"):
        choosing.accept(question, actor=dispatcher)


def test_goods_that_fit_no_van_are_left_out_and_the_others_planned(day: DeliveryDay) -> None:
    large = Stop.objects.filter(day=day).order_by("pk")[0]
    Stop.objects.filter(pk=large.pk).update(cartons=10**6)
    question = questions.ask(day)

    answers.work()

    question.refresh_from_db()
    answer = question.answer
    assert answer is not None
    assert answer["left_out"] == 1
    served = {pk for line in answer["lines"] for pk in line}
    assert served == set(Stop.objects.filter(day=day).values_list("pk", flat=True)) - {large.pk}


def test_who_has_no_van_so_far_gets_one_or_is_counted(day: DeliveryDay, dispatcher: Person) -> None:
    """Goods moved to this day that no van had room for. That one stays behind is no reason to keep the lines so far."""
    helped, heavy = Stop.objects.filter(day=day, urgent=False).order_by("pk")[:2]
    Stop.objects.filter(pk__in=[helped.pk, heavy.pk]).update(tour=None, expected_at=None)
    Stop.objects.filter(pk=heavy.pk).update(cartons=10**6)
    question = questions.ask(day)

    answers.work()

    question.refresh_from_db()
    assert question.answer is not None and question.answer["left_out"] == 1
    assert [left.stop for left in shown.left_out(question)] == [heavy]
    assert [(one.stop, one.before) for one in shown.changes(question) if one.before is None] == [
        (helped, None)
    ]
    choosing.accept(question, actor=dispatcher)
    helped.refresh_from_db()
    assert helped.tour is not None and helped.tour.site == helped.retailer.line.site
    choosing.undo(question, actor=dispatcher)
    helped.refresh_from_db()
    assert (helped.tour, helped.expected_at) == (None, None)


def test_a_lost_worker_loses_nothing_and_a_late_answer_is_not_written(
    day: DeliveryDay, clock: VirtualClock
) -> None:
    questions.ask(day)
    lost = answers.claim()
    assert lost is not None
    assert answers.claim() is None

    clock.advance(answers.LEASE + timedelta(seconds=1))
    second = answers.claim()

    assert second == lost
    answer = answers.answered(second)
    assert answer == answers.answered(lost)
    assert answers.settle(lost, {}) is False
    assert answers.settle(second, answer) is True
    assert LineQuestion.objects.get().answer == answer


def test_a_question_that_nobody_can_answer_is_given_up(day: DeliveryDay, clock: VirtualClock) -> None:
    questions.ask(day)
    for _ in range(answers.TRIES):
        assert answers.claim() is not None
        clock.advance(answers.LEASE + timedelta(seconds=1))
    assert answers.claim() is None
    question = LineQuestion.objects.get()
    assert (question.status, question.trouble) == (LineQuestion.Status.FAILED, answers.LOST)


def test_who_may_not_and_a_changed_day_change_nothing(day: DeliveryDay, dispatcher: Person) -> None:
    question = questions.ask(day)
    answers.work()
    question.refresh_from_db()
    rows = list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence"))
    driver = Tour.objects.filter(day=day, driver__isnull=False).select_related("driver")[0].driver
    assert driver is not None
    with pytest.raises(NotAllowed):
        choosing.accept(question, actor=driver)
    Stop.objects.filter(pk=rows[0][0]).update(cartons=99)
    DeliveryDay.objects.update(version=9)
    with pytest.raises(Conflict, match="plan them anew"):
        choosing.accept(question, actor=dispatcher)
    assert list(Stop.objects.order_by("pk").values_list("pk", "tour_id", "sequence")) == rows
