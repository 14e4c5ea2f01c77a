"""Opening and closing stages and steps."""

from __future__ import annotations

from collections.abc import Callable

from changbei.plans import tables
from changbei.plans.facts import (
    CallAction,
    CallPlan,
    CancelTimer,
    CloseTask,
    Finished,
    Json,
    OpenTask,
    StageClosed,
    StageOpened,
    Tell,
)
from changbei.plans.model import Ask, Stage, Step, TaskSpec, item_of
from changbei.plans.plain import moment
from changbei.plans.runtime import counting, looping
from changbei.plans.runtime.times import time_of
from changbei.plans.runtime.work import Work, late_seconds

CLOSED_STAGES = frozenset({"closed", "skipped", "cancelled"})
CLOSED_ITEMS = frozenset({"done", "skipped", "cancelled"})
TIMER_KINDS = ("ack", "due", "wait", "mark", "timeout")
APPROVED, REFUSED, PROVISIONAL = "approved", "refused", "provisional"


def settle(work: Work) -> None:
    """Open and close whatever can be opened and closed now, until nothing moves."""
    while work.moved and work.state["status"] == "running":
        work.moved = False
        _move_waits(work)
        _move_countdowns(work)
        _act_first(work)
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
        if not _lets_go_on(work, before):
            return False
    return work.holds(todo.hold_until, todo.id, "hold_until")


def _lets_go_on(work: Work, item: str) -> bool:
    """Whether what comes after may open: it is closed, or people act first and approve afterwards."""
    entry = work.state["items"].get(item)
    return entry is not None and (entry["status"] in CLOSED_ITEMS or entry.get("provisional") is True)


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
    if todo.task is None:
        return
    elements = looping.elements(work, todo, todo.each) if todo.each else None
    if elements is None:
        open_for_person(work, todo, todo.task)
        return
    looping.begin(work, todo, elements)
    for element in elements:
        item = item_of(todo.id, element.key)
        work.update(item, status="open", opened_at=work.at, label=element.label, holder=element.holder)
        open_for_person(work, todo, todo.task, item, element)
    if not elements:
        finish_item(work, todo, "", looping.result_of(work, todo))


def _open_approval(work: Work, todo: Step) -> None:
    _open_task_step(work, todo)
    if todo.timeout is not None:
        work.set_timer(f"timeout:{todo.id}", todo.timeout.after.after(work.now))


def _act_first(work: Work) -> None:
    """Approvals that are given afterwards: from when the condition holds, what comes after them opens."""
    for todo in work.procedure.acting_first:
        entry = work.item(todo.id)
        if entry is None or entry["status"] != "open" or entry.get("provisional"):
            continue
        if work.holds(todo.act_first, todo.id, "act_first"):
            work.update(todo.id, provisional=True)
            work.remember("decision", todo.key, PROVISIONAL)
            work.moved = True


def _open_await(work: Work, todo: Step) -> None:
    if todo.task is not None:
        open_for_person(work, todo, todo.task)
    if todo.awaits in work.state["unused"]:
        early = work.part("unused").pop(todo.awaits)
        finish_item(work, todo, early["by"], early["data"])


def _open_action_step(work: Work, todo: Step) -> None:
    work.commands.append(CallAction(todo.id, todo.action, work.values(todo.params, todo.id)))


def _open_call(work: Work, todo: Step) -> None:
    if todo.call is not None:
        report = work.values(todo.params, todo.id)
        work.commands.append(CallPlan(todo.id, todo.call.plan, todo.call.procedure, report, todo.call.wait))


def _open_countdown(work: Work, todo: Step) -> None:
    work.remember("result", todo.key, {})  # its end is looked for when things settle


def _move_countdowns(work: Work) -> None:
    for todo in work.procedure.countdowns:
        if counting.is_over(work, todo):
            finish_item(work, todo, "", counting.result_of(work, todo))


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
    "approve": _open_approval,
    "await": _open_await,
    "do": _open_action_step,
    "call": _open_call,
    "countdown": _open_countdown,
    "notify": _open_notify,
    "wait": _open_wait,
}


def open_for_person(
    work: Work, todo: Step, task: TaskSpec, item: str = "", element: looping.Element | None = None
) -> None:
    """A task opens: the step's own, or, with `item`, the one for an element of its list."""
    item = item or todo.id
    role = _limited_role(work, todo, todo.limit) if todo.limit else task.role
    acknowledge_due = task.acknowledge_within.after(work.now) if task.acknowledge_within else None
    due = task.within.after(work.now)
    changes: Json = {"role": role, "due_at": moment(due)}
    if acknowledge_due:
        changes["acknowledge_due_at"] = moment(acknowledge_due)
    work.update(item, **changes)
    label, holder = (element.label, element.holder) if element else ("", "")
    work.commands.append(OpenTask(item, acknowledge_due, due, role, label, holder))
    if acknowledge_due:
        work.set_timer(f"ack:{item}:1", acknowledge_due)
    work.set_timer(f"due:{item}:1", due)


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
        until = time_of(work, todo.id, todo.wait_until)
        key = f"wait:{todo.id}"
        if until is None or work.state["timers"].get(key) == moment(until):
            continue
        if until <= work.now:
            finish_item(work, todo, "", {})
        else:
            work.set_timer(key, until)


def finish_item(work: Work, todo: Step, by: str, result: Json) -> None:
    """The step is done, for whatever reason; what it gave becomes result.STEP."""
    has_task = has_open_task(work, todo, todo.id)
    _close_item(work, todo.id, by)
    if todo.kind not in {"notify", "wait"}:
        work.remember("result", todo.key, result)
    if has_task:
        work.commands.append(CloseTask(todo.id, "done", by, result))
    if todo.id == work.procedure.restored_by:
        work.state["restored_at"] = work.at
    work.moved = True


def finish_element(work: Work, todo: Step, item: str, by: str, result: Json) -> None:
    """One task of many is done; with the last of them the step is."""
    _close_item(work, item, by)
    work.commands.append(CloseTask(item, "done", by, result))
    if looping.count_off(work, todo, item, result):
        finish_item(work, todo, "", looping.result_of(work, todo))
    work.moved = True  # conditions may ask how many are done


def _close_item(work: Work, item: str, by: str) -> None:
    changes: Json = {"status": "done", "done_at": work.at}
    if by:
        changes["by"] = by
    if late := late_seconds(work.state["items"][item].get("due_at"), work.now):
        changes["late_seconds"] = late
    work.cancel_timers(item, *TIMER_KINDS)
    work.update(item, **changes)


def finish(work: Work) -> None:
    for key in list(work.state["timers"]):
        del work.part("timers")[key]
        work.commands.append(CancelTimer(key))
    work.state.update(status="finished", finished_at=work.at, unused={})
    work.commands.append(Finished())
    work.moved = False


def has_open_task(work: Work, todo: Step, item: str) -> bool:
    """Whether a person has a task for this item now."""
    entry = work.item(item)
    if todo.task is None or entry is None or entry["status"] != "open" or "left" in entry:
        return False
    return todo.kind not in {"do", "call"} or bool(entry.get("fallback"))
