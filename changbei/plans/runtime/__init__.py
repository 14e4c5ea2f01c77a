"""The pure heart of a run: `step(procedure, state, fact, now) -> (state, commands)`.

No Django, no clock, no randomness. Total: any fact in any order leaves a valid state, nothing raises.
What makes no sense (an unknown step, a second answer to a decision, a fact after the end) changes nothing
but, where a person should know, leaves a note in the state. Replaying the facts with their times gives
the same state byte for byte (`plain.canonical`).

The state is JSON, never changed in place:

    status       new, running, finished
    started_at, finished_at, restored_at, ended_by
    context      what conditions see: {name: value}; result, decision and happened are the runtime's own
    stages       {stage: waiting | open | closed | skipped | cancelled}
    items        {item: {status: open | done | skipped | cancelled, opened_at, …}}; absent: not reached yet.
                 An item is a step, or STEP@KEY, one task of a step that has one for each element of a list
    timers       {key: due_at} of the timers that are set: ack:ITEM:N, due:ITEM:N, wait:STEP, mark:STEP:MARK,
                 timeout:STEP
    unused       {kind: {data, by}}: journal facts that came before the step that awaits them opened
    notes        [{at, item, what, detail}]

An item also carries, where it applies: acknowledge_due_at, due_at, acknowledged_at, acknowledged_by,
acknowledge_late_seconds, done_at, by, late_seconds, overdue, escalations, fallback, error; of a list `left`
and, each element, `label` and `holder`; of a count-down `until`, `marks` and `ended`; of an approval
`provisional` and `timed_out`; of a call `called` {run, number}.
"""

from __future__ import annotations

from datetime import datetime

from changbei.plans.facts import Command, Fact, Json, Started
from changbei.plans.model import Procedure
from changbei.plans.runtime.asking import level_of, named_roles, same_key
from changbei.plans.runtime.handlers import HANDLERS, doers
from changbei.plans.runtime.opening import APPROVED, PROVISIONAL, REFUSED, settle
from changbei.plans.runtime.work import Work

__all__ = [
    "APPROVED",
    "PROVISIONAL",
    "REFUSED",
    "doers",
    "level_of",
    "named_roles",
    "replay",
    "same_key",
    "start_state",
    "step",
]


def start_state() -> Json:
    """The state before the first fact."""
    return {
        "status": "new",
        "context": {},
        "stages": {},
        "items": {},
        "timers": {},
        "unused": {},
        "notes": [],
    }


def step(procedure: Procedure, state: Json, fact: Fact, now: datetime) -> tuple[Json, list[Command]]:
    """Apply one fact that happened at `now` (aware). Returns the new state and what has to be written, in
    order.
    """
    work = Work(procedure, state, now)
    handle = HANDLERS.get(type(fact))
    if handle is None:
        work.note("", "unknown fact", type(fact).__name__)
    elif isinstance(fact, Started):
        handle(work, fact)
    elif work.state["status"] == "new":
        work.note("", "ignored, the run has not started", type(fact).__name__)
    elif work.state["status"] != "running":
        pass  # finished: whatever still comes was sent before its sender could know
    else:
        handle(work, fact)
    if work.moved:
        settle(work)
    return work.state, work.commands


def replay(procedure: Procedure, facts: list[tuple[datetime, Fact]]) -> Json:
    """The state that these facts, each with its time, lead to."""
    state = start_state()
    for now, fact in facts:
        state, _ = step(procedure, state, fact, now)
    return state
