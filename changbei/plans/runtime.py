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
    items        {step: {status: open | done | skipped | cancelled, opened_at, …}}; absent: not reached yet
    timers       {key: due_at} of the timers that are set: ack:STEP:N, due:STEP:N, wait:STEP
    unused       {kind: {data, by}}: journal facts that came before the step that awaits them opened
    notes        [{at, item, what, detail}]

An item also carries, where it applies: acknowledge_due_at, due_at, acknowledged_at, acknowledged_by,
acknowledge_late_seconds, done_at, by, late_seconds, overdue, escalations, fallback, error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from changbei.plans import tables
from changbei.plans.conditions import Condition
from changbei.plans.facts import (
    Acknowledged,
    ActionDone,
    ActionFailed,
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
    Json,
    Known,
    MarkAcknowledged,
    OpenTask,
    SetTimer,
    StageClosed,
    StageOpened,
    Started,
    Tell,
    TimerFired,
)
from changbei.plans.model import ENGINE_NAMES, Ask, Procedure, Stage, Step, TaskSpec
from changbei.plans.plain import clean, clean_map, moment

APPROVED, REFUSED = "approved", "refused"
_CLOSED_STAGES = frozenset({"closed", "skipped", "cancelled"})
_CLOSED_ITEMS = frozenset({"done", "skipped", "cancelled"})
_MOST_NOTES = 200


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
    work = _Work(procedure, state, now)
    handle = _HANDLERS.get(type(fact))
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
        _settle(work)
    return work.state, work.commands


def replay(procedure: Procedure, facts: list[tuple[datetime, Fact]]) -> Json:
    """The state that these facts, each with its time, lead to."""
    state = start_state()
    for now, fact in facts:
        state, _ = step(procedure, state, fact, now)
    return state


def named_roles(procedure: Procedure, context: Json, now: datetime) -> tuple[dict[str, str], list[str]]:
    """Role → staff number for the roles the report names, and the troubles; a role without a usable value
    is absent.
    """
    found: dict[str, str] = {}
    troubles: list[str] = []
    for role, expression in procedure.roles.items():
        value, trouble = expression.value(context, now)
        if isinstance(value, str) and value:
            found[role] = value
        else:
            troubles.append(f"{role}: {trouble or 'no staff number'}")
    return found, troubles


def same_key(procedure: Procedure, context: Json, now: datetime) -> str:
    """The key of "the same thing" of a report, or "" when the procedure has none or it cannot be
    evaluated.
    """
    if procedure.same is None:
        return ""
    value, trouble = procedure.same.by.value(context, now)
    return "" if trouble or value is None else str(value)


def level_of(procedure: Procedure, context: Json, inputs: Mapping[str, Any], now: datetime) -> tables.Outcome:
    """Classify: `inputs` are the incident's; those the procedure computes itself take precedence."""
    if procedure.level is None:
        return tables.Outcome(None, ())
    values = dict(inputs)
    for name, expression in (procedure.level.inputs or {}).items():
        value, trouble = expression.value(context, now)
        if not trouble:
            values[name] = value
    return tables.evaluate(procedure.level.table, values)


# --- the work on one fact -------------------------------------------------------------------------------


