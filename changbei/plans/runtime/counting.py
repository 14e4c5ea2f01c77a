"""Count-downs (E3.1.1): a time that runs out, with marks before its end, each of them reached once.

The entry of a count-down carries `until` (its end as last computed) and `marks` {id: when it was reached}.
Conditions see `result.STEP`: the key of each mark that was reached, with its time, and at the end `ended`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from changbei.plans.facts import Json
from changbei.plans.model import Countdown, Mark, Step
from changbei.plans.plain import moment
from changbei.plans.runtime.times import time_of
from changbei.plans.runtime.work import Work

RUN_OUT, STOPPED = "run_out", "stopped"


def is_over(work: Work, todo: Step) -> bool:
    """Let the count-down follow its expression; whether it has ended thereby."""
    entry, countdown = work.item(todo.id), todo.countdown
    if entry is None or entry["status"] != "open" or countdown is None:
        return False
    if countdown.stop_when is not None and work.holds(countdown.stop_when, todo.id, "stop_when"):
        work.update(todo.id, ended=STOPPED)
        return True
    end = _end(work, todo, countdown)
    if end is None:
        return False
    if entry.get("until") != moment(end):
        work.update(todo.id, until=moment(end))
    for mark in countdown.marks:
        _move_mark(work, todo, mark, end)
    if end <= work.now:
        work.update(todo.id, ended=RUN_OUT)
        return True
    if work.state["timers"].get(f"wait:{todo.id}") != moment(end):
        work.set_timer(f"wait:{todo.id}", end)
    return False


def run_out(work: Work, todo: Step) -> Json:
    """The time is over: marks that have not been reached yet are now. Returns the result."""
    for mark in todo.countdown.marks if todo.countdown else ():
        reach(work, todo, mark)
    work.update(todo.id, ended=RUN_OUT)
    return result_of(work, todo)


def reach(work: Work, todo: Step, mark: Mark) -> None:
    """A mark is reached, once."""
    entry = work.state["items"][todo.id]
    marks = entry.get("marks", {})
    if mark.id in marks:
        return
    work.update(todo.id, marks={**marks, mark.id: work.at})
    work.remember("result", todo.key, result_of(work, todo))
    work.moved = True


def result_of(work: Work, todo: Step) -> Json:
    entry = work.state["items"][todo.id]
    reached: Json = entry.get("marks", {})
    result: Json = {
        mark.key: {"at": reached[mark.id]}
        for mark in (todo.countdown.marks if todo.countdown else ())
        if mark.id in reached
    }
    return {**result, "ended": entry["ended"]} if "ended" in entry else result


def _move_mark(work: Work, todo: Step, mark: Mark, end: datetime) -> None:
    key, entry = f"mark:{todo.id}:{mark.id}", work.state["items"][todo.id]
    if mark.id in entry.get("marks", {}):
        return
    at = _shifted(end, -timedelta(seconds=mark.before.seconds))
    if at <= work.now:
        work.cancel_timer(key)
        reach(work, todo, mark)
    elif work.state["timers"].get(key) != moment(at):
        work.set_timer(key, at)


def _end(work: Work, todo: Step, countdown: Countdown) -> datetime | None:
    until = time_of(work, todo.id, countdown.until)
    if until is None or countdown.plus is None:
        return until
    try:
        return countdown.plus.after(until)
    except OverflowError:  # in the year 9999
        return until


def _shifted(when: datetime, by: timedelta) -> datetime:
    try:
        return when + by
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
