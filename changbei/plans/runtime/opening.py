"""Opening and closing stages and steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from changbei.plans import tables
from changbei.plans.conditions import Condition
from changbei.plans.facts import (
    CallAction,
    CancelTimer,
    CloseTask,
    Finished,
    Json,
    OpenTask,
    StageClosed,
    StageOpened,
    Tell,
)
from changbei.plans.model import Ask, Stage, Step, TaskSpec
from changbei.plans.plain import moment
from changbei.plans.runtime.work import Work, late_seconds

CLOSED_STAGES = frozenset({"closed", "skipped", "cancelled"})
CLOSED_ITEMS = frozenset({"done", "skipped", "cancelled"})


def settle(work: Work) -> None:
    """Open and close whatever can be opened and closed now, until nothing moves."""
    while work.moved and work.state["status"] == "running":
        work.moved = False
        _move_waits(work)
        for stage in work.procedure.stages:
            _settle_stage(work, stage)
        if all(status in CLOSED_STAGES for status in work.state["stages"].values()):
            finish(work)


def _settle_stage(work: Work, stage: Stage) -> None:
    status = work.state["stages"][stage.id]
    if status in CLOSED_STAGES:
        return
    if status == "waiting":
        if not _stage_is_ready(work, stage):
            return
        status = "open" if work.holds(stage.when, stage.id, "when") else "skipped"
        work.part("stages")[stage.id] = status
        work.moved = True
        if status == "open":
            work.commands.append(StageOpened(stage.id))
    if status != "open":
        return
    everything_closed = True
    for todo in stage.steps:
        if todo.id not in work.state["items"] and _step_is_ready(work, todo):
            _reach(work, todo)
        everything_closed = everything_closed and _is_closed(work, todo.id)
    if everything_closed:
        work.part("stages")[stage.id] = "closed"
        work.commands.append(StageClosed(stage.id))
        work.moved = True


def _stage_is_ready(work: Work, stage: Stage) -> bool:
    stages = work.state["stages"]
    for before in stage.after:
        if stages[before] not in CLOSED_STAGES:
            return False
    return work.holds(stage.hold_until, stage.id, "hold_until")


def _step_is_ready(work: Work, todo: Step) -> bool:
    for before in todo.after:
        if not _is_closed(work, before):
            return False
    return work.holds(todo.hold_until, todo.id, "hold_until")


def _is_closed(work: Work, item: str) -> bool:
    entry = work.state["items"].get(item)
    return entry is not None and entry["status"] in CLOSED_ITEMS


def _reach(work: Work, todo: Step) -> None:
    """The step's turn has come: skip it or open it."""
    work.moved = True
    if not work.holds(todo.when, todo.id, "when"):
        work.update(todo.id, status="skipped", done_at=work.at)
        return
    work.update(todo.id, status="open", opened_at=work.at)
    _OPENERS[todo.kind](work, todo)


def _open_task_step(work: Work, todo: Step) -> None:
    if todo.task is not None:
        open_for_person(work, todo, todo.task)


def _open_await(work: Work, todo: Step) -> None:
    if todo.task is not None:
        open_for_person(work, todo, todo.task)
    if todo.awaits in work.state["unused"]:
        early = work.part("unused").pop(todo.awaits)
        finish_item(work, todo, early["by"], early["data"])


def _open_action_step(work: Work, todo: Step) -> None:
    work.commands.append(CallAction(todo.id, todo.action, work.values(todo.params, todo.id)))


def _open_notify(work: Work, todo: Step) -> None:
    values = work.values(todo.values, todo.id)
    work.commands.append(Tell(todo.id, todo.template, todo.roles, todo.audience, values))
    finish_item(work, todo, "", {})


def _open_wait(work: Work, todo: Step) -> None:
    if todo.wait_for is not None:
        work.set_timer(f"wait:{todo.id}", todo.wait_for.after(work.now))


_OPENERS: dict[str, Callable[[Work, Step], None]] = {
    "task": _open_task_step,
    "decide": _open_task_step,
    "approve": _open_task_step,
    "await": _open_await,
    "do": _open_action_step,
    "notify": _open_notify,
    "wait": _open_wait,
}


def open_for_person(work: Work, todo: Step, task: TaskSpec) -> None:
    role = _limited_role(work, todo, todo.limit) if todo.limit else task.role
    acknowledge_due = task.acknowledge_within.after(work.now) if task.acknowledge_within else None
    due = task.within.after(work.now)
    changes: Json = {"role": role, "due_at": moment(due)}
    if acknowledge_due:
        changes["acknowledge_due_at"] = moment(acknowledge_due)
    work.update(todo.id, **changes)
    work.commands.append(OpenTask(todo.id, acknowledge_due, due, role))
    if acknowledge_due:
        work.set_timer(f"ack:{todo.id}:1", acknowledge_due)
    work.set_timer(f"due:{todo.id}:1", due)


def _limited_role(work: Work, todo: Step, limit: Ask) -> str:
    """The role whose limit covers this approval; where the table gives none, the step's own."""
    outcome = tables.evaluate(limit.table, work.values(limit.inputs, todo.id))
    own = todo.task.role if todo.task else ""
    if outcome.outputs is None:
        work.note(todo.id, f"table {limit.table.id} names nobody", "; ".join(outcome.notes))
        return own
    return str(outcome.outputs["role"])


def _move_waits(work: Work) -> None:
    """`wait: {until: …}` follows its expression: set when it first gives a time, moved when the time
    changes.
    """
    for todo in work.procedure.waiting_until:
        entry = work.item(todo.id)
        if entry is None or entry["status"] != "open" or todo.wait_until is None:
            continue
        until = _time(work, todo, todo.wait_until)
        key = f"wait:{todo.id}"
        if until is None or work.state["timers"].get(key) == moment(until):
            continue
        if until <= work.now:
            finish_item(work, todo, "", {})
        else:
            work.set_timer(key, until)


def _time(work: Work, todo: Step, expression: Condition) -> datetime | None:
    value, trouble = expression.value(work.state["context"], work.now)
    if not trouble:
        try:
            when = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            when = None
        if when is not None and when.tzinfo is not None:
            return when.astimezone(UTC)
        trouble = f"{str(value)[:60]!r} is not a date and time with an offset"
    work.note(todo.id, "until could not be evaluated", trouble)
    return None


def finish_item(work: Work, todo: Step, by: str, result: Json) -> None:
    entry = work.state["items"][todo.id]
    has_task = has_open_task(work, todo)
    changes: Json = {"status": "done", "done_at": work.at}
    if by:
        changes["by"] = by
    if late := late_seconds(entry.get("due_at"), work.now):
        changes["late_seconds"] = late
    work.cancel_timers(todo.id, "ack", "due", "wait")
    work.update(todo.id, **changes)
    if todo.kind not in {"notify", "wait"}:
        work.remember("result", todo.key, result)
    if has_task:
        work.commands.append(CloseTask(todo.id, "done", by, result))
    if todo.id == work.procedure.restored_by:
        work.state["restored_at"] = work.at
    work.moved = True


def finish(work: Work) -> None:
    for key in list(work.state["timers"]):
        del work.part("timers")[key]
        work.commands.append(CancelTimer(key))
    work.state.update(status="finished", finished_at=work.at, unused={})
    work.commands.append(Finished())
    work.moved = False


def has_open_task(work: Work, todo: Step) -> bool:
    entry = work.item(todo.id)
    if todo.task is None or entry is None or entry["status"] != "open":
        return False
    return todo.kind != "do" or bool(entry.get("fallback"))
