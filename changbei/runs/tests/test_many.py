"""A task for each of a list: who gets it, one message to each person, late ones told together."""

from datetime import timedelta

import pytest

from changbei.core.errors import NotAllowed
from changbei.journal.models import Entry
from changbei.notify import services as notify
from changbei.notify.models import Message, Notice
from changbei.people import services as people_services
from changbei.plans.plain import canonical
from changbei.runs import access, services
from changbei.runs.models import Run, Task
from changbei.runs.tests import house, words
from changbei.site.clockwork import fast_forward, run_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def survey(people) -> Run:
    shops = [
        {"code": "A1", "by": people.driver.staff_no},
        {"code": "A2", "by": people.driver.staff_no},
        {"code": "B1", "by": people.other_driver.staff_no},
        {"code": "C1", "by": "nobody-of-us"},
    ]
    return words.begin(words.make_version(), people, "survey", shops=shops)


def _holders(run: Run) -> dict[str, tuple[str, str]]:
    return {task.item: (task.holder.name, task.held_as) for task in run.tasks.select_related("holder")}


def test_each_gets_their_own(survey, people) -> None:
    assert _holders(survey) == {
        "phone@A1": ("Driver One", "plan"),
        "phone@A2": ("Driver One", "plan"),
        "phone@B1": ("Driver Two", "plan"),
        "phone@C1": ("Head", "plan"),  # nobody of that number: the role's
    }
    first = house.task(survey, "phone@A1")
    assert (first.title["en"], first.title["zh-Hans"]) == (
        "Call the shop: Shop A1",
        "Call the shop（简）：Shop A1",
    )
    assert (first.label, first.clause) == ("Shop A1", "T1")


def test_one_message_to_each_person(survey, people) -> None:
    notices = Notice.objects.order_by("id")
    assert [(notice.template, notice.title["en"]) for notice in notices] == [
        ("tasks", "INC-0001, 2 tasks: Call the shop"),
        ("task", "INC-0001 task: Call the shop: Shop B1"),
        ("task", "INC-0001 task: Call the shop: Shop C1"),
    ]
    assert notices[0].body["en"] == (
        "Typhoon. You are Head. By clause T1 each of these is due by 23 Nov 10:10: Shop A1, Shop A2."
    )
    assert set(Message.objects.filter(notice=notices[0]).values_list("person", flat=True)) == {
        people.driver.pk
    }


def test_who_takes_note_of_one_takes_note_of_theirs(survey, people) -> None:
    services.acknowledge(house.task(survey, "phone@A1"), actor=people.driver)
    status = dict(survey.tasks.values_list("item", "status"))
    assert status == {
        "phone@A1": "acknowledged",
        "phone@A2": "acknowledged",
        "phone@B1": "open",
        "phone@C1": "open",
    }


def test_late_ones_are_told_together(survey, people) -> None:
    services.acknowledge(house.task(survey, "phone@A1"), actor=people.driver)
    fast_forward("10m")
    late = Notice.objects.get(template="tasks-late")
    assert late.title["en"] == "INC-0001, 2 not acknowledged: Call the shop"
    assert late.body["en"].startswith(
        "Typhoon. Tasks of Head, clause T1, due by 23 Nov 10:10: Shop B1, Shop C1."
    )
    assert set(late.messages.values_list("person", flat=True)) == {people.commander.pk}
    assert house.task(survey, "phone@B1").escalations == 1
    assert Entry.objects.filter(kind="runs.escalated").count() == 2


def _states(notice: Notice) -> list[tuple[str, str]]:
    return list(notice.messages.order_by("id").values_list("channel", "state"))


def test_one_message_for_several_is_reminded_of_as_one_for_one(survey, people) -> None:
    many, one = Notice.objects.get(template="tasks"), Notice.objects.get(title__en__endswith="Shop B1")
    assert (many.needs_acknowledgement, _states(many)) == (True, _states(one))
    assert many.tasks == [house.task(survey, f"phone@{shop}").uuid for shop in ("A1", "A2")]


def test_who_answers_the_message_has_taken_note_of_all_that_are_theirs(survey, people) -> None:
    run_until_quiet()
    services.complete(house.task(survey, "phone@A1"), {"answer": "fine"}, actor=people.driver)
    message = Message.objects.get(notice__template="tasks", channel="inbox")
    notify.acknowledge(message, people.driver, actor=people.driver)
    run_until_quiet()
    status = dict(survey.tasks.values_list("item", "status"))
    assert (status["phone@A1"], status["phone@A2"], status["phone@B1"]) == ("done", "acknowledged", "open")
    fast_forward("10m")
    late = Entry.objects.filter(kind="runs.escalated").values_list("item", flat=True)
    assert set(late) == {"phone@B1", "phone@C1"}


def test_who_takes_note_on_the_page_is_not_reminded(survey, people, carrier) -> None:
    services.complete(house.task(survey, "phone@A1"), {"answer": "fine"}, actor=people.driver)
    services.acknowledge(house.task(survey, "phone@A2"), actor=people.driver)
    many = Notice.objects.get(template="tasks")
    assert {state for _, state in _states(many)} == {"acknowledged", "stopped"}
    fast_forward("5m")
    assert carrier.to(people.driver.phone) == []


def test_it_stops_with_the_last_of_them(survey, people, carrier) -> None:
    many = Notice.objects.get(template="tasks")
    services.complete(house.task(survey, "phone@A1"), {"answer": "fine"}, actor=people.driver)
    assert ("sms", "queued") in _states(many)
    services.hand_over(house.task(survey, "phone@A2"), people.outsider, actor=people.driver)
    assert ("sms", "queued") not in _states(many)
    many.refresh_from_db()
    assert many.tasks == []


