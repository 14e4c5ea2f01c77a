"""Count-downs: their marks are reached once, whatever moves their end (E3.1.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from changbei.plans import facts as f
from changbei.plans.model import Procedure
from changbei.plans.runtime import start_state, step
from changbei.plans.tests.packs import TASK, TITLE, procedure, stage

START = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
UPS = (
    f"id: ups, clause: E1.1, countdown: {{title: {TITLE}, until: incident.since, plus: 4h, "
    "stop_when: incident.power, marks: [{id: last-call, before: 30m}, {id: order-shutdown, before: 2h}]}"
)


class Counting:
    """A run with a count-down, on a clock that the test moves."""

    def __init__(self, made: Procedure, **incident: Any) -> None:
        self.procedure, self.now, self.state = made, START, start_state()
        self.commands: list[f.Command] = []
        self.apply(f.Started({"report": {}, "incident": incident}))

    def apply(self, fact: f.Fact) -> None:
        self.state, self.commands = step(self.procedure, self.state, fact, self.now)

    def until(self, moment: datetime) -> None:
        """Time passes; timers fire in their order."""
        while due := sorted(
            (at, key) for key, at in self.state["timers"].items() if at <= moment.isoformat()
        ):
            self.now = datetime.fromisoformat(due[0][0])
            self.apply(f.TimerFired(due[0][1]))
        self.now = moment

    @property
    def result(self) -> Any:
        return self.state["context"]["result"].get("ups")


def _ups(**incident: Any) -> Counting:
    return Counting(procedure(stage("go", UPS), stage("then", f"id: a, {TASK}")), **incident)


def test_its_timers_are_the_marks_and_the_end() -> None:
    run = _ups(since="2026-11-23T09:40:00+08:00")
    assert run.state["timers"] == {
        "mark:ups:order-shutdown": "2026-11-23T03:40:00+00:00",
        "mark:ups:last-call": "2026-11-23T05:10:00+00:00",
        "wait:ups": "2026-11-23T05:40:00+00:00",
    }
    assert run.state["items"]["ups"]["until"] == "2026-11-23T05:40:00+00:00"
    assert run.result == {}


def test_marks_and_end_one_after_the_other() -> None:
    run = _ups(since="2026-11-23T09:40:00+08:00")
    run.until(START + timedelta(hours=2))
    assert run.result == {"order_shutdown": {"at": "2026-11-23T03:40:00+00:00"}}
    run.until(START + timedelta(hours=4))
    assert run.result == {
        "order_shutdown": {"at": "2026-11-23T03:40:00+00:00"},
        "last_call": {"at": "2026-11-23T05:10:00+00:00"},
        "ended": "run_out",
    }
    assert run.state["stages"] == {"go": "closed", "then": "open"}
    assert [key for key in run.state["timers"] if "ups" in key] == []


def test_power_is_back_and_it_stops_without_its_marks() -> None:
    run = _ups(since="2026-11-23T09:40:00+08:00")
    run.until(START + timedelta(hours=2))
    run.apply(f.Known("incident", {"power": True}))
    assert run.result == {"order_shutdown": {"at": "2026-11-23T03:40:00+00:00"}, "ended": "stopped"}
    assert f.CancelTimer("mark:ups:last-call") in run.commands
    assert f.CancelTimer("wait:ups") in run.commands


def test_its_end_moves_and_marks_that_were_reached_stay() -> None:
    run = _ups(since="2026-11-23T09:40:00+08:00")
    run.until(START + timedelta(hours=2, minutes=1))
    run.apply(f.Known("incident", {"since": "2026-11-23T15:00:00+08:00"}))
    assert run.state["timers"] == {
        "mark:ups:last-call": "2026-11-23T10:30:00+00:00",
        "wait:ups": "2026-11-23T11:00:00+00:00",
    }
    run.until(START + timedelta(hours=10))
    assert run.result["order_shutdown"] == {"at": "2026-11-23T03:40:00+00:00"}
    assert run.result["last_call"] == {"at": "2026-11-23T10:30:00+00:00"}


def test_a_report_that_comes_late_reaches_what_lies_behind_at_once() -> None:
    run = _ups(since="2026-11-23T07:00:00+08:00")  # the end is at 11:00, an hour and twenty minutes from now
    assert run.result == {"order_shutdown": {"at": START.isoformat()}}
    over = _ups(since="2026-11-23T01:00:00+08:00")
    assert over.result == {
        "order_shutdown": {"at": START.isoformat()},
        "last_call": {"at": START.isoformat()},
        "ended": "run_out",
    }


def test_an_end_that_is_not_known_is_waited_for() -> None:
    run = _ups()
    assert (run.state["timers"], run.state["stages"]["go"]) == ({}, "open")
    run.apply(f.Known("incident", {"since": "2026-11-23T09:40:00+08:00"}))
    assert "wait:ups" in run.state["timers"]


def test_conditions_see_marks() -> None:
    shutdown = f"id: shut, {TASK}, hold_until: has(result.ups.order_shutdown)"
    run = Counting(procedure(stage("go", UPS, shutdown)), since="2026-11-23T09:40:00+08:00")
    assert "shut" not in run.state["items"]
    run.until(START + timedelta(hours=2))
    assert run.state["items"]["shut"]["status"] == "open"


def test_a_mark_fires_once_though_its_timer_fires_twice() -> None:
    run = _ups(since="2026-11-23T09:40:00+08:00")
    run.until(START + timedelta(hours=2))
    before = run.state
    run.apply(f.TimerFired("mark:ups:order-shutdown"))
    assert run.state == before
