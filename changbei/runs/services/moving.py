"""A role or a task goes from one person to another: holdings, open tasks and their reminders, and who is told."""

from __future__ import annotations

from collections.abc import Sequence

from changbei.notify import services as notify
from changbei.people.models import Person
from changbei.plans.facts import Moved
from changbei.runs.effects import Effects
from changbei.runs.models import OPEN, RoleHolding, Run, Task
from changbei.runs.services.applying import advance


def move_role(
    run: Run, role: str, to: Person | None, why: RoleHolding.Why, effects: Effects, *, pinned: bool = False
) -> bool:
    """Give a role to somebody else: holdings, open tasks and their reminders; who had it is told. False
    when nothing moves.
    """
    current = RoleHolding.objects.filter(run=run, role=role, until__isnull=True)
    held = current.select_related("person").first()
    before = held.person if held else None
    if held and before == to:
        RoleHolding.objects.filter(pk=held.pk).update(pinned=held.pinned or pinned)
        return False
    current.update(until=effects.now)
    RoleHolding.objects.create(run=run, role=role, person=to, why=why, pinned=pinned, since=effects.now)
    tasks = _move_tasks(run, role, before, to, effects)
    effects.record(
        "runs.role_moved",
        data={
            "role": role,
            "from": before.staff_no if before else "",
            "to": to.staff_no if to else "",
            "why": str(why),
            "tasks": [task.item for task in tasks],
        },
    )
    return True


def move_task(task: Task, to: Person | None, held_as: Task.HeldAs, effects: Effects) -> None:
    """Give one task to somebody, and leave its role where it is."""
    before = task.holder
    Task.objects.filter(pk=task.pk).update(holder=to, held_as=held_as)
    task.held_as = held_as
    if before == to:
        return
    notify.stop(tasks=[task.uuid], to=before, reason="passed on")
    _ask_again([task], to, effects)
    _tell_moved(task, to, effects)
    data = {
        "role": task.role,
        "from": before.staff_no if before else "",
        "to": to.staff_no if to else "",
    }
    effects.record("runs.task_moved", item=task.item, data=data)


def _move_tasks(
    run: Run, role: str, before: Person | None, to: Person | None, effects: Effects
) -> list[Task]:
    """The open tasks of the role, which go where it goes."""
    with_role = Task.objects.filter(run=run, role=role, status__in=OPEN, held_as=Task.HeldAs.ROLE)
    tasks = list(with_role.select_related("holder").order_by("id"))
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(holder=to)
    notify.stop(tasks=[task.uuid for task in tasks], to=before, reason="passed on")
    _ask_again(tasks, to, effects)
    for task in tasks:
        _tell_moved(task, to, effects)
    return tasks


def _ask_again(tasks: Sequence[Task], to: Person | None, effects: Effects) -> None:
    """Who has the tasks now has not taken note of them yet."""
    advance(effects, [Moved(task.item, to.staff_no if to else "") for task in tasks])


def _tell_moved(task: Task, to: Person | None, effects: Effects) -> None:
    before, task.holder = task.holder, to
    spec = effects.procedure.task(task.item)
    if spec is None:
        return
    effects.notices.of_task(task, spec)
    if before and before.active:
        effects.notices.of_moved(task, before, spec)
