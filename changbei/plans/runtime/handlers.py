"""What each kind of fact does to a running run; what makes no sense is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from changbei.plans.facts import (
    Acknowledged,
    ActionDone,
    ActionFailed,
    CloseTask,
    Completed,
    Ended,
    Escalate,
    Happened,
    Json,
    Known,
    MarkAcknowledged,
    StageClosed,
    Started,
    TimerFired,
)
from changbei.plans.model import ENGINE_NAMES, Step, TaskSpec
from changbei.plans.plain import clean, clean_map
from changbei.plans.runtime.opening import CLOSED_STAGES, finish, finish_item, has_open_task, open_for_person
from changbei.plans.runtime.work import Work, late_seconds, parse_timer

APPROVED, REFUSED = "approved", "refused"


def _started(work: Work, fact: Started) -> None:
    if work.state["status"] != "new":
        return
    given = clean_map(fact.context)
    context: Json = {}
    for name, kind in work.procedure.context.items():
        value = given.pop(name, None)
        if kind == "map":
            context[name] = value if isinstance(value, dict) and name not in ENGINE_NAMES else {}
        elif value is not None:
            context[name] = value
    for name in sorted(given):
        work.note("", "not declared in the procedure's context", name)
    work.state.update(status="running", started_at=work.at, context=context)
    work.state["stages"] = {stage.id: "waiting" for stage in work.procedure.stages}
    work.moved = True


def _known(work: Work, fact: Known) -> None:
    if work.procedure.context.get(fact.name) != "map" or fact.name in ENGINE_NAMES:
        work.note("", "not declared in the procedure's context", clean(str(fact.name)))
        return
    before = work.state["context"][fact.name]
    after = {**before, **clean_map(fact.values)}
    if after != before:
        work.part("context")[fact.name] = after
        work.moved = True


def _acknowledged(work: Work, fact: Acknowledged) -> None:
    item = _open_task(work, fact.item)
    if item is None or "acknowledged_at" in item:
        return
    by = clean(str(fact.by))
    changes: Json = {"acknowledged_at": work.at, "acknowledged_by": by}
    if late := late_seconds(item.get("acknowledge_due_at"), work.now):
        changes["acknowledge_late_seconds"] = late
    work.update(fact.item, **changes)
    work.commands.append(MarkAcknowledged(fact.item, by))
    work.cancel_timers(fact.item, "ack")


def _completed(work: Work, fact: Completed) -> None:
    item = _open_task(work, fact.item)
    if item is None:
        return
    todo = work.procedure.steps[fact.item]
    result = clean_map(fact.result)
    by = clean(str(fact.by))
    refusal = _refusal(work, todo, by, result)
    if refusal:
        work.note(todo.id, "not accepted", refusal)
        return
    if todo.kind == "decide":
        work.remember("decision", todo.key, result["option"])
    elif todo.kind == "approve":
        work.remember("decision", todo.key, APPROVED if result["approved"] else REFUSED)
    finish_item(work, todo, by, result)


def _refusal(work: Work, todo: Step, by: str, result: Json) -> str:
    """Why this person cannot complete this step this way; "" when nothing speaks against it."""
    if todo.kind == "await":
        return f"it is completed by {todo.awaits}, not by hand"
    if todo.kind == "decide":
        if not by:
            return "a decision needs somebody who makes it"
        if todo.task and result.get("option") not in {option.id for option in todo.task.options}:
            return f"{str(result.get('option'))[:60]!r} is not among the options"
    if todo.kind == "approve":
        if not by:
            return "an approval needs somebody who gives it"
        if not isinstance(result.get("approved"), bool):
            return "approved has to be true or false"
    for other in sorted(todo.apart):
        done = work.item(other)
        if done and done["status"] == "done" and done.get("by") == by:
            return f"{by} has also done {other}; two different people are needed"
    return ""


def _happened(work: Work, fact: Happened) -> None:
    kind, data, by = clean(str(fact.kind)), clean_map(fact.data), clean(str(fact.by))
    work.remember("happened", kind, data)
    work.moved = True
    awaiting = work.procedure.awaiting.get(kind, ())
    found = [todo for todo in awaiting if (entry := work.item(todo.id)) and entry["status"] == "open"]
    for todo in found:
        finish_item(work, todo, by, data)
    if awaiting and not found:
        work.part("unused")[kind] = {"data": data, "by": by}


def _timer_fired(work: Work, fact: TimerFired) -> None:
    if fact.key not in work.state["timers"]:
        return  # cancelled meanwhile, or fired twice
    del work.part("timers")[fact.key]
    kind, item, number = parse_timer(fact.key)
    todo = work.procedure.steps[item]
    if kind == "wait":
        finish_item(work, todo, "", {})
    elif todo.task is not None:
        _escalate(work, todo.task, item, kind, number)


def _escalate(work: Work, task: TaskSpec, item: str, kind: str, number: int) -> None:
    """Tell the next of the chain, and set the timer for the one after."""
    changes: Json = {"escalations": work.state["items"][item].get("escalations", 0) + 1}
    if kind == "due":
        changes["overdue"] = True
        work.cancel_timers(item, "ack")  # being late says more than not having answered
    work.update(item, **changes)
    if number <= len(task.chain):
        why = "due" if kind == "due" else "acknowledge"
        work.commands.append(Escalate(item, task.chain[number - 1], why, number))
    if number < len(task.chain):
        work.set_timer(f"{kind}:{item}:{number + 1}", task.escalate_every.after(work.now))


def _action_done(work: Work, fact: ActionDone) -> None:
    todo = _open_action(work, fact.item)
    if todo is not None:
        finish_item(work, todo, "", clean_map(fact.result))


def _action_failed(work: Work, fact: ActionFailed) -> None:
    todo = _open_action(work, fact.item)
    if todo is None or todo.task is None or work.state["items"][todo.id].get("fallback"):
        return
    work.update(todo.id, fallback=True, error=clean(str(fact.error)))
    open_for_person(work, todo, todo.task)


def _ended(work: Work, fact: Ended) -> None:
    for item, entry in list(work.state["items"].items()):
        if entry["status"] == "open":
            _cancel(work, work.procedure.steps[item])
    stages = work.part("stages")
    for stage in work.procedure.stages:
        if stages[stage.id] in CLOSED_STAGES:
            continue
        if stages[stage.id] == "open":
            work.commands.append(StageClosed(stage.id))
        stages[stage.id] = "cancelled"
    work.state["ended_by"] = clean(str(fact.by))
    finish(work)


def _cancel(work: Work, todo: Step) -> None:
    has_task = has_open_task(work, todo)
    work.cancel_timers(todo.id, "ack", "due", "wait")
    work.update(todo.id, status="cancelled", done_at=work.at)
    if has_task:
        work.commands.append(CloseTask(todo.id, "cancelled"))


HANDLERS: dict[type, Callable[[Work, Any], None]] = {
    Started: _started,
    Known: _known,
    Acknowledged: _acknowledged,
    Completed: _completed,
    Happened: _happened,
    TimerFired: _timer_fired,
    ActionDone: _action_done,
    ActionFailed: _action_failed,
    Ended: _ended,
}


def _open_task(work: Work, item: str) -> dict[str, Any] | None:
    """The entry of an open step that a person has a task for; None, with a note where one is due,
    otherwise.
    """
    todo = work.procedure.steps.get(item)
    if todo is None:
        work.note("", "no such step", clean(str(item)))
        return None
    entry = work.item(item)
    if entry is None:
        work.note(item, "not open yet")
        return None
    if entry["status"] != "open":
        return None  # done, skipped or cancelled before: a duplicate, or somebody was slower
    if not has_open_task(work, todo):
        work.note(item, "nobody has a task for this")
        return None
    return entry


def _open_action(work: Work, item: str) -> Step | None:
    todo = work.procedure.steps.get(item)
    if todo is None or todo.kind != "do":
        work.note("", "no such action", clean(str(item)))
        return None
    entry = work.item(item)
    if entry is None:
        work.note(item, "not open yet")
        return None
    return todo if entry["status"] == "open" else None
