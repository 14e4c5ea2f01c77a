"""The next day's lines: asked each evening exactly once, decided, taken back until the first van drives."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.delivery import planning, services
from changbei.delivery.lines import answers, choosing, evenings, questions, shown
from changbei.delivery.models import DeliveryDay, LineEvening, LineQuestion, Stop, Tour
from changbei.journal.models import Entry
from changbei.network.models import Site
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
def centre(small_city: object, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Site:
    clock.advance_to(datetime(2026, 11, 23, 10, 0, tzinfo=LOCAL))
    monkeypatch.setattr(questions, "ROUNDS_PER_STOP", 5)
    return Site.objects.get(code="delivery-center")


def facts(kind: str) -> int:
    return Entry.objects.filter(kind=kind).count()


def as_driven(site: Site) -> list[tuple[object, ...]]:
    rows = Stop.objects.filter(tour__site=site, day__date=TUESDAY).order_by("pk")
    return list(rows.values_list("pk", "tour_id", "sequence", "planned_at", "expected_at"))


def test_each_evening_is_asked_for_once(centre: Site, dispatcher: Person, clock: VirtualClock) -> None:
    driver = Person.objects.filter(job="driver")[0]
    with pytest.raises(NotAllowed):
        evenings.set_evening(centre, on=True, at=time(18, 0), actor=driver)
    with pytest.raises(Invalid, match="days_ahead"):
        evenings.set_evening(centre, on=True, at=time(18, 0), days_ahead=0, actor=dispatcher)
    evenings.set_evening(centre, on=True, at=time(18, 0), actor=dispatcher)
    assert evenings.next_due() == datetime(2026, 11, 23, 18, 0, tzinfo=LOCAL)
    assert evenings.ask_due() == 0

    clock.advance_to(datetime(2026, 11, 23, 18, 0, tzinfo=LOCAL))
    assert (evenings.ask_due(), evenings.ask_due()) == (1, 0)
    question = LineQuestion.objects.get()
    assert (question.date, question.site, question.weight) == (TUESDAY, centre, "usual")
    assert DeliveryDay.objects.get().date == TUESDAY

    clock.advance_to(datetime(2026, 11, 27, 7, 0, tzinfo=LOCAL))  # nobody worked for three days
    assert (evenings.ask_due(), evenings.ask_due()) == (1, 0)
    assert LineQuestion.objects.order_by("-pk")[0].date == date(2026, 11, 30)
    assert evenings.next_due() == datetime(2026, 11, 27, 18, 0, tzinfo=LOCAL)
    assert facts("delivery.lines_asked") == 2

    evenings.set_evening(centre, on=False, at=time(18, 0), actor=dispatcher)
    clock.advance(timedelta(days=7))
    assert evenings.ask_due() == 0


def test_an_evening_without_orders_says_so_and_the_next_one_comes(centre: Site, clock: VirtualClock) -> None:
    evenings.set_evening(centre, on=True, at=time(18, 0), days_ahead=2, actor=None)
    planning.plan_day(WEDNESDAY, actor=None)
    Stop.objects.filter(day__date=WEDNESDAY).update(status=Stop.Status.CANCELLED)
    clock.advance_to(datetime(2026, 11, 23, 18, 5, tzinfo=LOCAL))
    assert evenings.ask_due() == 1
    row = LineEvening.objects.get()
    assert row.trouble == "no deliveries are planned for this day"
    assert row.due_at == datetime(2026, 11, 24, 18, 0, tzinfo=LOCAL)
    assert not LineQuestion.objects.exists()


def test_one_sites_evening_that_fails_keeps_no_other_from_its_own(
    centre: Site, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Site.objects.filter(lines__isnull=False).exclude(pk=centre.pk).distinct()[0]
    evenings.set_evening(centre, on=True, at=time(18, 0), actor=None)
    evenings.set_evening(other, on=True, at=time(18, 0), actor=None)
    ask = questions.ask

    def failing(day: DeliveryDay, *, site: Site) -> LineQuestion:
        if site == centre:
            raise ValueError("arrays do not fit")
        return ask(day, site=site)

    monkeypatch.setattr(questions, "ask", failing)
    clock.advance_to(datetime(2026, 11, 23, 18, 0, tzinfo=LOCAL))
    assert evenings.ask_due() == 2
    assert LineEvening.objects.get(site=centre).trouble == "arrays do not fit"
    assert LineQuestion.objects.get().site == other


def test_a_weight_is_a_question_of_its_own_and_another_sites_change_makes_none_stale(
    centre: Site, dispatcher: Person
) -> None:
    day = planning.plan_day(TUESDAY, actor=None)
    usual, familiar = questions.ask(day, site=centre), questions.ask(day, site=centre, weight="familiar")
    assert usual != familiar
    with pytest.raises(Invalid, match="weight"):
        questions.ask(day, site=centre, weight="cheap")
    assert (answers.work(), answers.work(), answers.work()) == (1, 1, 0)
    for one in (usual, familiar):
        one.refresh_from_db()
    mine = set(Stop.objects.filter(day=day, tour__site=centre).values_list("pk", flat=True))
    for one in (usual, familiar):
        assert one.answer is not None
        assert {pk for line in one.answer["lines"] for pk in line} == mine
        assert sum(load.stops for load in shown.loads_of(one.answer, 1)) == len(mine)
        assert len(shown.changes(one)) == one.answer["moved"]
    assert usual.answer and familiar.answer
    assert familiar.answer["planned"]["strangers"] <= usual.answer["planned"]["strangers"]

    elsewhere = Tour.objects.filter(day=day).exclude(site=centre)[0]
    Stop.objects.filter(tour=elsewhere).update(cartons=1)
    DeliveryDay.objects.update(version=7)
    day.refresh_from_db()
    assert not questions.is_stale(usual, day)
    Stop.objects.filter(tour__site=centre).update(cartons=1)
    assert questions.stale_among([usual, familiar], day, centre) == {usual.pk, familiar.pk}
    with pytest.raises(Conflict, match="plan them anew"):
        choosing.accept(usual, actor=dispatcher)


def test_decided_taken_back_and_too_late(centre: Site, dispatcher: Person, clock: VirtualClock) -> None:
    day = planning.plan_day(TUESDAY, actor=None)
    one, other = Tour.objects.filter(day=day, site=centre).order_by("pk")[:2]
    Stop.objects.filter(tour=one, sequence__lte=5).update(tour=other)
    question = questions.ask(day, site=centre)
    with pytest.raises(Conflict):
        choosing.keep(question, actor=dispatcher)
    answers.work()
    before = as_driven(centre)
    driver = Person.objects.filter(job="driver")[0]
    for verb in (choosing.keep, choosing.accept, choosing.undo):
        with pytest.raises(NotAllowed):
            verb(question, actor=driver)

    choosing.keep(question, actor=dispatcher)
    question.refresh_from_db()
    assert (question.status, question.decided_by) == ("kept", dispatcher)
    assert as_driven(centre) == before
    moved = choosing.accept(question, actor=dispatcher)
    assert moved > 0 and as_driven(centre) != before
    question.refresh_from_db()
    assert choosing.is_as_written(question)

    choosing.undo(question, actor=dispatcher)
    assert as_driven(centre) == before
    question.refresh_from_db()
    assert (question.status, question.before, question.decided_by) == ("answered", None, None)
    assert [facts(f"delivery.lines_{kind}") for kind in ("kept", "planned", "undone")] == [1, 1, 1]

    assert choosing.accept(question, actor=dispatcher) == moved
    accepted = as_driven(centre)
    stop = Stop.objects.filter(tour__site=centre, sequence=1).order_by("pk")[0]
    Stop.objects.filter(pk=stop.pk).update(sequence=99)
    with pytest.raises(Conflict, match="changed again"):
        choosing.undo(question, actor=dispatcher)
    Stop.objects.filter(pk=stop.pk).update(sequence=1)
    clock.advance_to(Tour.objects.filter(day=day).order_by("departs_at")[0].departs_at)
    with pytest.raises(Conflict, match="vans have left"):
        choosing.undo(question, actor=dispatcher)
    assert as_driven(centre) == accepted


def test_taken_back_after_a_van_was_told_to_leave_later(centre: Site, dispatcher: Person) -> None:
    day = planning.plan_day(TUESDAY, actor=None)
    one, other = Tour.objects.filter(day=day, site=centre).order_by("pk")[:2]
    Stop.objects.filter(tour=one, sequence__lte=5).update(tour=other)
    question = questions.ask(day, site=centre)
    answers.work()
    question.refresh_from_db()
    planned = dict(one.stops.values_list("pk", "planned_at"))
    assert choosing.accept(question, actor=dispatcher) > 0
    Tour.objects.filter(pk=one.pk).update(departs_at=one.departs_at + timedelta(hours=1))
    choosing.undo(question, actor=dispatcher)
    first = one.stops.order_by("sequence")[0]
    assert first.expected_at is not None and first.expected_at > first.planned_at
    assert dict(one.stops.values_list("pk", "planned_at")) == planned


def test_beside_what_was_driven_last_time(centre: Site, clock: VirtualClock) -> None:
    last_week = planning.plan_day(TUESDAY, actor=None)
    clock.advance_to(datetime(2026, 11, 24, 17, 0, tzinfo=LOCAL))
    services.drive_as_expected(clock.now(), actor=None)
    clock.advance_to(datetime(2026, 11, 30, 10, 0, tzinfo=LOCAL))
    question = questions.ask(planning.plan_day(date(2026, 12, 1), actor=None), site=centre)
    answers.work()
    question.refresh_from_db()
    tours = list(Tour.objects.filter(day__date=question.date, site=centre))
    last = shown.last_driven(tours, question.date)
    rows = shown.van_rows(question, last)
    driven = Stop.objects.filter(day=last_week, tour__site=centre, done_at__isnull=False)
    assert sum(row.last.stops for row in rows if row.last) == driven.count() > 0
    assert {row.last.on for row in rows if row.last} == {TUESDAY}
    assert question.answer is not None
    figures = {one.key: one for one in shown.compared(question.answer, last)}
    assert figures["stops"].so_far == figures["stops"].planned == str(sum(row.planned.stops for row in rows))
    assert figures["stops"].last == str(driven.count())
    assert figures["driving_seconds"].last == ""