def test_of_late_ones_a_superior_hears_until_the_last_is_closed(survey, people) -> None:
    fast_forward("10m")
    late = Notice.objects.get(
        template="tasks-late", messages__person=people.commander, messages__channel="inbox"
    )
    gone = {task.uuid: task for task in survey.tasks.select_related("run", "holder")}
    *first, last = [gone[task] for task in late.tasks]
    for task in first:
        services.complete(task, {"answer": "fine"}, actor=task.holder)
    late.refresh_from_db()
    assert (late.tasks, late.stopped_at) == ([last.uuid], None)
    services.complete(last, {"answer": "fine"}, actor=last.holder)
    late.refresh_from_db()
    assert late.stopped_at is not None


def test_the_step_is_done_when_all_are(survey, people) -> None:
    for item, person in (("A1", people.driver), ("A2", people.driver), ("B1", people.other_driver)):
        services.complete(house.task(survey, f"phone@{item}"), {"answer": "fine"}, actor=person)
    assert not Task.objects.filter(item="sum-up").exists()
    services.complete(house.task(survey, "phone@C1"), {}, actor=people.deputy)
    survey.refresh_from_db()
    assert survey.state["context"]["result"]["phone"] == {
        "count": 4,
        "done": {"A1": {"answer": "fine"}, "A2": {"answer": "fine"}, "B1": {"answer": "fine"}, "C1": {}},
    }
    assert house.task(survey, "sum-up").holder == people.head
    assert canonical(services.replayed(survey)) == canonical(survey.state)


def test_the_head_of_the_role_may_stand_in_and_others_may_not(survey, people) -> None:
    task = house.task(survey, "phone@A1")
    assert access.may_act(people.head, task)
    assert not access.may_act(people.other_driver, task)
    with pytest.raises(NotAllowed):
        services.complete(task, actor=people.other_driver)


def test_the_substitute_has_them_while_somebody_is_away(survey, people, clock) -> None:
    run_until_quiet()
    absence = people_services.record_absence(
        people.driver,
        clock.now(),
        clock.now() + timedelta(days=1),
        out_of_city=True,
        substitute=people.outsider,
        actor=None,
    )
    run_until_quiet()
    assert _holders(survey)["phone@A1"] == ("Outsider", "plan")
    assert _holders(survey)["phone@B1"] == ("Driver Two", "plan")
    clock.advance(timedelta(seconds=1))
    people_services.end_absence(absence, actor=None)
    run_until_quiet()
    assert _holders(survey)["phone@A2"] == ("Driver One", "plan")
    moved = Entry.objects.filter(kind="runs.task_moved", item="phone@A1").order_by("id")
    assert [(entry.data["from"], entry.data["to"]) for entry in moved] == [("T1", "T8"), ("T8", "T1")]


def test_the_role_has_them_while_somebody_is_away_without_a_substitute(survey, people, clock) -> None:
    absence = people_services.record_absence(
        people.driver, clock.now(), clock.now() + timedelta(days=1), reachable=False, actor=None
    )
    run_until_quiet()
    assert _holders(survey)["phone@A1"] == ("Head", "plan")
    services.hand_over(house.task(survey, "phone@B1"), people.outsider, actor=people.other_driver)
    people_services.retire(people.head, actor=None)
    run_until_quiet()
    assert _holders(survey)["phone@A1"] == _holders(survey)["phone@C1"] == ("Deputy", "plan")
    clock.advance(timedelta(seconds=1))
    people_services.end_absence(absence, actor=None)
    run_until_quiet()
    assert _holders(survey)["phone@A1"] == ("Driver One", "plan")


def test_who_was_away_at_the_beginning_gets_them_afterwards(people, clock) -> None:
    people_services.record_absence(
        people.driver, clock.now(), clock.now() + timedelta(hours=1), reachable=False, actor=None
    )
    shops = [{"code": "A1", "by": people.driver.staff_no}]
    survey = words.begin(words.make_version(), people, "survey", shops=shops)
    assert _holders(survey) == {"phone@A1": ("Head", "plan")}
    fast_forward("1h")
    assert _holders(survey) == {"phone@A1": ("Driver One", "plan")}


def test_nothing_stays_with_who_has_left(survey, people) -> None:
    services.hand_over(house.task(survey, "phone@A1"), people.outsider, actor=people.driver)
    services.hand_over(house.task(survey, "phone@B1"), people.outsider, actor=people.other_driver)
    for person in (people.outsider, people.other_driver):
        people_services.retire(person, actor=None)
    run_until_quiet()
    assert _holders(survey)["phone@A1"] == ("Driver One", "plan")
    assert _holders(survey)["phone@B1"] == ("Head", "plan")
    told = Message.objects.filter(notice__template="task-moved", person=people.outsider)
    assert not told.exists()  # of what they no longer have to do


def test_one_of_many_is_handed_over_alone(survey, people) -> None:
    services.hand_over(house.task(survey, "phone@A1"), people.outsider, actor=people.driver)
    assert _holders(survey)["phone@A1"] == ("Outsider", "hand")
    assert _holders(survey)["phone@A2"] == ("Driver One", "plan")
    assert survey.roles.get(role="head", until=None).person == people.head
    services.reassess_roles(survey)
    assert _holders(survey)["phone@A1"] == ("Outsider", "hand")


def test_five_hundred_tasks_are_few_statements(people, django_assert_max_num_queries) -> None:
    version = words.make_version()
    shops = [{"code": f"S{number:04d}", "by": people.driver.staff_no} for number in range(600)]
    with django_assert_max_num_queries(40):
        run = words.begin(version, people, "survey", shops=shops)
    assert run.tasks.count() == 500
    assert Notice.objects.count() == 1
    assert run.state["notes"][0]["what"] == "only the first 500 of the list"
