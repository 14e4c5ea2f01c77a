"""Whole stories with real commits: hours pass in milliseconds."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from changbei.core.errors import Conflict, Invalid, Outside
from changbei.journal import seals
from changbei.journal.models import Entry, FailedReaction
from changbei.journal.services import append
from changbei.notify import services as notify
from changbei.notify.models import Message, Notice
from changbei.people import services as people_services
from changbei.plans.plain import canonical
from changbei.runs import jobs, selectors, services
from changbei.runs.models import ActionCall, Run, RunFact, Task, Timer
from changbei.runs.tests import house
from changbei.site.clockwork import fast_forward, run_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _evidence_goes_to_a_temporary_folder(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


def _texts(carrier, person) -> list[str]:
    """The headlines of the texts a person got, in order."""
    return [text.partition("：")[0] for text in carrier.to(person.phone)]


def _fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def _escalations(run: Run) -> list[tuple[str, str, str]]:
    facts = Entry.objects.filter(run=run.uuid, kind="runs.escalated").order_by("id")
    return [(fact.item, fact.data["why"], fact.data["role"]) for fact in facts]


def test_a_van_breaks_down_and_everything_goes_well(run, people, carrier, clock, recovery) -> None:
    run_until_quiet()
    assert _texts(carrier, people.driver) == ["INC-0001 task: Rescue", "INC-0001 task: Count goods"]
    assert [context.params for context in recovery.asked] == [{"vehicle": "17"}]

    rescue = house.task(run, "rescue")
    services.acknowledge(rescue, actor=people.driver)
    fast_forward("10m")
    services.attach(rescue, "photo", file=ContentFile(b"\xff\xd8\xff x", "a.jpg"), actor=people.driver)
    services.complete(rescue, actor=people.driver)
    services.complete(house.task(run, "report-goods"), {"cartons": 40}, actor=people.driver)

    run_until_quiet()
    append("test.accepted", actor=people.dispatcher, run=run.uuid, data={"option": 1})
    run_until_quiet()
    assert house.task(run, "accept").done_by == people.dispatcher
    services.decide(house.task(run, "repair"), "own", actor=people.dispatcher)
    services.approve(house.task(run, "pay"), True, actor=people.deputy)

    fast_forward("29m")
    assert not Task.objects.filter(item="confirm").exists()
    fast_forward("1m")
    services.complete(house.task(run, "confirm"), actor=people.dispatcher)
    run_until_quiet()

    done = _fresh(run)
    assert (done.status, done.finished_at) == ("finished", clock.now())
    assert Entry.objects.get(kind="runs.restored").data == {"at": clock.now().isoformat()}
    assert _escalations(run) == []
    assert set(Task.objects.values_list("status", flat=True)) == {"done"}
    assert not Timer.objects.filter(due_at__isnull=False).exists()
    assert not Message.objects.filter(due_at__isnull=False).exists()
    assert not FailedReaction.objects.exists()
    assert canonical(services.replayed(done)) == canonical(done.state)
    seals.seal()
    assert seals.verify() == []


def test_nobody_answers_and_it_climbs_the_chain(run, people, carrier, clock) -> None:
    fast_forward("2m")
    assert _texts(carrier, people.dispatcher) == []
    fast_forward("1m")
    assert _texts(carrier, people.driver).count("INC-0001 task: Rescue") == 2  # the ladder's second text
    assert _texts(carrier, people.dispatcher) == ["INC-0001 not acknowledged: Rescue"]
    fast_forward("5m")
    assert _texts(carrier, people.head) == ["INC-0001 not acknowledged: Rescue"]
    fast_forward("5m")
    assert _texts(carrier, people.commander) == ["INC-0001 not acknowledged: Rescue"]
    fast_forward("2m")
    assert _escalations(run) == [
        ("rescue", "acknowledge", "dispatcher"),
        ("rescue", "acknowledge", "head"),
        ("rescue", "acknowledge", "commander"),
        ("rescue", "due", "dispatcher"),
    ]
    assert house.task(run, "rescue").escalations == 4
    late = Notice.objects.filter(template="task-late").order_by("id").last()
    assert late.title["zh-Hans"] == "INC-0001 逾期：Rescue（简）"
    assert late.body["en"] == (
        "Van 17 is down. Task of Driver Driver One, clause T1, due by 23 Nov 09:55. Please see to it or take over."
    )
    stored = _fresh(run)
    assert canonical(services.replayed(stored)) == canonical(stored.state)


def test_an_answer_by_text_acknowledges_the_task(run, people, carrier, clock) -> None:
    run_until_quiet()
    rescue = house.task(run, "rescue")
    message = Message.objects.get(notice__task=rescue.uuid, state="delivered", channel="sms")
    notify.acknowledge(message, people.driver, actor=people.driver)
    run_until_quiet()
    rescue.refresh_from_db()
    assert (rescue.status, rescue.acknowledged_by) == ("acknowledged", people.driver)
    fast_forward("14m")
    assert _escalations(run) == []


def test_a_superior_who_has_seen_it_has_not_acknowledged_for_the_driver(run, people, carrier, clock) -> None:
    fast_forward("3m")
    late = Message.objects.get(notice__template="task-late", channel="inbox")
    notify.acknowledge(late, people.dispatcher, actor=people.dispatcher)
    run_until_quiet()
    assert house.task(run, "rescue").status == "open"
    fast_forward("5m")
    assert _texts(carrier, people.dispatcher) == [
        "INC-0001 not acknowledged: Rescue"
    ]  # no second text: stopped
    assert _texts(carrier, people.head) == ["INC-0001 not acknowledged: Rescue"]


def test_who_takes_a_task_over_and_never_looks_is_noticed(run, people, carrier, clock) -> None:
    services.acknowledge(house.task(run, "rescue"), actor=people.driver)
    fast_forward("5m")
    services.hand_over(house.task(run, "rescue"), people.other_driver, actor=people.driver)
    rescue = house.task(run, "rescue")
    assert (rescue.status, rescue.acknowledged_by, rescue.acknowledged_at) == ("open", None, None)
    assert rescue.acknowledge_due_at == clock.now() + timedelta(minutes=3)
    fast_forward("3m")
    assert _escalations(run) == [("rescue", "acknowledge", "dispatcher")]
    services.acknowledge(rescue, actor=people.other_driver)
    assert house.task(run, "rescue").acknowledged_by == people.other_driver
    stored = _fresh(run)
    assert canonical(services.replayed(stored)) == canonical(stored.state)


def test_tasks_follow_the_shift(run, people, carrier, clock, recovery) -> None:
    recovery.refuse(Invalid("vehicle", "is not known"))
    run_until_quiet()
    by_hand = house.task(run, "recover")
    assert (by_hand.holder, by_hand.kind) == (people.dispatcher, "do")
    fast_forward(timedelta(hours=8, minutes=20))
    by_hand.refresh_from_db()
    assert by_hand.holder == people.night_dispatcher
    told = Message.objects.filter(channel="inbox", notice__created_at=clock.now()).order_by("id")
    assert [(message.person, message.notice.title["en"]) for message in told] == [
        (people.night_dispatcher, "INC-0001 task: Recover by hand"),
        (people.dispatcher, "INC-0001 passed on: Recover by hand"),
    ]
    moved = Entry.objects.get(kind="runs.role_moved")
    assert moved.data == {
        "role": "dispatcher",
        "from": people.dispatcher.staff_no,
        "to": people.night_dispatcher.staff_no,
        "why": "duty",
        "tasks": ["recover"],
    }
    assert moved.at == clock.now()


def test_tasks_follow_an_absence_and_come_back(run, people, carrier, clock, recovery) -> None:
    recovery.answer = lambda context: {"options": 1}
    run_until_quiet()
    held = {one.role: one.person for one in selectors.roles_of(run)}
    assert held["head"] == people.head
    absence = people_services.record_absence(
        people.head,
        clock.now(),
        clock.now() + timedelta(days=2),
        out_of_city=True,
        substitute=None,
        actor=None,
    )
    run_until_quiet()
    held = {one.role: (one.person, one.why) for one in selectors.roles_of(run)}
    assert held["head"] == (people.deputy, "deputy")
    clock.advance(timedelta(seconds=1))
    people_services.end_absence(absence, actor=None)
    run_until_quiet()
    held = {one.role: (one.person, one.why) for one in selectors.roles_of(run)}
    assert held["head"] == (people.head, "post")


def test_a_capability_that_fails_for_a_while_is_tried_again(run, people, clock, recovery) -> None:
    def answer(context):
        if context.attempt < 3:
            raise Outside("the map server is down", permanent=False)
        return {"options": 2}

    recovery.answer = answer
    fast_forward("1m")
    call = ActionCall.objects.get()
    assert (call.attempts, call.result, call.error, call.due_at) == (3, {"options": 2}, "", None)
    assert [context.key for context in recovery.asked] == [f"{run.uuid}:recover"] * 3
    assert _fresh(run).state["items"]["recover"]["status"] == "done"


@pytest.mark.parametrize("error", [Outside("gone", permanent=True), Invalid("vehicle", "unknown")])
def test_a_capability_that_cannot_opens_the_manual_task(run, people, clock, recovery, error) -> None:
    recovery.refuse(error)
    run_until_quiet()
    assert len(recovery.asked) == 1
    by_hand = house.task(run, "recover")
    assert (by_hand.title["en"], by_hand.holder) == ("Recover by hand", people.dispatcher)
    services.complete(by_hand, actor=people.dispatcher)
    assert _fresh(run).state["items"]["recover"]["status"] == "done"


def test_conflicts_are_tried_again_but_not_for_ever(run, people, clock, recovery) -> None:
    recovery.refuse(Conflict("the day has changed"))
    fast_forward("1h")
    assert len(recovery.asked) == 5
    assert house.task(run, "recover").status == "open"


def test_a_capability_nobody_offers_opens_the_manual_task(run, people, clock) -> None:
    ActionCall.objects.update(action="test.unheard_of")
    run_until_quiet()
    assert house.task(run, "recover").status == "open"
    assert "no room offers" in ActionCall.objects.get().error


def test_a_result_that_comes_too_late_is_left_aside(run, people, clock, recovery) -> None:
    """A worker sleeps through its lease, another performs the action; the first then awakes with its own
    result.
    """
    first = jobs._claim()
    clock.advance(jobs.ACTION_LEASE)
    assert jobs.perform_actions() == 1
    facts = RunFact.objects.count()
    jobs._feed_back(run, first, result={"options": 99})
    call = ActionCall.objects.get()
    assert (call.result, call.attempts) == ({"options": 3}, 2)
    assert RunFact.objects.count() == facts
    assert _fresh(run).state["context"]["result"]["recover"] == {"options": 3}


def test_an_action_whose_workers_all_died_is_given_to_a_person(run, people, clock) -> None:
    for _ in range(5):
        assert jobs._claim() is not None
        assert jobs._claim() is None
        clock.advance(jobs.ACTION_LEASE)
    run_until_quiet()
    assert house.task(run, "recover").status == "open"
    assert ActionCall.objects.get().error == "every worker that tried was lost"


def test_one_action_is_claimed_at_a_time_whatever_the_planner_thinks(run, people, clock) -> None:
    """A table that had one row when its statistics were taken is joined the other way round."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL runs_actioncall")
        cursor.execute("ANALYZE runs_actioncall")
    first, now = ActionCall.objects.get(), clock.now()
    more = [
        ActionCall(
            run=run, item=f"more-{number}", action=first.action, params={}, due_at=now, requested_at=now
        )
        for number in range(3)
    ]
    ActionCall.objects.bulk_create(more)
    claimed = [jobs._claim() for _ in range(4)]
    assert {call.item for call in claimed if call} == {"recover", "more-0", "more-1", "more-2"}
    assert jobs._claim() is None


