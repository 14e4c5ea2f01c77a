"""Who holds the roles of a run: handed over and back by people, looked up again when posts or absences change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.journal import wake
from changbei.people.models import Person
from changbei.people.resolution import Holder, standing_in
from changbei.plans.facts import Json
from changbei.plans.model import step_of
from changbei.runs import access, roles
from changbei.runs.effects import ROSTER, Effects
from changbei.runs.models import OPEN, RoleHolding, Run, Task, Timer
from changbei.runs.services.answering import acknowledge_told
from changbei.runs.services.applying import effects_of
from changbei.runs.services.locking import lock, lock_task, require_open, running_called
from changbei.runs.services.moving import move_role, move_task
from changbei.runs.writing import write


def hand_over(task: Task, to: Person, *, actor: Person) -> None:
    """Give the task's role in this run to `to`, with all its open tasks, until it is given back or on.

    The role is pinned: shifts and absences no longer move it, only that the person leaves. An approval that only
    some may be given, and one task of many, go alone: the role stays where it is. Who takes them over oneself has
    taken note of them. Raises NotAllowed, Conflict, Invalid("to").
    """
    if not to.active:
        raise Invalid("to", gettext_noop("has left"))
    with transaction.atomic():
        run, task = lock_task(task)
        access.require_to_hand_over(actor, task)
        require_open(task)
        effects = effects_of(run, actor)
        step = effects.procedure.steps[step_of(task.item)]
        access.require_to_take(to, task, step)
        goes_alone = bool(step.delegates or step.each) or task.held_as != Task.HeldAs.ROLE
        if goes_alone:
            move_task(task, to, Task.HeldAs.HAND, effects)
            write([effects])
        elif move_role(run, task.role, to, RoleHolding.Why.NAMED, effects, pinned=True):
            _move_single([effects])
            write([effects])
        if to == actor:
            taken = Q(pk=task.pk) if goes_alone else Q(role=task.role)
            tasks = Task.objects.filter(taken, run=run, holder=actor, status=Task.Status.OPEN)
            acknowledge_told(run.uuid, list(tasks.values_list("uuid", flat=True)), actor=actor)


def hand_back(run: Run, role: str, *, actor: Person) -> None:
    """End a hand-over: the role goes to whom posts, roster and absences give it now."""
    with transaction.atomic():
        run = lock(run.uuid)
        current = RoleHolding.objects.filter(run=run, role=role, until__isnull=True, pinned=True).first()
        if current is None:
            raise Conflict(gettext_noop("this role was not handed over"))
        access.require_to_hand_back(actor, run, current)
        RoleHolding.objects.filter(pk=current.pk).update(pinned=False)
        _reassess(run, actor)


def change_scope(run_uuid: UUID, changes: Json) -> list[str]:
    """Merge into where roles are looked up, e.g. {"command": {…}, "acting": […]}, and look the roles up
    again; also of the runs that this one has called. The roles of this one that moved.
    """
    with transaction.atomic():
        moved = _change_scope(lock(run_uuid), changes)
        for called in list(running_called(run_uuid)):
            _change_scope(lock(called), changes)
    return moved


def reassess_roles(run: Run) -> list[str]:
    """Look up again who holds each role that was not handed over; the roles that moved, their open tasks
    with them.
    """
    with transaction.atomic():
        return _reassess(lock(run.uuid))


def look_at_roles_again() -> int:
    """Have the roles of every open run resolved anew, each in a transaction of its own; how many runs.

    One statement: the roster's timers are made due, and the workers fire them.
    """
    now = clock.now()
    running = Run.objects.filter(status=Run.Status.RUNNING).order_by("pk").values_list("pk", flat=True)
    timers = [Timer(run_id=run, key=ROSTER, due_at=now) for run in running]
    Timer.objects.bulk_create(
        timers,
        update_conflicts=True,
        unique_fields=["run", "key"],
        update_fields=["due_at", "lease_until", "fired_at"],
    )
    wake.workers()
    return len(timers)


def reassess_locked(runs: Sequence[Run], *, actor: Person | None = None) -> tuple[list[Effects], list[str]]:
    """Look the roles of locked runs up again, and set the next moment to do so: what it comes to, not written yet,
    and the roles that moved. The same few queries for all runs, and some for each role that moves.
    """
    every = [effects_of(run, actor) for run in runs if run.status == Run.Status.RUNNING]
    if not every:
        return [], []
    roster = roles.roster_for([(one.pack, one.procedure, one.run.scope) for one in every], every[0].now)
    current = _holdings([one.run for one in every])
    moved = []
    for one in every:
        moved += _move_roles(one, roles.resolve(one.pack, one.procedure, roster, one.run.scope), current)
        one.timers[ROSTER], one.fired = roster.next_change, {ROSTER}
    _move_single(every)
    return every, moved


def _reassess(run: Run, actor: Person | None = None) -> list[str]:
    every, moved = reassess_locked([run], actor=actor)
    write(every)
    return moved


def _change_scope(run: Run, changes: Json) -> list[str]:
    run.scope = {**run.scope, **changes}
    run.save(update_fields=["scope"])
    return _reassess(run)


def _holdings(runs: Sequence[Run]) -> dict[tuple[int, str], RoleHolding]:
    rows = RoleHolding.objects.filter(run__in=[run.pk for run in runs], until__isnull=True)
    rows = rows.select_related("person")
    return {(row.run_id, row.role): row for row in rows}


def _move_roles(
    effects: Effects, found: Mapping[str, Holder], current: Mapping[tuple[int, str], RoleHolding]
) -> list[str]:
    moved = []
    for role, holder in found.items():
        held = current.get((effects.run.pk, role))
        if held is not None and (_stays(held) or held.person == holder.person):
            continue
        row = roles.holding(effects.run, role, holder, effects.now)
        if move_role(effects.run, role, holder.person, RoleHolding.Why(row.why), effects):
            moved.append(role)
    return moved


def _stays(held: RoleHolding) -> bool:
    """A role that was handed over stays with that person, unless they have left."""
    return held.pinned and held.person is not None and held.person.active


def _move_single(every: Sequence[Effects]) -> None:
    """Open tasks that do not go where their role goes. One for whom the plan named somebody is with whoever does that
    person's part now, with the role's holder when there is nobody, and comes back; one that was given to somebody who
    has left goes back to where it would be.
    """
    by_run = {one.run.pk: one for one in every}
    by_hand = Q(held_as=Task.HeldAs.HAND, holder__active=False)
    rows = Task.objects.filter(by_hand | Q(held_as=Task.HeldAs.PLAN), run__in=list(by_run), status__in=OPEN)
    tasks = {
        task: str(by_run[task.run_id].run.state["items"].get(task.item, {}).get("holder", ""))
        for task in rows.select_related("holder").order_by("id")
    }
    if not tasks:
        return
    named = standing_in(set(tasks.values()), every[0].now)
    of_roles = roles.holders_of([one.run for one in every])
    for task, staff_no in tasks.items():
        to = named.get(staff_no) or of_roles[task.run_id].get(task.role)
        held_as = Task.HeldAs.PLAN if staff_no else Task.HeldAs.ROLE
        if (to, held_as) != (task.holder, task.held_as):
            move_task(task, to, held_as, by_run[task.run_id])
