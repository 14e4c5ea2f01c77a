"""A person answers a task: takes note of it, does it, decides, approves or refuses."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.notify import services as notify
from changbei.people.models import Person
from changbei.plans import runtime
from changbei.plans.facts import Acknowledged, Completed, Json
from changbei.plans.model import step_of
from changbei.runs import access, rules, things
from changbei.runs.models import Run, Task
from changbei.runs.services import evidence
from changbei.runs.services.applying import apply_locked, plan_of
from changbei.runs.services.locking import lock, lock_task, require_open

OWN_FIELDS = {Task.Kind.DECIDE: "option", Task.Kind.APPROVE: "approved"}  # of the result, beside the form's
NO_FORM: Json = {"type": "object", "properties": {}}


def acknowledge(task: Task, *, actor: Person) -> None:
    """The actor has taken note of the task; its reminders stop. Nothing happens the second time."""
    with transaction.atomic():
        run, task = lock_task(task)
        access.require_to_act(actor, task)
        require_open(task)
        if task.status == Task.Status.OPEN:
            facts = [Acknowledged(item, actor.staff_no) for item in _taken_note_of(task)]
            apply_locked(run, facts, actor=actor)
        else:
            notify.acknowledge_tasks([task.uuid], actor)


def acknowledge_told(run_uuid: UUID, tasks: Collection[UUID], *, actor: Person) -> None:
    """The actor has taken note of a message about several tasks of a run: of those that are theirs still."""
    with transaction.atomic():
        run = lock(run_uuid)
        own = Task.objects.filter(run=run, uuid__in=tasks, holder=actor, status=Task.Status.OPEN)
        items = list(own.order_by("pk").values_list("item", flat=True))
        if items:
            apply_locked(run, [Acknowledged(item, actor.staff_no) for item in items], actor=actor)


def complete(task: Task, result: Json | None = None, *, actor: Person) -> None:
    """The actor has done the task. `result` is the filled form of the step.

    Raises NotAllowed, Invalid (evidence missing, form wrong), Conflict (closed by somebody else, or a
    decision, an approval, or a task that another page completes). Doing it twice by the same person is
    doing it once.
    """
    _close(task, {Task.Kind.DO}, result or {}, actor)


def decide(task: Task, option: str, *, actor: Person, result: Json | None = None) -> None:
    """Choose an option of a decision, by its id. Raises like `complete`, and Invalid for an option that
    is not there.
    """
    if option not in {one["id"] for one in task.options}:
        raise Invalid("option", f"one of {', '.join(one['id'] for one in task.options)}")
    _close(task, {Task.Kind.DECIDE}, {**(result or {}), "option": option}, actor)


def approve(task: Task, approved: bool, *, actor: Person, result: Json | None = None) -> None:
    """Approve or refuse. Raises like `complete`; NotAllowed for whoever did the step that somebody else
    has to approve.
    """
    _close(task, {Task.Kind.APPROVE}, {**(result or {}), "approved": approved}, actor)


def _taken_note_of(task: Task) -> list[str]:
    """Who takes note of one of many tasks has taken note of all that are theirs of this step."""
    step = step_of(task.item)
    if step == task.item:
        return [task.item]
    own = Task.objects.filter(run=task.run, holder=task.holder, status=Task.Status.OPEN)
    return list(own.filter(item__startswith=f"{step}@").order_by("pk").values_list("item", flat=True))


def _close(task: Task, kinds: set[Task.Kind], result: Json, actor: Person) -> None:
    with transaction.atomic():
        run, task = lock_task(task)
        access.require_to_act(actor, task)
        if _has_done_so(actor, task, result):
            return  # a second tap on the same button
        require_open(task)
        if task.kind not in kinds:
            raise Conflict(f"a task of the kind {task.kind} is not closed this way")
        _refuse_incomplete(run, task, result, actor.language)
        _refuse_same_person(run, task, actor)
        fact = Completed(task.item, actor.staff_no, {**result, **evidence.given(task)})
        effects = apply_locked(run, [fact], actor=actor)
        if not any(command.item == task.item for command in effects.closed):
            last = run.state["notes"][-1] if run.state["notes"] else {"detail": "the plan does not take this"}
            raise Conflict(last["detail"])


def _has_done_so(actor: Person, task: Task, result: Json) -> bool:
    done = task.status == Task.Status.DONE and task.done_by_id == actor.pk
    return done and evidence.without_given(task.result) == result


def _refuse_incomplete(run: Run, task: Task, result: Json, language: str) -> None:
    _, procedure = plan_of(run)
    spec = procedure.task(task.item)
    attached = set(task.attached.values_list("kind", flat=True)) if task.evidence else set()
    filled = {name: value for name, value in result.items() if name != OWN_FIELDS.get(Task.Kind(task.kind))}
    problems = rules.missing_evidence(task.evidence, attached)
    problems += things.problems((spec and spec.form) or NO_FORM, filled, language=language)
    if problems:
        raise Invalid(problems=problems)


def _refuse_same_person(run: Run, task: Task, actor: Person) -> None:
    _, procedure = plan_of(run)
    step = procedure.steps[step_of(task.item)]
    if any(actor.staff_no in runtime.doers(run.state, other) for other in step.apart):
        raise NotAllowed(gettext_noop("two different people are needed: you have done the other part"))