def test_the_run_that_ended_lets_its_action_go(run, people, clock, recovery) -> None:
    call = jobs._claim()
    services.end(run, actor=people.commander)
    jobs._feed_back(run, call, result={"options": 1})
    stored = _fresh(run)
    assert stored.status == "finished"
    assert canonical(services.replayed(stored)) == canonical(stored.state)
    run_until_quiet()


def test_what_waits_when_the_run_ends_is_not_performed(run, people, clock, recovery) -> None:
    services.end(run, actor=people.commander)
    run_until_quiet()
    assert recovery.asked == []
    call = ActionCall.objects.get()
    assert (call.due_at, call.finished_at, call.result, call.error) == (
        None,
        clock.now(),
        None,
        "the run has ended",
    )


def test_what_failed_is_not_tried_again_after_the_end(run, people, clock, recovery) -> None:
    recovery.refuse(Conflict("the day has changed"))
    assert jobs.perform_actions() == 1
    services.end(run, actor=people.commander)
    fast_forward("1h")
    assert len(recovery.asked) == 1
    assert ActionCall.objects.get().due_at is None


def test_what_fails_while_the_run_ends_is_over_with_it(run, people, clock, recovery) -> None:
    def answer(context):
        services.end(run, actor=people.commander)
        raise Conflict("the day has changed")

    recovery.answer = answer
    run_until_quiet()
    call = ActionCall.objects.get()
    assert (call.attempts, call.due_at, call.error) == (1, None, "Conflict: the day has changed")
    assert not Task.objects.filter(item="recover").exists()