class _Work:
    """The state while one fact is applied. Maps are copied the first time they are written; the caller's
    stay as they are.
    """

    __slots__ = ("_own", "at", "commands", "moved", "now", "procedure", "state")

    def __init__(self, procedure: Procedure, state: Json, now: datetime) -> None:
        self.procedure = procedure
        self.state: Json = dict(state)
        self.now = (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(UTC)
        self.at = self.now.isoformat()
        self.commands: list[Command] = []
        self.moved = False  # something changed that may open or close stages and steps
        self._own: set[str] = set()

    def part(self, name: str) -> dict[str, Any]:
        """The part of the state called `name`, ready to be written."""
        if name not in self._own:
            self.state[name] = dict(self.state[name])
            self._own.add(name)
        part: dict[str, Any] = self.state[name]
        return part

    def item(self, item: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.state["items"].get(item)
        return found

    def update(self, item: str, **changes: Any) -> None:
        items = self.part("items")
        items[item] = {**items.get(item, {}), **changes}

    def remember(self, name: str, key: str, value: Any) -> None:
        """Write result.KEY, decision.KEY or happened[KEY] into what conditions see."""
        context = self.part("context")
        context[name] = {**context[name], key: value}

    def note(self, item: str, what: str, detail: str = "") -> None:
        """Keep a remark once; the same one again changes nothing."""
        notes: list[dict[str, str]] = self.state["notes"]
        if len(notes) >= _MOST_NOTES:
            return
        if any(n["item"] == item and n["what"] == what and n["detail"] == detail for n in notes):
            return
        self.state["notes"] = [*notes, {"at": self.at, "item": item, "what": what, "detail": detail}]

    def holds(self, condition: Condition | None, item: str, which: str) -> bool:
        if condition is None:
            return True
        holds, trouble = condition.test(self.state["context"], self.now)
        if trouble:
            self.note(item, f"{which} could not be evaluated", trouble)
        return holds

    def values(self, expressions: Mapping[str, Condition], item: str) -> Json:
        """The values of these expressions; one that cannot be evaluated is left out and noted."""
        found: Json = {}
        for name, expression in expressions.items():
            value, trouble = expression.value(self.state["context"], self.now)
            if trouble:
                self.note(item, f"{name} could not be evaluated", trouble)
            else:
                found[name] = value
        return found

    def set_timer(self, key: str, due_at: datetime) -> None:
        self.part("timers")[key] = moment(due_at)
        self.commands.append(SetTimer(key, due_at))

    def cancel_timers(self, item: str, *kinds: str) -> None:
        if not self.state["timers"]:
            return
        beginnings = tuple([f"{kind}:{item}:" for kind in kinds])
        for key in [key for key in self.state["timers"] if f"{key}:".startswith(beginnings)]:
            del self.part("timers")[key]
            self.commands.append(CancelTimer(key))


def _parse_timer(key: str) -> tuple[str, str, int]:
    kind, _, rest = key.partition(":")
    if kind == "wait":
        return kind, rest, 0
    item, _, number = rest.rpartition(":")
    return kind, item, int(number) if number.isascii() and number.isdigit() else 0


# --- facts ----------------------------------------------------------------------------------------------


def _started(work: _Work, fact: Started) -> None:
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


def _known(work: _Work, fact: Known) -> None:
    if work.procedure.context.get(fact.name) != "map" or fact.name in ENGINE_NAMES:
        work.note("", "not declared in the procedure's context", clean(str(fact.name)))
        return
    before = work.state["context"][fact.name]
    after = {**before, **clean_map(fact.values)}
    if after != before:
        work.part("context")[fact.name] = after
        work.moved = True


def _acknowledged(work: _Work, fact: Acknowledged) -> None:
    item = _open_task(work, fact.item)
    if item is None or "acknowledged_at" in item:
        return
    by = clean(str(fact.by))
    changes: Json = {"acknowledged_at": work.at, "acknowledged_by": by}
    if late := _late_seconds(item.get("acknowledge_due_at"), work.now):
        changes["acknowledge_late_seconds"] = late
    work.update(fact.item, **changes)
    work.commands.append(MarkAcknowledged(fact.item, by))
    work.cancel_timers(fact.item, "ack")


def _completed(work: _Work, fact: Completed) -> None:
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
    _finish_item(work, todo, by, result)


def _refusal(work: _Work, todo: Step, by: str, result: Json) -> str:
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


def _happened(work: _Work, fact: Happened) -> None:
    kind, data, by = clean(str(fact.kind)), clean_map(fact.data), clean(str(fact.by))
    work.remember("happened", kind, data)
    work.moved = True
    awaiting = work.procedure.awaiting.get(kind, ())
    found = [todo for todo in awaiting if (entry := work.item(todo.id)) and entry["status"] == "open"]
    for todo in found:
        _finish_item(work, todo, by, data)
    if awaiting and not found:
        work.part("unused")[kind] = {"data": data, "by": by}


def _timer_fired(work: _Work, fact: TimerFired) -> None:
    if fact.key not in work.state["timers"]:
        return  # cancelled meanwhile, or fired twice
    del work.part("timers")[fact.key]
    kind, item, number = _parse_timer(fact.key)
    todo = work.procedure.steps[item]
    if kind == "wait":
        _finish_item(work, todo, "", {})
    elif todo.task is not None:
        _escalate(work, todo.task, item, kind, number)


def _escalate(work: _Work, task: TaskSpec, item: str, kind: str, number: int) -> None:
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


def _action_done(work: _Work, fact: ActionDone) -> None:
    todo = _open_action(work, fact.item)
    if todo is not None:
        _finish_item(work, todo, "", clean_map(fact.result))


def _action_failed(work: _Work, fact: ActionFailed) -> None:
    todo = _open_action(work, fact.item)
    if todo is None or todo.task is None or work.state["items"][todo.id].get("fallback"):
        return
    work.update(todo.id, fallback=True, error=clean(str(fact.error)))
    _open_for_person(work, todo, todo.task)


def _ended(work: _Work, fact: Ended) -> None:
    for item, entry in list(work.state["items"].items()):
        if entry["status"] == "open":
            _cancel(work, work.procedure.steps[item])
    stages = work.part("stages")
    for stage in work.procedure.stages:
        if stages[stage.id] in _CLOSED_STAGES:
            continue
        if stages[stage.id] == "open":
            work.commands.append(StageClosed(stage.id))
        stages[stage.id] = "cancelled"
    work.state["ended_by"] = clean(str(fact.by))
    _finish(work)


def _cancel(work: _Work, todo: Step) -> None:
    has_task = _has_open_task(work, todo)
    work.cancel_timers(todo.id, "ack", "due", "wait")
    work.update(todo.id, status="cancelled", done_at=work.at)
    if has_task:
        work.commands.append(CloseTask(todo.id, "cancelled"))


_HANDLERS: dict[type, Callable[[_Work, Any], None]] = {
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


def _open_task(work: _Work, item: str) -> dict[str, Any] | None:
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
    if not _has_open_task(work, todo):
        work.note(item, "nobody has a task for this")
        return None
    return entry


def _has_open_task(work: _Work, todo: Step) -> bool:
    entry = work.item(todo.id)
    if todo.task is None or entry is None or entry["status"] != "open":
        return False
    return todo.kind != "do" or bool(entry.get("fallback"))


def _open_action(work: _Work, item: str) -> Step | None:
    todo = work.procedure.steps.get(item)
    if todo is None or todo.kind != "do":
        work.note("", "no such action", clean(str(item)))
        return None
    entry = work.item(item)
    if entry is None:
        work.note(item, "not open yet")
        return None
    return todo if entry["status"] == "open" else None


# --- opening and closing --------------------------------------------------------------------------------


def _settle(work: _Work) -> None:
    """Open and close whatever can be opened and closed now, until nothing moves."""
    while work.moved and work.state["status"] == "running":
        work.moved = False
        _move_waits(work)
        for stage in work.procedure.stages:
            _settle_stage(work, stage)
        if all(status in _CLOSED_STAGES for status in work.state["stages"].values()):
            _finish(work)


def _settle_stage(work: _Work, stage: Stage) -> None:
    status = work.state["stages"][stage.id]
    if status in _CLOSED_STAGES:
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


def _stage_is_ready(work: _Work, stage: Stage) -> bool:
    stages = work.state["stages"]
    for before in stage.after:
        if stages[before] not in _CLOSED_STAGES:
            return False
    return work.holds(stage.hold_until, stage.id, "hold_until")


def _step_is_ready(work: _Work, todo: Step) -> bool:
    for before in todo.after:
        if not _is_closed(work, before):
            return False
    return work.holds(todo.hold_until, todo.id, "hold_until")


def _is_closed(work: _Work, item: str) -> bool:
    entry = work.state["items"].get(item)
    return entry is not None and entry["status"] in _CLOSED_ITEMS


def _reach(work: _Work, todo: Step) -> None:
    """The step's turn has come: skip it or open it."""
    work.moved = True
    if not work.holds(todo.when, todo.id, "when"):
        work.update(todo.id, status="skipped", done_at=work.at)
        return
    work.update(todo.id, status="open", opened_at=work.at)
    _OPENERS[todo.kind](work, todo)


def _open_task_step(work: _Work, todo: Step) -> None:
    if todo.task is not None:
        _open_for_person(work, todo, todo.task)


def _open_await(work: _Work, todo: Step) -> None:
    if todo.task is not None:
        _open_for_person(work, todo, todo.task)
    if todo.awaits in work.state["unused"]:
        early = work.part("unused").pop(todo.awaits)
        _finish_item(work, todo, early["by"], early["data"])


def _open_action_step(work: _Work, todo: Step) -> None:
    work.commands.append(CallAction(todo.id, todo.action, work.values(todo.params, todo.id)))


def _open_notify(work: _Work, todo: Step) -> None:
    values = work.values(todo.values, todo.id)
    work.commands.append(Tell(todo.id, todo.template, todo.roles, todo.audience, values))
    _finish_item(work, todo, "", {})


def _open_wait(work: _Work, todo: Step) -> None:
    if todo.wait_for is not None:
        work.set_timer(f"wait:{todo.id}", todo.wait_for.after(work.now))


_OPENERS: dict[str, Callable[[_Work, Step], None]] = {
    "task": _open_task_step,
    "decide": _open_task_step,
    "approve": _open_task_step,
    "await": _open_await,
    "do": _open_action_step,
    "notify": _open_notify,
    "wait": _open_wait,
}


def _open_for_person(work: _Work, todo: Step, task: TaskSpec) -> None:
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


def _limited_role(work: _Work, todo: Step, limit: Ask) -> str:
    """The role whose limit covers this approval; where the table gives none, the step's own."""
    outcome = tables.evaluate(limit.table, work.values(limit.inputs, todo.id))
    own = todo.task.role if todo.task else ""
    if outcome.outputs is None:
        work.note(todo.id, f"table {limit.table.id} names nobody", "; ".join(outcome.notes))
        return own
    return str(outcome.outputs["role"])


def _move_waits(work: _Work) -> None:
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
            _finish_item(work, todo, "", {})
        else:
            work.set_timer(key, until)


def _time(work: _Work, todo: Step, expression: Condition) -> datetime | None:
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


def _finish_item(work: _Work, todo: Step, by: str, result: Json) -> None:
    entry = work.state["items"][todo.id]
    has_task = _has_open_task(work, todo)
    changes: Json = {"status": "done", "done_at": work.at}
    if by:
        changes["by"] = by
    if late := _late_seconds(entry.get("due_at"), work.now):
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


def _late_seconds(due_at: str | None, now: datetime) -> int:
    """How many whole seconds `now` lies after the due time; 0 when in time or without one; at least 1
    when late.
    """
    if due_at is None:
        return 0
    late = (now - datetime.fromisoformat(due_at)).total_seconds()
    return max(1, int(late)) if late > 0 else 0


def _finish(work: _Work) -> None:
    for key in list(work.state["timers"]):
        del work.part("timers")[key]
        work.commands.append(CancelTimer(key))
    work.state.update(status="finished", finished_at=work.at, unused={})
    work.commands.append(Finished())
    work.moved = False
