"""Two at once: people, timers, workers. Real threads on real connections."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from changbei.core.errors import Conflict
from changbei.journal.models import Entry
from changbei.notify import jobs as notify_jobs
from changbei.plans.facts import Known
from changbei.plans.plain import canonical
from changbei.runs import jobs, services
from changbei.runs.effects import ROSTER
from changbei.runs.models import Run, RunFact, Timer
from changbei.runs.tests import house
from changbei.site import worker

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*verbs: Callable[[], object]) -> list[object]:
    """Run all at the same moment; what each returned or raised."""
    barrier, answers = threading.Barrier(len(verbs)), [None] * len(verbs)

    def go(number: int) -> None:
        try:
            barrier.wait()
            answers[number] = verbs[number]()
        except Exception as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _is_consistent(run: Run) -> None:
    stored = Run.objects.get(pk=run.pk)
    assert canonical(services.replayed(stored)) == canonical(stored.state)
    numbers = list(RunFact.objects.filter(run=run).order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, stored.facts + 1))
    for task in run.tasks.all():
        assert (task.status == "done") == (stored.state["items"][task.item]["status"] == "done")


def test_two_people_complete_at_once(run, people) -> None:
    count = house.task(run, "report-goods")
    answers = at_once(
        lambda: services.complete(count, {"cartons": 1}, actor=people.driver),
        lambda: services.complete(count, {"cartons": 2}, actor=people.commander),
    )
    refused = [answer for answer in answers if answer is not None]
    assert [type(answer) for answer in refused] == [Conflict]
    assert Entry.objects.filter(kind="runs.task_done").count() == 1
    winner = people.driver if answers[0] is None else people.commander
    count.refresh_from_db()
    assert (count.done_by, count.result) == (winner, {"cartons": 1 if answers[0] is None else 2})
    _is_consistent(run)


def test_twenty_facts_at_once_are_applied_one_after_the_other(run, people) -> None:
    answers = at_once(
        *[lambda n=n: services.apply(run.uuid, Known("report", {f"extra_{n}": n})) for n in range(20)]
    )
    assert answers == [None] * 20
    stored = Run.objects.get(pk=run.pk)
    assert {stored.state["context"]["report"][f"extra_{n}"] for n in range(20)} == set(range(20))
    _is_consistent(run)


def test_a_timer_fires_while_the_task_is_completed(run, people, clock) -> None:
    """Whoever comes first wins: an escalation before, or none; never one for a task that is done."""
    count = house.task(run, "report-goods")
    clock.advance(timedelta(minutes=30))
    at_once(
        lambda: jobs.fire_timers(),
        lambda: services.complete(count, {"cartons": 1}, actor=people.driver),
    )
    facts = list(
        Entry.objects.filter(item="report-goods", kind__in=["runs.escalated", "runs.task_done"])
        .order_by("id")
        .values_list("kind", flat=True)
    )
    assert facts in (["runs.task_done"], ["runs.escalated", "runs.task_done"])
    assert Timer.objects.get(key="due:report-goods:1").due_at is None
    _is_consistent(run)


def test_a_timer_claimed_before_its_task_was_done_does_not_fire(run, people, clock, monkeypatch) -> None:
    clock.advance(timedelta(minutes=30))
    claimed = list(Timer.objects.filter(key="due:report-goods:1").values_list("pk", flat=True))
    services.complete(house.task(run, "report-goods"), {"cartons": 1}, actor=people.driver)
    assert jobs._fire({run.pk: claimed}) == 0
    assert not Entry.objects.filter(kind="runs.escalated", item="report-goods").exists()


def test_timers_of_a_run_somebody_is_at_are_given_back_without_waiting(version, people, clock) -> None:
    """Who is at a run may have written its timers, and wait for another run that is being fired."""
    busy, free = (house.begin(version, people, vehicle=str(number)) for number in range(2))
    clock.advance(timedelta(minutes=3))
    timers = {run.pk: [run.timers.get(key="ack:rescue:1").pk] for run in (busy, free)}
    Timer.objects.filter(key="ack:rescue:1").update(lease_until=clock.now() + jobs.TIMER_LEASE)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            services.lock(busy.uuid)
            Timer.objects.filter(pk__in=timers[busy.pk]).update(due_at=clock.now())
            held.set()
            assert done.wait(10), "the firing has waited"
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert jobs._fire(timers) == 1
    done.set()
    thread.join()


def test_a_timer_of_a_dead_worker_fires_once_the_lease_has_ended(run, people, clock) -> None:
    clock.advance(timedelta(minutes=3))
    Timer.objects.filter(key="ack:rescue:1").update(lease_until=clock.now() + jobs.TIMER_LEASE)
    assert jobs.fire_timers() == 0
    clock.advance(jobs.TIMER_LEASE)
    assert jobs.fire_timers() == 1
    assert jobs.fire_timers() == 0
    assert Entry.objects.filter(kind="runs.escalated").count() == 1


def test_three_workers_share_the_work_and_double_nothing(version, people, carrier, clock) -> None:
    runs = [house.begin(version, people, "twelve", vehicle=str(number)) for number in range(6)]
    clock.advance(timedelta(minutes=3))
    at_once(*[lambda: [worker.tick() for _ in range(25)]] * 3)
    while worker.tick():
        pass
    for run in runs:
        _is_consistent(run)
        escalated = Entry.objects.filter(run=run.uuid, kind="runs.escalated").values_list("item", flat=True)
        assert sorted(escalated) == sorted(f"step-{number}" for number in range(12))
        assert run.actions.get().attempts == 1
    assert len(carrier.handed_over) == len(set(carrier.handed_over)) == len(carrier.texts)
    assert notify_jobs.send_due() == 0


def test_a_run_that_ends_while_all_are_looked_at_again_is_left_alone(run, people, clock) -> None:
    """The look at roles has found the run open, and comes to its timer after the end."""
    services.end(run, actor=people.commander)
    Timer.objects.filter(run=run, key=ROSTER).update(due_at=clock.now())
    before = RunFact.objects.count()
    assert jobs.fire_timers() == 1
    clock.advance(jobs.TIMER_LEASE)
    assert jobs.fire_timers() == 0
    timer = Timer.objects.get(run=run, key=ROSTER)
    assert (timer.due_at, timer.lease_until) == (None, None)
    assert not Entry.objects.filter(kind="runs.roster_changed").exists()
    assert RunFact.objects.count() == before
