"""Beginning a run: everything at once, in few statements."""

import pytest

from changbei.core.errors import NotFound
from changbei.journal.models import Entry
from changbei.notify.models import Message, Notice, Urgency
from changbei.plans.plain import canonical
from changbei.runs import selectors, services
from changbei.runs.models import ActionCall, RoleHolding, Run, RunFact, Task, Timer
from changbei.runs.tests import house

pytestmark = pytest.mark.django_db


def test_tasks_open_with_their_deadlines_holders_and_clause(run, people, clock) -> None:
    rescue = house.task(run, "rescue")
    assert (rescue.role, rescue.holder, rescue.clause, rescue.kind) == ("driver", people.driver, "T1", "do")
    assert rescue.evidence == ["photo"]
    assert (rescue.acknowledge_due_at - clock.now()).total_seconds() == 3 * 60
    assert (rescue.due_at - clock.now()).total_seconds() == 15 * 60
    assert set(Task.objects.values_list("item", flat=True)) == {"rescue", "report-goods"}


def test_a_step_whose_condition_does_not_hold_is_skipped(version, people) -> None:
    run = house.begin(version, people, hurt=False)
    assert list(run.tasks.values_list("item", flat=True)) == ["report-goods"]


def test_roles_are_held_by_people_for_a_reason(run, people) -> None:
    held = {one.role: (one.person, one.why) for one in selectors.roles_of(run)}
    assert held == {
        "driver": (people.driver, "named"),
        "dispatcher": (people.dispatcher, "duty"),
        "head": (people.head, "post"),
        "commander": (people.commander, "named"),
    }


def test_an_acting_commander_is_called_acting(version, people) -> None:
    run = services.start(
        "van-down",
        plan_version=version,
        incident=None,
        number="INC-0002",
        title={"en": "x"},
        context={"report": {"vehicle": "17"}},
        scope={"command": {"commander": people.head.staff_no}, "acting": ["commander"]},
        drill=False,
        actor=None,
    )
    holding = run.roles.get(role="commander")
    assert (holding.person, holding.why) == (people.head, "acting")


def test_the_holder_is_told_by_inbox_and_text(run, people, clock) -> None:
    notice = Notice.objects.get(task=house.task(run, "rescue").uuid)
    assert notice.title["en"] == "INC-0001 task: Rescue"
    assert notice.body["en"] == (
        "Van 17 is down. You are Driver. By clause T1 this is due by 23 Nov 09:55; please acknowledge first. Call 120"
    )
    assert (notice.urgency, notice.needs_acknowledgement, notice.clause) == (Urgency.IMMEDIATE, True, "T1")
    assert list(notice.messages.order_by("id").values_list("person", "channel", "state")) == [
        (people.driver.pk, "inbox", "delivered"),
        (people.driver.pk, "sms", "queued"),
        (people.driver.pk, "sms", "queued"),
    ]


def test_actions_and_timers_wait_for_a_worker(run, clock) -> None:
    call = ActionCall.objects.get()
    assert (call.action, call.params, call.due_at) == ("test.recover", {"vehicle": "17"}, clock.now())
    assert set(Timer.objects.values_list("key", flat=True)) == {
        "ack:rescue:1",
        "due:rescue:1",
        "due:report-goods:1",
        "roster",
    }


def test_the_journal_tells_it(run, people) -> None:
    facts = Entry.objects.filter(run=run.uuid).order_by("id")
    assert [fact.kind for fact in facts] == [
        "runs.started",
        "runs.stage_opened",
        "runs.task_opened",
        "runs.action_called",
        "runs.task_opened",
        "notify.told",
        "notify.told",
    ]
    opened = facts[2]
    assert (opened.item, opened.clause, opened.actor_id) == ("rescue", "T1", people.driver.pk)
    assert opened.data["holder"] == people.driver.staff_no


def test_twelve_tasks_are_not_more_statements_than_one(
    version, people, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(15) as captured:
        run = house.begin(version, people, "twelve")
    assert Task.objects.filter(run=run).count() == 12
    assert (
        Timer.objects.filter(run=run).count() == 25
    )  # one to acknowledge and one to be done by each, and the roster
    assert Message.objects.count() == 12 * 3 + 2
    assert ActionCall.objects.filter(run=run).count() == 1
    twelve = len(captured)

    with django_assert_max_num_queries(twelve):
        house.begin(version, people, "van-down")


def test_a_vacant_role_is_told_to_the_next_on_the_chain(version, people) -> None:
    run = house.begin(version, people, driver="nobody")
    rescue = house.task(run, "rescue")
    assert rescue.holder is None
    assert RoleHolding.objects.get(run=run, role="driver").why == "nobody"
    notice = Notice.objects.get(task=rescue.uuid)
    assert (notice.template, notice.urgency) == ("task-vacant", Urgency.IMMEDIATE)
    assert {message.person for message in notice.messages.all()} == {people.dispatcher}


def test_an_unknown_procedure_changes_nothing(version, people) -> None:
    with pytest.raises(NotFound, match="no procedure van-up"):
        house.begin(version, people, "van-up")
    assert (Run.objects.count(), Entry.objects.count()) == (0, 0)


def test_the_first_fact_replays_to_the_stored_state(run) -> None:
    stored = Run.objects.get(pk=run.pk)
    assert RunFact.objects.get().fact["type"] == "Started"
    assert canonical(services.replayed(stored)) == canonical(stored.state)


def test_a_drill_marks_every_message(version, people) -> None:
    services.start(
        "twelve",
        plan_version=version,
        incident=None,
        number="INC-0003",
        title={"en": "x"},
        context={"report": {"vehicle": "17", "driver": people.driver.staff_no}},
        scope={"site": "delivery-center"},
        drill=True,
        actor=None,
    )
    assert all(notice.title["en"].startswith("[DRILL] ") for notice in Notice.objects.all())
    assert Notice.objects.count() == 13
    assert set(Entry.objects.values_list("drill", flat=True)) == {True}
