"""Plan calls plan: begun once, told of its end, ended with its caller; what cannot be begun goes to a person."""

import pytest

from changbei.journal.models import Entry, FailedReaction
from changbei.journal.services import append
from changbei.plans.plain import canonical
from changbei.runs import calling, services
from changbei.runs.models import ActionCall, Run, Task
from changbei.runs.tests import house, words
from changbei.site.clockwork import fast_forward, run_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(people):
    return words.make_version()


def _called(item: str) -> Run:
    return Run.objects.get(caller_item=item)


def _item(run: Run, item: str) -> dict:
    return Run.objects.get(pk=run.pk).state["items"][item]


def test_the_called_run_has_the_callers_number_scope_and_context(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=60)
    run_until_quiet()
    flood, aside = _called("pump-out"), _called("beside")
    assert (flood.number, aside.number) == ("INC-0001/2", "INC-0001/3")
    assert flood.title["zh-Hant"] == "颱風 · Flood（繁）"
    assert (flood.caller, flood.scope, flood.incident) == (
        storm,
        {**storm.scope, "named": {}},
        storm.incident,
    )
    assert flood.state["context"]["report"] == {"depth": 60}
    assert flood.state["context"]["incident"] == {"level": "LOCAL"}
    assert _item(storm, "pump-out")["called"] == {"run": str(flood.uuid), "number": "INC-0001/2"}
    assert _item(storm, "pump-out")["status"] == "open"
    assert _item(storm, "beside")["status"] == "done"
    assert house.task(flood, "dry").holder == people.head


def test_the_caller_hears_what_came_of_it(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=60)
    run_until_quiet()
    flood = _called("pump-out")
    services.decide(house.task(flood, "dry"), "yes", actor=people.head)
    run_until_quiet()
    flood.refresh_from_db()
    storm.refresh_from_db()
    assert storm.state["context"]["result"]["pump_out"] == {
        "run": str(flood.uuid),
        "number": "INC-0001/2",
        "procedure": "flood",
        "ended": "finished",
        "level": "MAJOR",  # by the called procedure's own table
        "restored_at": flood.state["restored_at"],
        "decision": {"dry": "yes"},
    }
    assert storm.state["context"]["result"]["beside"] == {
        "run": str(_called("beside").uuid),
        "number": "INC-0001/3",
    }
    assert house.task(storm, "sign").status == "open"
    assert canonical(services.replayed(storm)) == canonical(storm.state)
    assert "restored_at" not in storm.state
    assert not FailedReaction.objects.exists()


def test_a_worker_that_dies_after_the_beginning_begins_no_second_run(version, people) -> None:
    words.begin(version, people, "storm", depth=60)
    call = ActionCall.objects.get(item="pump-out")
    first = calling.begin(call)
    assert calling.begin(call) == first
    assert Run.objects.filter(caller_item="pump-out").count() == 1


def test_a_report_that_the_form_refuses_opens_the_manual_task(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=0)
    run_until_quiet()
    by_hand = house.task(storm, "pump-out")
    assert (by_hand.title["en"], by_hand.holder) == ("Pump by hand", people.head)
    assert ActionCall.objects.get(item="pump-out").attempts == 1
    assert not Run.objects.filter(caller_item="pump-out").exists()
    services.complete(by_hand, actor=people.head)
    assert _item(storm, "pump-out")["status"] == "done"


def test_another_plan_that_is_not_in_force_opens_the_manual_task(people) -> None:
    storm = words.STORM.replace("call: {procedure: flood}", "call: {plan: other-plan, procedure: flood}")
    run = words.begin(words.make_version(storm=storm), people, "storm", depth=3)
    run_until_quiet()
    assert house.task(run, "pump-out").status == "open"
    assert "no version of the plan other-plan is in force" in ActionCall.objects.get(item="pump-out").error


def test_the_caller_that_ends_ends_whom_it_called(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=60)
    run_until_quiet()
    services.end(storm, actor=people.commander)
    run_until_quiet()
    assert set(Run.objects.values_list("status", flat=True)) == {"finished"}
    assert set(Task.objects.values_list("status", flat=True)) == {"cancelled"}
    assert not FailedReaction.objects.exists()


def test_a_called_run_that_is_closed_counts_as_cancelled(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=5)
    run_until_quiet()
    services.end(_called("pump-out"), actor=people.commander)
    run_until_quiet()
    storm.refresh_from_db()
    result = storm.state["context"]["result"]["pump_out"]
    assert (result["ended"], result["level"], result["decision"]) == ("cancelled", "LOCAL", {})
    assert storm.state["items"]["sign"]["status"] == "skipped"


def test_called_runs_hear_facts_and_learn_of_the_incident(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=5)
    run_until_quiet()
    services.know(storm.uuid, "incident", {"level": "MAJOR"})
    assert _called("pump-out").state["context"]["incident"] == {"level": "MAJOR"}
    from_test = append("test.accepted", actor=people.head, run=storm.uuid, data={"x": 1})
    run_until_quiet()
    aside = _called("beside")
    assert (aside.status, aside.state["context"]["result"]["look"]) == ("finished", {"x": 1})
    assert from_test.run == storm.uuid


def test_called_runs_follow_the_command(version, people) -> None:
    storm = words.begin(version, people, "storm", depth=5)
    run_until_quiet()
    services.change_scope(storm.uuid, {"command": {"commander": people.outsider.staff_no}})
    assert _called("pump-out").roles.get(role="commander", until=None).person == people.outsider


def test_calls_within_calls_come_to_an_end(people) -> None:
    """Circles within a pack are refused when it is read; through another plan only this limit is there."""
    version = words.make_version()
    top = words.begin(version, people, "storm", depth=5)
    calling_run = top
    for number in range(calling.MOST_DEEP):
        calling_run = Run.objects.create(
            plan_version=version,
            procedure="storm",
            number=f"INC-0001/{number + 2}",
            title=top.title,
            state=top.state,
            scope=top.scope,
            started_at=top.started_at,
            caller=calling_run,
            caller_item="pump-out",
        )
    call = ActionCall.objects.get(run=top, item="pump-out")
    call.run = calling_run
    with pytest.raises(Exception, match="plans call each other more than 5 deep"):
        calling.begin(call)


def test_a_restored_called_run_does_not_bring_the_incident_back(version, people) -> None:
    words.begin(version, people, "storm", depth=5)
    fast_forward("1m")
    services.decide(house.task(_called("pump-out"), "dry"), "no", actor=people.head)
    entry = Entry.objects.get(kind="runs.restored")
    assert entry.data["caller"] == str(_called("pump-out").caller.uuid)
