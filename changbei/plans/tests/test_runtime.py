"""The runtime by example: what each fact does, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from changbei.plans.facts import (
    Acknowledged,
    ActionDone,
    ActionFailed,
    AskAgain,
    CallAction,
    CancelTimer,
    CloseTask,
    Command,
    Completed,
    Ended,
    Escalate,
    Fact,
    Finished,
    Happened,
    Known,
    MarkAcknowledged,
    Moved,
    OpenTask,
    SetTimer,
    StageClosed,
    StageOpened,
    Started,
    Tell,
    TimerFired,
)
from changbei.plans.model import Procedure
from changbei.plans.plain import canonical
from changbei.plans.runtime import level_of, named_roles, same_key, start_state, step
from changbei.plans.tests.packs import HEAD, ON_FAILURE, TASK, TITLE, pack, procedure, stage

START = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)  # Monday 09:40 in the city


def after(**amount: float) -> datetime:
    return START + timedelta(**amount)


class Story:
    """Facts go in one after the other, a minute apart unless said otherwise."""

    def __init__(self, found: Procedure, report: dict[str, object] | None = None) -> None:
        self.procedure = found
        self.state = start_state()
        self.now = START
        self.started = self.tell(Started({"report": report or {"vehicle": "B12345"}}))

    def tell(self, fact: Fact, at: datetime | None = None) -> list[Command]:
        self.now = at or self.now
        before = canonical(self.state)
        given = self.state
        self.state, commands = step(self.procedure, self.state, fact, self.now)
        assert canonical(given) == before
        return commands

    def item(self, name: str) -> dict[str, object]:
        found: dict[str, object] = self.state["items"][name]
        return found

    def notes(self) -> list[tuple[str, str, str]]:
        return [(note["item"], note["what"], note["detail"]) for note in self.state["notes"]]


def test_task_opens_is_acknowledged_and_done() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}, acknowledge_within: 3m")))
    assert story.started == [
        StageOpened("go"),
        OpenTask("rescue", after(minutes=3), after(minutes=15), "driver"),
        SetTimer("ack:rescue:1", after(minutes=3)),
        SetTimer("due:rescue:1", after(minutes=15)),
    ]
    assert story.tell(Acknowledged("rescue", "3107"), after(minutes=2)) == [
        MarkAcknowledged("rescue", "3107"),
        CancelTimer("ack:rescue:1"),
    ]
    assert story.tell(Completed("rescue", "3107", {"note": "ok"}), after(minutes=9)) == [
        CancelTimer("due:rescue:1"),
        CloseTask("rescue", "done", "3107", {"note": "ok"}),
        StageClosed("go"),
        Finished(),
    ]
    assert story.item("rescue") == {
        "status": "done",
        "opened_at": "2026-11-23T01:40:00+00:00",
        "role": "driver",
        "due_at": "2026-11-23T01:55:00+00:00",
        "acknowledge_due_at": "2026-11-23T01:43:00+00:00",
        "acknowledged_at": "2026-11-23T01:42:00+00:00",
        "acknowledged_by": "3107",
        "done_at": "2026-11-23T01:49:00+00:00",
        "by": "3107",
    }
    assert story.state["status"] == "finished"
    assert story.state["finished_at"] == "2026-11-23T01:49:00+00:00"
    assert story.state["timers"] == {}
    assert story.notes() == []


def test_missed_acknowledgement_goes_up_the_chain_and_stops_when_answered() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}, acknowledge_within: 3m, escalate_every: 2m")))
    assert story.tell(TimerFired("ack:rescue:1"), after(minutes=3)) == [
        Escalate("rescue", "dispatcher", "acknowledge", 1),
        SetTimer("ack:rescue:2", after(minutes=5)),
    ]
    assert story.tell(TimerFired("ack:rescue:1"), after(minutes=4)) == []
    assert story.tell(TimerFired("ack:rescue:2"), after(minutes=5)) == [
        Escalate("rescue", "head", "acknowledge", 2),
        SetTimer("ack:rescue:3", after(minutes=7)),
    ]
    assert story.tell(Acknowledged("rescue", "1"), after(minutes=6)) == [
        MarkAcknowledged("rescue", "1"),
        CancelTimer("ack:rescue:3"),
    ]
    assert story.item("rescue")["acknowledge_late_seconds"] == 180
    assert story.item("rescue")["escalations"] == 2


def test_who_gets_a_task_has_to_acknowledge_it_anew() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}, acknowledge_within: 3m")))
    story.tell(Acknowledged("rescue", "1"), after(minutes=4))
    assert story.tell(Moved("rescue", "2"), after(minutes=5)) == [
        SetTimer("ack:rescue:1", after(minutes=8)),
        AskAgain("rescue", after(minutes=8)),
    ]
    assert story.item("rescue") == {
        "status": "open",
        "opened_at": "2026-11-23T01:40:00+00:00",
        "role": "driver",
        "due_at": "2026-11-23T01:55:00+00:00",
        "acknowledge_due_at": "2026-11-23T01:48:00+00:00",
    }
    assert story.tell(Moved("rescue", "3"), after(minutes=6)) == [
        CancelTimer("ack:rescue:1"),
        SetTimer("ack:rescue:1", after(minutes=9)),
        AskAgain("rescue", after(minutes=9)),
    ]
    assert story.tell(Acknowledged("rescue", "3"), after(minutes=7))[0] == MarkAcknowledged("rescue", "3")
    story.tell(TimerFired("due:rescue:1"), after(minutes=15))
    assert story.tell(Moved("rescue", "4"), after(minutes=16)) == [AskAgain("rescue", None)]
    story.tell(Completed("rescue", "4"), after(minutes=17))
    assert story.tell(Moved("rescue", "5"), after(minutes=18)) == []


def test_missed_deadline_takes_over_from_the_missing_answer_and_ends_with_the_chain() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}, acknowledge_within: 14m")))
    story.tell(TimerFired("ack:rescue:1"), after(minutes=14))
    assert story.tell(TimerFired("due:rescue:1"), after(minutes=15)) == [
        CancelTimer("ack:rescue:2"),
        Escalate("rescue", "dispatcher", "due", 1),
        SetTimer("due:rescue:2", after(minutes=20)),
    ]
    story.tell(TimerFired("due:rescue:2"), after(minutes=20))
    assert story.tell(TimerFired("due:rescue:3"), after(minutes=25)) == [
        Escalate("rescue", "commander", "due", 3)
    ]
    assert story.item("rescue")["overdue"] is True
    story.tell(Completed("rescue", "1"), after(minutes=40))
    assert story.item("rescue")["late_seconds"] == 1500
    assert story.item("rescue")["escalations"] == 4


def test_late_by_less_than_a_second_is_late() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}")))
    story.tell(Completed("rescue", "1"), after(minutes=15, microseconds=1))
    assert story.item("rescue")["late_seconds"] == 1


def test_exactly_in_time_is_in_time() -> None:
    story = Story(procedure(stage("go", f"id: rescue, {TASK}")))
    story.tell(Completed("rescue", "1"), after(minutes=15))
    assert "late_seconds" not in story.item("rescue")


def test_stages_follow_each_other_unless_they_say_otherwise() -> None:
    story = Story(
        procedure(
            stage("first", f"id: a, {TASK}"),
            stage("second", f"id: b, {TASK}"),
            stage("beside", f"id: c, {TASK}", after="[]"),
            stage("last", f"id: d, {TASK}", after="[first, beside]"),
        )
    )
    assert story.state["stages"] == {
        "first": "open",
        "second": "waiting",
        "beside": "open",
        "last": "waiting",
    }
    story.tell(Completed("a", "1"))
    assert story.state["stages"]["second"] == "open"
    assert story.state["stages"]["last"] == "waiting"
    assert StageOpened("last") in story.tell(Completed("c", "1"))


def test_a_stage_whose_condition_fails_is_skipped_and_the_next_opens() -> None:
    found = procedure(
        stage("hurt", f"id: rescue, {TASK}", when="'report.injured'"),
        stage("go", f"id: recover, {TASK}"),
    )
    assert Story(found, {"vehicle": "B1", "injured": False}).state["stages"] == {
        "hurt": "skipped",
        "go": "open",
    }
    assert Story(found, {"vehicle": "B1", "injured": True}).state["stages"] == {
        "hurt": "open",
        "go": "waiting",
    }


def test_a_condition_that_cannot_be_evaluated_counts_as_false_and_is_noted() -> None:
    story = Story(
        procedure(stage("go", f"id: rescue, {TASK}, when: report.injured", f"id: recover, {TASK}")), {}
    )
    assert story.item("rescue")["status"] == "skipped"
    assert story.notes() == [
        ("rescue", "when could not be evaluated", 'Key not found in map : "injured"'),
    ]


def test_steps_wait_for_steps_and_a_skipped_one_holds_nobody_up() -> None:
    story = Story(
        procedure(
            stage(
                "go",
                f"id: c, {TASK}, after: [b]",
                f"id: b, {TASK}, after: [a], when: 'false'",
                f"id: a, {TASK}",
            )
        )
    )
    assert set(story.state["items"]) == {"a"}
    assert story.tell(Completed("a", "1")) == [
        CancelTimer("due:a:1"),
        CloseTask("a", "done", "1"),
        OpenTask("c", None, after(minutes=15), "driver"),
        SetTimer("due:c:1", after(minutes=15)),
    ]
    assert story.item("b")["status"] == "skipped"


def test_a_held_stage_opens_when_something_becomes_known() -> None:
    story = Story(
        procedure(
            stage("now", f"id: a, {TASK}"),
            stage("later", f"id: b, {TASK}", after="[]", hold_until="'has(incident.resumed_at)'"),
        )
    )
    assert story.state["stages"]["later"] == "waiting"
    assert story.tell(Known("incident", {"level": "MAJOR"})) == []
    assert StageOpened("later") in story.tell(Known("incident", {"resumed_at": "2026-11-23"}))
    assert story.state["context"]["incident"] == {"level": "MAJOR", "resumed_at": "2026-11-23"}
    assert story.notes() == []


def test_known_of_an_undeclared_or_own_name_changes_nothing() -> None:
    story = Story(procedure(stage("now", f"id: a, {TASK}")))
    story.tell(Known("weather", {"red": True}))
    story.tell(Known("result", {"a": {}}))
    assert story.state["context"]["result"] == {}
    assert "weather" not in story.state["context"]
    assert [note[2] for note in story.notes()] == ["weather", "result"]


DECIDE = (
    f"id: choose, clause: E1.1, role: driver, within: 5m, overdue: usual, decide: {{title: {TITLE}, "
    f"options: [{{id: wait, title: {TITLE}}}, {{id: go-on, title: {TITLE}}}]}}"
)


def test_a_decision_is_seen_by_later_conditions() -> None:
    story = Story(
        procedure(
            stage("first", DECIDE), stage("next", f"id: a, {TASK}", when="'decision.choose == \"wait\"'")
        )
    )
    assert story.tell(Completed("choose", "7", {"option": "sleep"})) == []
    assert story.notes() == [("choose", "not accepted", "'sleep' is not among the options")]
    assert story.tell(Completed("choose", "", {"option": "wait"})) == []
    story.tell(Completed("choose", "7", {"option": "wait"}))
    assert story.state["context"]["decision"] == {"choose": "wait"}
    assert story.state["stages"]["next"] == "open"
    assert story.tell(Completed("choose", "7", {"option": "go-on"})) == []
    assert story.state["context"]["decision"] == {"choose": "wait"}


APPROVE = "clause: E1.1, role: head, within: 5m, overdue: [commander], approve: {title: " + TITLE


def test_an_approval_by_the_same_person_is_not_accepted_in_either_order() -> None:
    found = procedure(
        stage("go", f"id: check-it, {APPROVE}}}", f"id: approve-it, {APPROVE}, not_same_as: check-it}}")
    )
    for first, second in (("check-it", "approve-it"), ("approve-it", "check-it")):
        story = Story(found)
        story.tell(Completed(first, "7", {"approved": True}))
        assert story.tell(Completed(second, "7", {"approved": True})) == []
        assert story.notes() == [
            (second, "not accepted", f"7 has also done {first}; two different people are needed")
        ]
        assert story.item(second)["status"] == "open"
        story.tell(Completed(second, "8", {"approved": False}))
        assert story.state["status"] == "finished"
        assert story.state["context"]["decision"] == {
            first.replace("-", "_"): "approved",
            second.replace("-", "_"): "refused",
        }


LIMITS = """\
id: level
clause: E1.1
hit: FIRST
inputs: {cartons: double}
outputs: {role: string, level: string}
rules:
  - {when: 'cartons <= 10.0', then: {role: dispatcher, level: a}}
  - {when: 'cartons <= 50.0', then: {role: head, level: b}}
