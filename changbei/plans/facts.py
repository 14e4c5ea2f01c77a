"""What goes into the runtime and what comes out. Pure values; JSON in, JSON out.

Facts are what happened; commands are what the durable shell has to write as rows. Both are frozen dataclasses;
`plans.wire` turns facts into JSON and back, so that a run can be replayed from its journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


# --- facts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Started:
    """The first fact. `context` is what conditions see: report, incident, city, … (names of the
    procedure's `context`).
    """

    context: Json


@dataclass(frozen=True)
class Known:
    """Something became known: the values are merged into the context under `name`."""

    name: str
    values: Json


@dataclass(frozen=True)
class Acknowledged:
    item: str
    by: str  # staff number


@dataclass(frozen=True)
class Moved:
    """The task has gone to somebody else, or to nobody: whoever has it now has not taken note of it yet."""

    item: str
    to: str  # staff number, or ""


@dataclass(frozen=True)
class Completed:
    """A person finished a task; `result` holds the filled form, the chosen `option`, or `approved`
    true/false.
    """

    item: str
    by: str
    result: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Happened:
    """A journal fact that steps may be waiting for (`await: delivery.recovery_accepted`)."""

    kind: str
    data: Json = field(default_factory=dict)
    by: str = ""


@dataclass(frozen=True)
class TimerFired:
    key: str


@dataclass(frozen=True)
class ActionDone:
    item: str
    result: Json


@dataclass(frozen=True)
class ActionFailed:
    item: str
    error: str


@dataclass(frozen=True)
class CallEnded:
    """The run that a `call:` step began has finished; `ActionDone` had said that it has begun."""

    item: str
    result: Json


@dataclass(frozen=True)
class Ended:
    """A person closed the run: everything open is cancelled."""

    by: str


Fact = (
    Started
    | Known
    | Acknowledged
    | Moved
    | Completed
    | Happened
    | TimerFired
    | ActionDone
    | ActionFailed
    | CallEnded
    | Ended
)


# --- commands -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenTask:
    """A task opens; what it says is `procedure.task(item)`. `role` differs from that one's where a table
    sets limits. Of a task for one element of a list `label` names the element, and `holder` (a staff
    number, or "") is who gets it instead of the role's holder.
    """

    item: str
    acknowledge_due_at: datetime | None
    due_at: datetime | None
    role: str = ""
    label: str = ""
    holder: str = ""


@dataclass(frozen=True)
class CloseTask:
    """The task is done or no longer needed; messages about it stop."""

    item: str
    status: str  # done, cancelled
    by: str = ""
    result: Json = field(default_factory=dict)


@dataclass(frozen=True)
class MarkAcknowledged:
    item: str
    by: str


@dataclass(frozen=True)
class AskAgain:
    """The task is not acknowledged any more; who has it now is to do so by then, if at all."""

    item: str
    acknowledge_due_at: datetime | None


@dataclass(frozen=True)
class SetTimer:
    key: str
    due_at: datetime


@dataclass(frozen=True)
class CancelTimer:
    key: str


@dataclass(frozen=True)
class Escalate:
    """Tell `role` that `item` was not acknowledged or not done in time; `step` counts from 1 along the
    chain.
    """

    item: str
    role: str
    why: str  # acknowledge, due
    step: int


@dataclass(frozen=True)
class CallAction:
    item: str
    action: str
    params: Json


@dataclass(frozen=True)
class CallPlan:
    """Begin another procedure for this run. Answered by ActionDone {run, number} or ActionFailed, and, when
    `wait`, by CallEnded.
    """

    item: str
    plan: str  # "" for the plan of this run
    procedure: str
    report: Json
    wait: bool


@dataclass(frozen=True)
class Tell:
    """A `notify:` step: tell a role, or an audience, with a message template of the pack."""

    item: str
    template: str
    roles: tuple[str, ...]
    audience: str  # name of an audience of the pack, or ""
    values: Json


@dataclass(frozen=True)
class StageOpened:
    stage: str


@dataclass(frozen=True)
class StageClosed:
    stage: str


@dataclass(frozen=True)
class Finished:
    """All stages are closed."""


Command = (
    OpenTask
    | CloseTask
    | MarkAcknowledged
    | AskAgain
    | SetTimer
    | CancelTimer
    | Escalate
    | CallAction
    | CallPlan
    | Tell
    | StageOpened
    | StageClosed
    | Finished
)
