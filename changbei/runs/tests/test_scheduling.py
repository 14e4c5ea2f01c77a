"""Procedures that begin by themselves."""

from datetime import UTC, datetime

import pytest

from changbei.core.clock import LOCAL
from changbei.journal.models import Entry
from changbei.plans.models import PlanVersion
from changbei.runs import scheduling
from changbei.runs.models import Run, ScheduledStart
from changbei.runs.tests import house, words
from changbei.site.clockwork import fast_forward, run_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


def _local(when: datetime) -> str:
    return when.astimezone(LOCAL).strftime("%m-%d %H:%M")


def test_it_begins_at_its_time_on_every_working_day(people, clock) -> None:
    words.make_version(round=words.ROUND.replace(words.SURPRISE, ""))
    assert _local(clock.now()) == "11-23 09:40"  # a Monday
    run_until_quiet()
    row = ScheduledStart.objects.get(position=0)
    assert _local(row.due_at) == "11-24 07:30"
    fast_forward("2d")
    regular = Run.objects.filter(state__context__report__what="doors").order_by("pk")
    assert [(run.number, _local(run.started_at)) for run in regular] == [
        ("PRO-0001", "11-24 07:30"),
        ("PRO-0002", "11-25 07:30"),
    ]
    run = regular[0]
    assert (run.incident, run.title["en"], run.drill) == (None, "Round", False)
    assert run.state["context"]["report"] == {"what": "doors"}
    assert run.state["context"]["incident"] == {}
    assert house.task(run, "look").holder == people.head
    told = Entry.objects.filter(kind="runs.begun_by_schedule").order_by("id").first()
    assert told.data == {"number": "PRO-0001", "procedure": "round", "late_seconds": 0, "troubles": []}


def test_whoever_was_asleep_begins_it_once(people, clock) -> None:
    words.make_version()
    scheduling.look_at_schedules()
    ScheduledStart.objects.filter(position=1).delete()
    clock.advance_to(datetime(2026, 11, 27, 1, 0, tzinfo=UTC))
    assert scheduling.start_due() == 1
    assert scheduling.start_due() == 0
    row = ScheduledStart.objects.get()
    assert _local(row.due_at) == "11-30 07:30"  # the Friday's has begun late, the next is Monday's
    assert row.last_run.number == "PRO-0001"


def test_the_irregular_date_stays_secret_and_stays_the_same(people, clock) -> None:
    words.make_version()
    scheduling.look_at_schedules()
    row = ScheduledStart.objects.get(position=1)
    drawn, seed = row.due_at, row.seed
    assert len(seed) == 32
    assert not Entry.objects.filter(data__icontains=drawn.isoformat()[:10]).exists()
    words.make_version(aside=words.ASIDE.replace("Aside", "Beside"))
    assert scheduling.look_at_schedules() == 0
    row.refresh_from_db()
    assert (row.due_at, row.seed) == (drawn, seed)


def test_another_plan_another_schedule(people, clock) -> None:
    words.make_version()
    assert scheduling.look_at_schedules() == 2
    later = words.ROUND.replace('at: "07:30"', 'at: "08:00"')
    words.make_version(round=later)
    assert scheduling.look_at_schedules() == 1
    assert _local(ScheduledStart.objects.get(position=0).due_at) == "11-24 08:00"
    PlanVersion.objects.update(in_force=False)
    assert scheduling.look_at_schedules() == 2
    assert not ScheduledStart.objects.exists()


def test_one_that_cannot_begin_stops_no_other(people, clock) -> None:
    words.make_version()
    scheduling.look_at_schedules()
    first, second = ScheduledStart.objects.order_by("position")
    ScheduledStart.objects.update(due_at=clock.now())
    Run.objects.create(  # a number that is no number of ours
        plan_version=PlanVersion.objects.get(),
        procedure="round",
        number="PRO-X",
        title={},
        state={},
        started_at=clock.now(),
    )
    assert scheduling.start_due() == 2
    first.refresh_from_db()
    assert first.error.startswith("invalid literal for int()")
    assert (first.due_at - clock.now()) == scheduling.TRY_AGAIN
    Run.objects.filter(number="PRO-X").delete()
    clock.advance(scheduling.TRY_AGAIN)
    assert scheduling.start_due() == 2
    assert set(Run.objects.values_list("number", flat=True)) == {"PRO-0001", "PRO-0002"}
    assert Entry.objects.filter(kind="runs.schedule_failed").count() == 2
    assert second.error == ""


def test_a_version_takes_effect_on_its_day_by_itself(people, clock) -> None:
    words.make_version()
    PlanVersion.objects.update(in_force=False, effective_on="2026-11-24")
    run_until_quiet()
    assert not ScheduledStart.objects.exists()
    clock.advance_to(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))  # midnight in the city
    run_until_quiet()
    assert PlanVersion.objects.get().in_force
    assert _local(ScheduledStart.objects.get(position=0).due_at) == "11-24 07:30"


def test_on_a_drills_own_ground_nothing_begins_by_itself(people, clock, settings) -> None:
    words.make_version()
    settings.DRILL_GROUND = True
    fast_forward("1d")
    assert not ScheduledStart.objects.exists()
    assert not Run.objects.exists()