"""


def test_the_limit_table_says_who_may_approve() -> None:
    found = procedure(
        stage(
            "go",
            f"id: ok, clause: E1.1, role: commander, within: 5m, overdue: [head], approve: {{title: {TITLE}, "
            "limit: {table: level, with: {cartons: incident.cartons}}}",
        ),
        table=LIMITS,
    )
    for cartons, role in ((10, "dispatcher"), (10.5, "head"), (51, "commander")):
        state, commands = step(found, start_state(), Started({"incident": {"cartons": cartons}}), START)
        assert commands[1] == OpenTask("ok", None, after(minutes=5), role)
        assert state["items"]["ok"]["role"] == role
    assert [note["what"] for note in state["notes"]] == ["table level names nobody"]


ACTION = f"id: recover, clause: E1.1, do: delivery.recover, with: {{van: report.vehicle}}, on_failure: {ON_FAILURE}"


def test_an_action_is_called_and_its_result_is_seen() -> None:
    story = Story(
        procedure(stage("go", ACTION), stage("next", f"id: a, {TASK}", when="'result.recover.unserved > 3'"))
    )
    assert story.started == [
        StageOpened("go"),
        CallAction("recover", "delivery.recover", {"van": "B12345"}),
    ]
    assert StageOpened("next") in story.tell(ActionDone("recover", {"unserved": 4}))
    assert story.tell(ActionDone("recover", {"unserved": 0})) == []
    assert story.state["context"]["result"] == {"recover": {"unserved": 4}}


def test_a_failed_action_becomes_a_task_and_its_completion_the_result() -> None:
    story = Story(procedure(stage("go", ACTION)))
    assert story.tell(Completed("recover", "7")) == []
    assert story.tell(ActionFailed("recover", "no road data"), after(minutes=1)) == [
        OpenTask("recover", None, after(minutes=21), "head"),
        SetTimer("due:recover:1", after(minutes=21)),
    ]
    assert story.tell(ActionFailed("recover", "again")) == []
    assert story.item("recover")["error"] == "no road data"
    assert story.tell(TimerFired("due:recover:1"), after(minutes=21)) == [
        Escalate("recover", "commander", "due", 1)
    ]
    assert story.tell(Completed("recover", "7", {"by_hand": True}), after(minutes=22)) == [
        CloseTask("recover", "done", "7", {"by_hand": True}),
        StageClosed("go"),
        Finished(),
    ]


def test_an_action_that_succeeds_after_all_closes_the_manual_task() -> None:
    story = Story(procedure(stage("go", ACTION)))
    story.tell(ActionFailed("recover", "slow"))
    assert CloseTask("recover", "done", "", {"case": 1}) in story.tell(ActionDone("recover", {"case": 1}))


AWAIT = f"id: choose, await: delivery.accepted, page: delivery.recovery, {TASK}"


def test_an_awaited_fact_completes_the_task() -> None:
    story = Story(procedure(stage("go", AWAIT)))
    assert story.tell(Completed("choose", "7")) == []
    assert story.notes() == [("choose", "not accepted", "it is completed by delivery.accepted, not by hand")]
    assert story.tell(Happened("delivery.other", {}, "7")) == []
    assert CloseTask("choose", "done", "7", {"option": 2}) in story.tell(
        Happened("delivery.accepted", {"option": 2}, "7")
    )
    assert story.state["context"]["result"] == {"choose": {"option": 2}}


def test_a_fact_that_came_early_is_used_once() -> None:
    story = Story(
        procedure(
            stage("first", f"id: a, {TASK}"),
            stage("go", "id: one, await: delivery.accepted"),
            stage("then", "id: two, await: delivery.accepted"),
        )
    )
    story.tell(Happened("delivery.accepted", {"n": 1}, "7"))
    story.tell(Completed("a", "1"))
    assert story.item("one")["status"] == "done"
    assert story.item("two")["status"] == "open"
    story.tell(Happened("delivery.accepted", {"n": 2}, "8"))
    assert story.state["context"]["result"]["two"] == {"n": 2}
    assert story.state["status"] == "finished"


def test_notify_tells_and_is_done() -> None:
    story = Story(
        procedure(
            stage(
                "go",
                "id: tell, clause: E1.1, notify: {template: told, roles: [driver], audience: all-drivers, "
                "values: {vehicle: report.vehicle}}",
            )
        )
    )
    assert story.started == [
        StageOpened("go"),
        Tell("tell", "told", ("driver",), "all-drivers", {"vehicle": "B12345"}),
        StageClosed("go"),
        Finished(),
    ]


def test_waiting_for_a_time() -> None:
    story = Story(procedure(stage("go", "id: pause, wait: {for: 30m}")))
    assert story.started == [StageOpened("go"), SetTimer("wait:pause", after(minutes=30))]
    assert story.tell(TimerFired("wait:pause"), after(minutes=30)) == [StageClosed("go"), Finished()]


def test_waiting_until_follows_what_is_known() -> None:
    story = Story(procedure(stage("go", "id: pause, wait: {until: incident.resume_at}")))
    assert story.started == [StageOpened("go")]
    assert story.tell(Known("incident", {"resume_at": "soon"})) == []
    assert story.tell(Known("incident", {"resume_at": "2026-11-23T12:00:00+08:00"})) == [
        SetTimer("wait:pause", datetime(2026, 11, 23, 4, tzinfo=UTC))
    ]
    assert story.tell(Known("incident", {"resume_at": "2026-11-23T11:00:00+08:00"})) == [
        SetTimer("wait:pause", datetime(2026, 11, 23, 3, tzinfo=UTC))
    ]
    assert story.tell(Known("incident", {"resume_at": "2026-11-23T09:00:00+08:00"})) == [
        CancelTimer("wait:pause"),
        StageClosed("go"),
        Finished(),
    ]


def test_working_day_deadlines_follow_the_calendar() -> None:
    friday = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)  # 15:00 in the city
    found = procedure(
        stage(
            "go", f"id: mend, clause: E1.1, task: {{title: {TITLE}}}, role: head, within: 1wd, overdue: usual"
        )
    )
    _, commands = step(found, start_state(), Started({}), friday)
    assert commands[1] == OpenTask("mend", None, datetime(2026, 11, 30, 7, 0, tzinfo=UTC), "head")


def test_a_duration_may_come_from_a_setting() -> None:
    story = Story(
        procedure(
            stage(
                "go",
                f"id: a, clause: E1.1, task: {{title: {TITLE}}}, role: head, within: setting.quick, overdue: usual",
            )
        )
    )
    assert story.started[1] == OpenTask("a", None, after(minutes=10), "head")


def test_service_is_restored_by_the_step_the_plan_names() -> None:
    story = Story(procedure(stage("go", f"id: a, {TASK}", f"id: b, {TASK}"), head=HEAD + "restored_by: a\n"))
    story.tell(Completed("a", "1"), after(minutes=4))
    assert story.state["restored_at"] == "2026-11-23T01:44:00+00:00"
    assert story.state["status"] == "running"


def test_ending_cancels_what_is_open() -> None:
    story = Story(
        procedure(
            stage("go", f"id: a, {TASK}, acknowledge_within: 3m", ACTION),
            stage("next", f"id: b, {TASK}"),
        )
    )
    assert story.tell(Ended("9"), after(minutes=1)) == [
        CancelTimer("ack:a:1"),
        CancelTimer("due:a:1"),
        CloseTask("a", "cancelled"),
        StageClosed("go"),
        Finished(),
    ]
    assert story.state["stages"] == {"go": "cancelled", "next": "cancelled"}
    assert story.state["ended_by"] == "9"
    assert story.tell(Completed("a", "1")) == []
    assert story.tell(ActionDone("recover", {})) == []
    assert story.item("a")["status"] == "cancelled"


def test_facts_before_the_start_are_ignored_with_a_note() -> None:
    found = procedure(stage("go", f"id: a, {TASK}"))
    state, commands = step(found, start_state(), Completed("a", "1"), START)
    assert commands == []
    assert state["notes"] == [
        {
            "at": "2026-11-23T01:40:00+00:00",
            "item": "",
            "what": "ignored, the run has not started",
            "detail": "Completed",
        }
    ]
    again, _ = step(found, state, Completed("a", "1"), after(minutes=1))
    assert again == state


def test_unknown_and_unopened_steps_are_noted() -> None:
    story = Story(procedure(stage("go", f"id: a, {TASK}"), stage("next", f"id: b, {TASK}")))
    story.tell(Completed("nonsense", "1"))
    story.tell(Acknowledged("b", "1"))
    story.tell(ActionDone("a", {}))
    assert story.notes() == [
        ("", "no such step", "nonsense"),
        ("b", "not open yet", ""),
        ("", "no such action", "a"),
    ]


def test_what_the_report_carries_too_much_is_left_out() -> None:
    found = procedure(stage("go", f"id: a, {TASK}"))
    state, _ = step(
        found, start_state(), Started({"report": {"vehicle": "x\x00y"}, "moon": 1, "result": {"a": 1}}), START
    )
    assert state["context"] == {
        "report": {"vehicle": "xy"},
        "incident": {},
        "result": {},
        "decision": {},
        "happened": {},
    }
    assert state["notes"][0]["detail"] == "moon"


def test_helpers_for_whoever_starts_a_run() -> None:
    head = (
        HEAD
        + "same: {by: report.vehicle, within: 12h}\nroles: {driver: report.driver}\n"
        + "level: {table: level, with: {family: '\"weather\"'}}\n".replace(
            "'\"weather\"'}", "'\"weather\"', share: 'incident.share'}"
        )
    )
    found = pack(stage("go", f"id: a, {TASK}"), head=head).procedures["breakdown"]
    context = {"report": {"vehicle": "B1", "driver": "3107"}, "incident": {"share": 0.5}}
    assert same_key(found, context, START) == "B1"
    assert same_key(found, {"report": {}}, START) == ""
    assert named_roles(found, context, START) == ({"driver": "3107"}, [])
    assert named_roles(found, {"report": {}}, START) == ({}, ['driver: Key not found in map : "driver"'])
    outcome = level_of(found, context, {}, START)
    assert (outcome.outputs, outcome.rows) == ({"level": "MAJOR"}, (1,))
    assert level_of(found, {"incident": {"share": 0.4}}, {}, START).outputs == {"level": "LOCAL"}
