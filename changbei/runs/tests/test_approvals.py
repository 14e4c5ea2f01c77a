"""Approvals: handed only to whom the plan names, answered by time, given afterwards; evidence that conditions see."""

import hashlib

import pytest

from changbei.core.errors import Invalid, NotAllowed
from changbei.runs import access, services
from changbei.runs.models import Run, Task
from changbei.runs.tests import house, words
from changbei.site.clockwork import fast_forward, run_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


def _asked(people, **report) -> Run:
    run = words.begin(words.make_version(), people, "spend", **report)
    ask = house.task(run, "ask")
    services.attach(ask, "note", note="two pumps", actor=people.dispatcher)
    services.complete(ask, actor=people.dispatcher)
    return run


def _decision(run: Run) -> str:
    return Run.objects.get(pk=run.pk).state["context"]["decision"].get("allow", "")


def test_evidence_is_seen_by_conditions(people, clock) -> None:
    run = Run.objects.get(pk=_asked(people).pk)
    assert run.state["context"]["result"]["ask"] == {
        "evidence": [
            {
                "kind": "note",
                "sha256": hashlib.sha256(b"two pumps").hexdigest(),
                "at": clock.now().isoformat(),
                "by": people.dispatcher.staff_no,
            }
        ]
    }
    services.complete(house.task(run, "ask"), {}, actor=people.dispatcher)  # a second tap changes nothing


def test_it_goes_only_to_those_whom_the_plan_names(people) -> None:
    run = _asked(people)
    task = house.task(run, "allow")
    step = services.plan_of(run)[1].steps["allow"]
    assert access.delegates(task, step) == [people.dispatcher]
    with pytest.raises(Invalid, match="only be handed to those whom the plan names"):
        services.hand_over(task, people.outsider, actor=people.head)
    with pytest.raises(Invalid, match="two different people are needed"):
        services.hand_over(task, people.dispatcher, actor=people.head)  # has asked for it


def test_a_delegate_decides_and_the_role_stays(people) -> None:
    run = words.begin(words.make_version(), people, "spend")
    ask = house.task(run, "ask")
    services.attach(ask, "note", note="two pumps", actor=people.commander)
    services.complete(ask, actor=people.commander)
    task = house.task(run, "allow")
    services.hand_over(task, people.dispatcher, actor=people.head)
    task = house.task(run, "allow")
    assert (task.holder, task.held_as) == (people.dispatcher, "hand")
    assert run.roles.get(role="head", until=None).person == people.head
    services.hand_over(task, people.head, actor=people.dispatcher)  # and back
    services.hand_over(house.task(run, "allow"), people.dispatcher, actor=people.head)
    services.approve(house.task(run, "allow"), True, actor=people.dispatcher)
    assert _decision(run) == "approved"


def test_who_asked_does_not_allow(people) -> None:
    run = _asked(people)
    Task.objects.filter(item="allow").update(holder=people.dispatcher)
    with pytest.raises(NotAllowed, match="two different people"):
        services.approve(house.task(run, "allow"), True, actor=people.dispatcher)


def test_nobody_answers_and_the_plan_decides(people) -> None:
    run = _asked(people)
    fast_forward("179m")
    assert _decision(run) == ""
    fast_forward("1m")
    assert _decision(run) == "refused"
    task = house.task(run, "allow")
    assert (task.status, task.done_by, task.result) == ("done", None, {"approved": False, "timed_out": True})
    run.refresh_from_db()
    assert run.state["items"]["buy"]["status"] == "skipped"
    assert run.status == "finished"


def test_act_first_ratify_afterwards(people) -> None:
    run = _asked(people, urgent=True)
    assert _decision(run) == "provisional"
    buy = house.task(run, "buy")
    services.complete(buy, actor=people.dispatcher)
    run.refresh_from_db()
    assert (run.status, run.state["stages"]["pay"]) == ("running", "open")
    assert house.task(run, "allow").status == "open"
    services.approve(house.task(run, "allow"), True, actor=people.head)
    run.refresh_from_db()
    assert (_decision(run), run.status) == ("approved", "finished")
    assert services.replayed(run) == run.state


def test_what_becomes_urgent_goes_on_then(people) -> None:
    run = _asked(people, urgent=False)
    assert not Task.objects.filter(item="buy").exists()
    services.know(run.uuid, "report", {"urgent": True})
    assert _decision(run) == "provisional"
    assert house.task(run, "buy").status == "open"
    run_until_quiet()
    services.approve(house.task(run, "allow"), False, actor=people.head)
    assert _decision(run) == "refused"
    assert house.task(run, "buy").status == "open"  # has been begun, and is finished by hand
