"""What each kind of fact does to a running run; what makes no sense is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from changbei.plans.facts import (
    Acknowledged,
    ActionDone,
    ActionFailed,
    AskAgain,
    CallEnded,
    CloseTask,
    Completed,
    Ended,
    Escalate,
    Happened,
    Json,
    Known,
    MarkAcknowledged,
    Moved,
    StageClosed,
    Started,
    TimerFired,
)
from changbei.plans.model import ENGINE_NAMES, Step, TaskSpec, step_of
from changbei.plans.plain import clean, clean_map, moment
from changbei.plans.runtime import counting
from changbei.plans.runtime.opening import (
    APPROVED,
    CLOSED_STAGES,
    REFUSED,
    TIMER_KINDS,
    finish,
    finish_element,
    finish_item,
    has_open_task,
    open_for_person,
)
from changbei.plans.runtime.work import Work, late_seconds, parse_timer


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


_OF_ACKNOWLEDGING = frozenset(
    {"acknowledge_due_at", "acknowledged_at", "acknowledged_by", "acknowledge_late_seconds"}
)


def _moved(work: Work, fact: Moved) -> None:
    """What one has acknowledged, another has not: the time to do so begins anew, unless all time is over."""
    entry, task = _open_task(work, fact.item), work.procedure.task(fact.item)
    if entry is None or task is None:
        return
    due = None
    if task.acknowledge_within and not entry.get("overdue"):
        due = task.acknowledge_within.after(work.now)
    if "acknowledged_at" not in entry and entry.get("acknowledge_due_at") == (due and moment(due)):
        return  # it is asked for already
    work.cancel_timers(fact.item, "ack")
    kept = {name: value for name, value in entry.items() if name not in _OF_ACKNOWLEDGING}
    work.part("items")[fact.item] = kept
    if due:
        work.update(fact.item, acknowledge_due_at=moment(due))
        work.set_timer(f"ack:{fact.item}:1", due)
    work.commands.append(AskAgain(fact.item, due))


def _completed(work: Work, fact: Completed) -> None:
    item = _open_task(work, fact.item)
    if item is None:
        return
    todo = work.procedure.steps[step_of(fact.item)]
    result = clean_map(fact.result)
    by = clean(str(fact.by))
    refusal = _refusal(work, todo, by, result)
    if refusal:
        work.note(fact.item, "not accepted", refusal)
        return
    if fact.item != todo.id:
        finish_element(work, todo, fact.item, by, result)
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
        if by and by in doers(work.state, other):
            return f"{by} has also done {other}; two different people are needed"
    return ""


def doers(state: Json, step: str) -> set[str]:
    """Who has done this step: staff numbers, of all its tasks when there were many."""
    done = (entry for item, entry in state["items"].items() if step_of(item) == step)
    return {entry["by"] for entry in done if entry["status"] == "done" and "by" in entry}


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
    kind, item, last = parse_timer(fact.key)
    todo = work.procedure.steps[step_of(item)]
    if kind == "wait":
        finish_item(work, todo, "", counting.run_out(work, todo) if todo.countdown else {})
    elif kind == "mark":
        for mark in todo.countdown.marks if todo.countdown else ():
            if mark.id == last:
                counting.reach(work, todo, mark)
    elif kind == "timeout":
        _time_out(work, todo)
    elif todo.task is not None:
        _escalate(work, todo.task, item, kind, int(last))


def _time_out(work: Work, todo: Step) -> None:
    """Nobody has answered: the approval counts as what the plan says."""
    approves = todo.timeout is not None and todo.timeout.approves
    work.remember("decision", todo.key, APPROVED if approves else REFUSED)
    work.update(todo.id, timed_out=True)
    work.note(todo.id, "nobody answered in time", APPROVED if approves else REFUSED)
    finish_item(work, todo, "", {"approved": approves, "timed_out": True})


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
    if todo is None:
        return
    result = clean_map(fact.result)
    if todo.call is None or not todo.call.wait:
        finish_item(work, todo, "", result)
    elif "called" not in work.state["items"][todo.id]:
        work.update(todo.id, called=result)


def _call_ended(work: Work, fact: CallEnded) -> None:
    todo = _open_action(work, fact.item)
    if todo is not None and todo.call is not None:
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
            _cancel(work, work.procedure.steps[step_of(item)], item)
    stages = work.part("stages")
    for stage in work.procedure.stages:
        if stages[stage.id] in CLOSED_STAGES:
            continue
        if stages[stage.id] == "open":
            work.commands.append(StageClosed(stage.id))
        stages[stage.id] = "cancelled"
    work.state["ended_by"] = clean(str(fact.by))
    finish(work)


def _cancel(work: Work, todo: Step, item: str) -> None:
    has_task = has_open_task(work, todo, item)
    work.cancel_timers(item, *TIMER_KINDS)
    work.update(item, status="cancelled", done_at=work.at)
    if has_task:
        work.commands.append(CloseTask(item, "cancelled"))


HANDLERS: dict[type, Callable[[Work, Any], None]] = {
    Started: _started,
    Known: _known,
    Acknowledged: _acknowledged,
    Moved: _moved,
    Completed: _completed,
    Happened: _happened,
    TimerFired: _timer_fired,
    ActionDone: _action_done,
    ActionFailed: _action_failed,
    CallEnded: _call_ended,
    Ended: _ended,
}


def _open_task(work: Work, item: str) -> dict[str, Any] | None:
    """The entry of an open step that a person has a task for; None, with a note where one is due,
    otherwise.
    """
    todo = work.procedure.step(item)
    if todo is None:
        work.note("", "no such step", clean(str(item)))
        return None
    entry = work.item(item)
    if entry is None:
        work.note(clean(item), "not open yet")
        return None
    if entry["status"] != "open":
        return None  # done, skipped or cancelled before: a duplicate, or somebody was slower
    if not has_open_task(work, todo, item):
        work.note(item, "nobody has a task for this")
        return None
    return entry


def _open_action(work: Work, item: str) -> Step | None:
    todo = work.procedure.steps.get(item)
    if todo is None or todo.kind not in {"do", "call"}:
        work.note("", "no such action", clean(str(item)))
        return None
    entry = work.item(item)
    if entry is None:
        work.note(item, "not open yet")
        return None
    return todo if entry["status"] == "open" else None
