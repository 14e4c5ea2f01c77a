"""Tasks: time limits, and chains that lead away from whoever did not answer."""

from __future__ import annotations

from collections.abc import Iterator

from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding
from changbei.plans.checking.places import Places
from changbei.plans.model import Pack, Procedure, Step, TaskSpec

_LONG_SECONDS_A_WORKING_DAY = 86_400


def findings(pack: Pack, places: Places) -> Iterator[Finding]:
    for procedure in pack.procedures.values():
        for step in procedure.steps.values():
            if step.task is not None:
                yield from _task(procedure, step, step.task, places)
            yield from _apart(procedure, step, places)


def _task(procedure: Procedure, step: Step, task: TaskSpec, places: Places) -> Iterator[Finding]:
    holder = ("on_failure",) if step.kind in {"do", "call"} else ()
    raw = places.raw(procedure.id, step.id)
    inner = raw.get("on_failure", {}) if holder else raw
    if not isinstance(inner, dict) or not inner:
        return
    if "within" in inner and not (task.within.seconds or task.within.working_days):
        place = places.step(procedure.id, step.id, *holder, "within")
        yield finding(ERROR, "no-limit", step.clause, place, step=step.id)
    if "overdue" in inner and not task.chain:
        place = places.step(procedure.id, step.id, *holder, "overdue")
        yield finding(ERROR, "no-escalation", step.clause, place, step=step.id)
    if task.chain and set(task.chain) <= {task.role} and not step.limit:
        place = places.step(procedure.id, step.id, *holder, "overdue")
        yield finding(ERROR, "escalates-to-itself", step.clause, place, step=step.id, role=task.role)
    if task.acknowledge_within and _length(task.acknowledge_within) > _length(task.within) > 0:
        place = places.step(procedure.id, step.id, *holder, "acknowledge_within")
        yield finding(WARNING, "acknowledge-after-limit", step.clause, place, step=step.id)


def _length(duration: object) -> int:
    seconds = int(getattr(duration, "seconds", 0))
    return seconds or int(getattr(duration, "working_days", 0)) * _LONG_SECONDS_A_WORKING_DAY


def _apart(procedure: Procedure, step: Step, places: Places) -> Iterator[Finding]:
    """Two people are needed, and one role does both: its holder has to hand one over every time."""
    if step.kind != "approve" or step.task is None:
        return
    for other in sorted(step.apart):
        done = procedure.steps.get(other)
        if done is None or done.task is None:
            continue
        own = {step.task.role}
        if step.limit:
            own = {str(row.then.get("role")) for row in step.limit.table.rows}
        if own == {done.task.role} or (done.task.role in own and not step.limit):
            place = places.step(procedure.id, step.id, "approve", "not_same_as")
            yield finding(
                ERROR, "approves-own-work", step.clause, place, step=step.id, other=other, role=done.task.role
            )
