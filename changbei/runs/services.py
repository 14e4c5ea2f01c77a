"""Carrying procedures out: the durable shell around the pure runtime.

Every verb locks the run's row first, so that facts are applied one after the other. What the runtime
answers becomes rows in the same transaction; nothing is sent or computed inside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound, Outside
from changbei.journal import prepared, wake
from changbei.journal.rows import reserve
from changbei.journal.services import append
from changbei.notify import services as notify
from changbei.people.models import Person
from changbei.people.resolution import Holder, Roster
from changbei.plans import forms, runtime, wire
from changbei.plans.conditions import Condition
from changbei.plans.facts import Acknowledged, Completed, Ended, Fact, Happened, Json, Known, Started
from changbei.plans.loading import pack_for
from changbei.plans.model import EVIDENCE, Pack, Procedure, Step, step_of
from changbei.plans.models import PlanVersion
from changbei.runs import access, roles, rules
from changbei.runs.effects import ROSTER, Effects
from changbei.runs.models import Evidence, RoleHolding, Run, RunFact, Task, Timer
from changbei.runs.writing import write

OPEN = (Task.Status.OPEN, Task.Status.ACKNOWLEDGED)


def start(
    procedure_id: str,
    *,
    plan_version: PlanVersion,
    incident: UUID | None,
    number: str,
    title: Json,
    context: Json,
    scope: Json,
    drill: bool,
    actor: Person | None,
    called_by: tuple[Run, str] | None = None,
) -> Run:
    """Begin a procedure in the caller's transaction: run, holders, tasks, timers, action calls, messages and facts.

    Arguments and errors as of `prepare`.
    """
    effects = prepare(
        procedure_id,
        plan_version=plan_version,
        incident=incident,
        number=number,
        title=title,
        context=context,
        scope=scope,
        drill=drill,
        actor=actor,
        called_by=called_by,
    )
    with transaction.atomic(savepoint=False):
        write([effects])
    return effects.run


def prepare(
    procedure_id: str,
    *,
    plan_version: PlanVersion,
    incident: UUID | None,
    number: str,
    title: Json,
    context: Json,
    scope: Json,
    drill: bool,
    actor: Person | None,
    called_by: tuple[Run, str] | None = None,
    key: int | None = None,
    roster: Roster | None = None,
) -> Effects:
    """A run that begins, with all it comes to; nothing of it is written before `writing.write`.

    `number` is what people say (INC-0042). `scope` says where roles are looked up: {"unit", "site": codes
    of units, "named": {role: staff number}, "command": {role: staff number}, "acting": [roles]}.
    `called_by`: the run and its step that call this one. `key` is a key reserved for the run, `roster` one that was
    read for it (`roster_of`). Raises NotFound.
    """
    pack = pack_for(plan_version)
    procedure = procedure_of(plan_version, procedure_id)
    now = clock.now()
    named, troubles = runtime.named_roles(procedure, context, now)
    scope = {**scope, "named": {**scope.get("named", {}), **named}}
    roster = roster or roles.roster_for([(pack, procedure, scope)], now)
    holders = roles.resolve(pack, procedure, roster, scope)
    fact = Started(context)
    state, commands = runtime.step(procedure, runtime.start_state(), fact, now)
    run = Run(
        id=key or reserve({Run: 1})[Run][0],
        uuid=uuid4(),
        plan_version=plan_version,
        procedure=procedure_id,
        incident=incident,
        number=number,
        title=title,
        drill=drill,
        state=state,
        facts=1,
        scope=scope,
        caller=called_by[0] if called_by else None,
        caller_item=called_by[1] if called_by else "",
        started_at=now,
    )
    effects = Effects(run, pack, procedure, now, actor, {role: one.person for role, one in holders.items()})
    effects.record(
        "runs.started",
        data={
            "procedure": procedure_id,
            "plan": f"{pack.id} {pack.version}",
            "digest": plan_version.digest,
            "holders": {role: one.person.staff_no if one.person else "" for role, one in holders.items()},
            "troubles": troubles,
        },
    )
    effects.note_changes(runtime.start_state())
    if state["status"] == "running":
        effects.timers[ROSTER] = roster.next_change
    effects.take_all(commands)
    effects.apply(wire.to_json(fact))
    _finish(run)
    effects.holdings = [roles.holding(run, role, one, now) for role, one in holders.items()]
    return effects


def roster_of(procedure_id: str, plan_version: PlanVersion, context: Json, scope: Json) -> Roster:
    """What has to be known of posts, duties and absences to begin this procedure; two queries."""
    pack, procedure, now = pack_for(plan_version), procedure_of(plan_version, procedure_id), clock.now()
    named, _ = runtime.named_roles(procedure, context, now)
    scope = {**scope, "named": {**scope.get("named", {}), **named}}
    return roles.roster_for([(pack, procedure, scope)], now)


def apply(run_uuid: UUID, fact: Fact, *, actor: Person | None = None) -> None:
    """Apply one fact. NotFound for an unknown run; a fact that makes no sense leaves a note in the run's
    state.
    """
    with transaction.atomic():
        apply_locked(lock(run_uuid), [fact], actor=actor)


def acknowledge(task: Task, *, actor: Person) -> None:
    """The actor has taken note of the task; its reminders stop. Nothing happens the second time."""
    with transaction.atomic():
        run, task = _lock_task(task)
        access.require_to_act(actor, task)
        if task.status == Task.Status.OPEN:
            facts = [Acknowledged(item, actor.staff_no) for item in _taken_note_of(task)]
            apply_locked(run, facts, actor=actor)
        elif task.status == Task.Status.ACKNOWLEDGED:
            notify.acknowledge_task(task.uuid, actor)
        else:
            raise _closed(task)


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


def hand_over(task: Task, to: Person, *, actor: Person) -> None:
    """Give the task's role in this run to `to`, with all its open tasks, until it is given back or on.

    The role is pinned: shifts and absences no longer move it. An approval that only some may be given, and
    one task of many, go alone: the role stays where it is. Raises NotAllowed, Conflict, Invalid("to").
    """
    if not to.active:
        raise Invalid("to", gettext_noop("has left"))
    with transaction.atomic():
        run, task = _lock_task(task)
        access.require_to_hand_over(actor, task)
        if task.status not in OPEN:
            raise _closed(task)
        effects = _effects(run, actor)
        step = effects.procedure.steps[step_of(task.item)]
        if step.delegates or step.each or task.held_as != Task.HeldAs.ROLE:
            access.require_to_take(to, task, step)
            _move_task(task, to, Task.HeldAs.HAND, effects)
            write([effects])
        elif _move_role(run, task.role, to, RoleHolding.Why.NAMED, effects, pinned=True):
            write([effects])


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


def attach(
    task: Task,
    kind: str,
    *,
    actor: Person,
    note: str = "",
    file: UploadedFile[Any] | ContentFile[bytes] | None = None,
) -> Evidence:
    """Attach evidence: `note` with words, `photo` or `file` with a file, whose SHA-256 is taken on receipt.

    Raises NotAllowed, Conflict when the task is closed, Invalid, Outside when the file cannot be kept.
    """
    content = _content(kind, note, file)
    with transaction.atomic():
        run, task = _lock_task(task)
        access.require_to_act(actor, task)
        if task.status not in OPEN:
            raise _closed(task)
        evidence = Evidence(
            uuid=uuid4(),
            task=task,
            kind=kind,
            note=note,
            sha256=hashlib.sha256(content).hexdigest(),
            by=actor,
            at=clock.now(),
        )
        if file is not None:
            suffix = str(file.name or "").rpartition(".")[2].lower()
            ending = f".{suffix}" if suffix.isalnum() and len(suffix) <= 5 else ""
            _keep_file(evidence, f"{run.uuid}/{evidence.uuid}{ending}", content)
        evidence.save()
        append(
            "runs.evidence_attached",
            actor=actor,
            incident=run.incident,
            run=run.uuid,
            item=task.item,
            clause=task.clause,
            drill=run.drill,
            data={"kind": kind, "sha256": evidence.sha256, "evidence": str(evidence.uuid)},
        )
    return evidence


def end(run: Run, *, actor: Person) -> None:
    """Close the run and those it has called: everything open is cancelled. Nothing happens when they have
    finished. Raises NotAllowed.
    """
    with transaction.atomic():
        run = lock(run.uuid)
        access.require_to_end(actor, run)
        _end_with_called(run, actor)


def end_by_incident(run_uuid: UUID, *, actor: Person) -> None:
    """Close the run and those it has called because their incident is closed; who may close that, the
    incident has decided.
    """
    with transaction.atomic():
        _end_with_called(lock(run_uuid), actor)


def happened(run_uuid: UUID, kind: str, data: Json, by: str = "", *, actor: Person | None = None) -> bool:
    """Tell the run of a journal fact; False when it does not listen for this kind or has finished."""
    with transaction.atomic():
        run = lock(run_uuid)
        if run.status != Run.Status.RUNNING or not listens(_procedure(run), kind):
            return False
        apply_locked(run, [Happened(kind, data, by)], actor=actor)
    return True


def know(run_uuid: UUID, name: str, values: Json, *, actor: Person | None = None) -> None:
    """Merge values into what the run's conditions see under `name`: a report that was added to, say.

    What becomes known of the incident, the runs that this one has called learn, too.
    """
    apply(run_uuid, Known(name, values), actor=actor)
    for called in running_called(run_uuid) if name == "incident" else ():
        apply(called, Known(name, values), actor=actor)


def listens(procedure: Procedure, kind: str) -> bool:
    """Whether a step awaits this kind of fact or a condition asks for it."""
    return any(step.awaits == kind or _mentions(step, kind) for step in procedure.steps.values()) or any(
        _asks(condition, kind) for stage in procedure.stages for condition in (stage.when, stage.hold_until)
    )


def reassess_roles(run: Run, *, actor: Person | None = None) -> list[str]:
    """Look up again who holds each role that was not handed over; the roles that moved, their open tasks
    with them.
    """
    with transaction.atomic():
        return _reassess(lock(run.uuid), actor)


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


def change_scope(run_uuid: UUID, changes: Json, *, actor: Person | None = None) -> list[str]:
    """Merge into where roles are looked up, e.g. {"command": {…}, "acting": […]}, and look the roles up
    again; also of the runs that this one has called. The roles of this one that moved.
    """
    with transaction.atomic():
        moved = _change_scope(lock(run_uuid), changes, actor)
        for called in list(running_called(run_uuid)):
            _change_scope(lock(called), changes, actor)
    return moved


# --- for jobs and reactions: the caller holds the transaction and the run's lock ------------------------


def lock(run_uuid: UUID) -> Run:
    """The run, locked until the end of the transaction. The first lock of every verb."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("plan_version")
        .defer("plan_version__files")
        .filter(uuid=run_uuid)
        .first()
    )
    if run is None:
        raise NotFound(f"no run {run_uuid}")
    return run


def lock_free(keys: Collection[int]) -> list[Run]:
    """Those of these runs (keys) that nobody has locked, locked in the order of their keys; with one statement."""
    found = prepared.objects(
        Run, "WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED", [list(keys)]
    )
    versions = PlanVersion.objects.defer("files").in_bulk({run.plan_version_id for run in found})
    for run in found:
        run.plan_version = versions[run.plan_version_id]
    return found


def apply_locked(run: Run, facts: Iterable[Fact], *, actor: Person | None = None) -> Effects:
    """Apply facts to a locked run and write what comes of them."""
    effects = step(run, facts, actor=actor)
    write([effects])
    return effects


def step(
    run: Run, facts: Iterable[Fact], *, actor: Person | None = None, fired: Iterable[str] = ()
) -> Effects:
    """What facts come to for a locked run, nothing of it written yet: no statement. `fired` are the keys of the
    timers that led here.
    """
    effects = _effects(run, actor)
    effects.fired, effects.before = set(fired), run.state
    for fact in facts:
        run.state, commands = runtime.step(effects.procedure, run.state, fact, effects.now)
        run.facts += 1
        effects.apply(wire.to_json(fact))
        effects.take_all(commands)
    _finish(run)
    return effects


def reassess_locked(runs: Sequence[Run], *, actor: Person | None = None) -> tuple[list[Effects], list[str]]:
    """Look the roles of locked runs up again, and set the next moment to do so: what it comes to, not written yet,
    and the roles that moved. The same few queries for all runs, and some for each role that moves.
    """
    every = [_effects(run, actor) for run in runs if run.status == Run.Status.RUNNING]
    if not every:
        return [], []
    roster = roles.roster_for([(one.pack, one.procedure, one.run.scope) for one in every], every[0].now)
    current = _holdings([one.run for one in every])
    moved = []
    for one in every:
        moved += _move_roles(one, roles.resolve(one.pack, one.procedure, roster, one.run.scope), current)
        one.timers[ROSTER], one.fired = roster.next_change, {ROSTER}
    _move_named(every)
    return every, moved


def running_called(run_uuid: UUID) -> Iterator[UUID]:
    """The running runs that this one has called, and those that they have, from the top down."""
    waiting = [run_uuid]
    while waiting:
        found = Run.objects.filter(caller__uuid__in=waiting).order_by("pk").values_list("uuid", "status")
        waiting = []
        for called, status in found:
            waiting.append(called)
            if status == Run.Status.RUNNING:
                yield called


# --- inside ---------------------------------------------------------------------------------------------


def _effects(run: Run, actor: Person | None) -> Effects:
    pack = pack_for(run.plan_version)
    return Effects(run, pack, pack.procedures[run.procedure], clock.now(), actor)


def _procedure(run: Run) -> Procedure:
    return pack_for(run.plan_version).procedures[run.procedure]


def procedure_of(version: PlanVersion, procedure_id: str) -> Procedure:
    """The procedure of this version; NotFound."""
    pack = pack_for(version)
    procedure = pack.procedures.get(procedure_id)
    if procedure is None:
        raise NotFound(f"{pack.id} {pack.version} has no procedure {procedure_id}")
    return procedure


def _change_scope(run: Run, changes: Json, actor: Person | None) -> list[str]:
    run.scope = {**run.scope, **changes}
    run.save(update_fields=["scope"])
    return _reassess(run, actor)


def _end_with_called(run: Run, actor: Person) -> None:
    for one in [run, *(lock(called) for called in list(running_called(run.uuid)))]:
        if one.status == Run.Status.RUNNING:
            apply_locked(one, [Ended(actor.staff_no)], actor=actor)


def _taken_note_of(task: Task) -> list[str]:
    """Who takes note of one of many tasks has taken note of all that are theirs of this step."""
    step = step_of(task.item)
    if step == task.item:
        return [task.item]
    own = Task.objects.filter(run=task.run, holder=task.holder, status=Task.Status.OPEN)
    return list(own.filter(item__startswith=f"{step}@").order_by("pk").values_list("item", flat=True))


def _lock_task(task: Task) -> tuple[Run, Task]:
    """The task as it is now, behind the lock of its run."""
    run = lock(task.run.uuid)
    fresh = Task.objects.select_related("holder", "done_by").get(pk=task.pk)
    fresh.run = run
    return run, fresh


def _close(task: Task, kinds: set[Task.Kind], result: Json, actor: Person) -> None:
    with transaction.atomic():
        run, task = _lock_task(task)
        access.require_to_act(actor, task)
        if task.status == Task.Status.DONE and task.done_by_id == actor.pk and _own(task.result) == result:
            return  # a second tap on the same button
        if task.status not in OPEN:
            raise _closed(task)
        if task.kind not in kinds:
            raise Conflict(f"a task of the kind {task.kind} is not closed this way")
        _refuse_incomplete(run, task, result, actor.language)
        _refuse_same_person(run, task, actor)
        fact = Completed(task.item, actor.staff_no, {**result, **_given(task)})
        effects = apply_locked(run, [fact], actor=actor)
        if not any(command.item == task.item for command in effects.closed):
            last = run.state["notes"][-1] if run.state["notes"] else {"detail": "the plan does not take this"}
            raise Conflict(last["detail"])


def _keep_file(evidence: Evidence, name: str, content: bytes) -> None:
    """Write the file whole or not at all: of one that did not fit on the disk nothing stays behind."""
    storage = evidence.file.storage
    try:
        evidence.file.save(name, ContentFile(content), save=False)
    except OSError as error:
        with suppress(OSError):
            storage.delete(evidence.file.field.generate_filename(evidence, name))
        words = gettext_noop("the file could not be kept: the disk is full or does not answer")
        raise Outside(words, permanent=False) from error


def _given(task: Task) -> Json:
    """The evidence as conditions see it, `result.STEP.evidence`; nothing where none was given."""
    rows = task.attached.select_related("by").order_by("pk")
    found = [
        {"kind": one.kind, "sha256": one.sha256, "at": one.at.isoformat(), "by": one.by.staff_no}
        for one in rows
    ]
    return {EVIDENCE: found} if found else {}


def _own(result: Json) -> Json:
    """A result without what the shell has put in."""
    return {name: value for name, value in result.items() if name != EVIDENCE}


def _refuse_incomplete(run: Run, task: Task, result: Json, language: str) -> None:
    spec = _procedure(run).task(task.item)
    attached = set(task.attached.values_list("kind", flat=True)) if task.evidence else set()
    filled = {name: value for name, value in result.items() if name not in {"option", "approved"}}
    problems = rules.missing_evidence(task.evidence, attached)
    if spec and spec.form:
        problems += forms.problems(spec.form, filled, language=language)
    if problems:
        raise Invalid(problems=problems)


def _refuse_same_person(run: Run, task: Task, actor: Person) -> None:
    step = _procedure(run).steps[step_of(task.item)]
    if any(actor.staff_no in runtime.doers(run.state, other) for other in step.apart):
        raise NotAllowed(gettext_noop("two different people are needed: you have done the other part"))


def _closed(task: Task) -> Conflict:
    who = f" by {task.done_by.name}" if task.done_by else ""
    return Conflict(f"the task was closed{who} already")


def _content(kind: str, note: str, file: UploadedFile[Any] | ContentFile[bytes] | None) -> bytes:
    """The bytes that are hashed: the file's, else the note's."""
    if kind not in {"photo", "file", "note"}:
        raise Invalid("kind", gettext_noop("one of photo, file, note"))
    if kind == "note":
        if not note.strip() or file is not None:
            raise Invalid("note", gettext_noop("words are needed, and no file"))
        return note.encode()
    if file is None:
        raise Invalid("file", gettext_noop("is missing"))
    content: bytes = file.read()
    if not content or len(content) > rules.LARGEST_FILE_BYTES:
        raise Invalid(
            "file", gettext_noop("is empty") if not content else gettext_noop("is larger than 15 MB")
        )
    if kind == "photo" and not rules.is_photo(content):
        raise Invalid("file", gettext_noop("is no picture (JPEG, PNG, GIF, WebP or HEIC)"))
    return content


def _finish(run: Run) -> None:
    if run.state["status"] == "finished" and run.status == Run.Status.RUNNING:
        run.status, run.finished_at = Run.Status.FINISHED, clock.now()


def _reassess(run: Run, actor: Person | None) -> list[str]:
    every, moved = reassess_locked([run], actor=actor)
    write(every)
    return moved


def _holdings(runs: Sequence[Run]) -> dict[tuple[int, str], RoleHolding]:
    rows = RoleHolding.objects.filter(run__in=[run.pk for run in runs], until__isnull=True)
    return {(row.run_id, row.role): row for row in rows}


def _move_roles(
    effects: Effects, found: Mapping[str, Holder], current: Mapping[tuple[int, str], RoleHolding]
) -> list[str]:
    moved = []
    for role, holder in found.items():
        held = current.get((effects.run.pk, role))
        if held is not None and (
            held.pinned or held.person_id == (holder.person.pk if holder.person else None)
        ):
            continue
        row = roles.holding(effects.run, role, holder, effects.now)
        if _move_role(effects.run, role, holder.person, RoleHolding.Why(row.why), effects):
            moved.append(role)
    return moved


def _move_role(
    run: Run, role: str, to: Person | None, why: RoleHolding.Why, effects: Effects, *, pinned: bool = False
) -> bool:
    """Give a role to somebody else: holdings, open tasks and their reminders; who had it is told. False
    when nothing moves.
    """
    held = RoleHolding.objects.filter(run=run, role=role, until__isnull=True).select_related("person").first()
    before = held.person if held else None
    if held and before == to:
        RoleHolding.objects.filter(pk=held.pk).update(pinned=held.pinned or pinned)
        return False
    RoleHolding.objects.filter(run=run, role=role, until__isnull=True).update(until=effects.now)
    RoleHolding.objects.create(run=run, role=role, person=to, why=why, pinned=pinned, since=effects.now)
    with_role = Task.objects.filter(run=run, role=role, status__in=OPEN, held_as=Task.HeldAs.ROLE)
    tasks = list(with_role.select_related("holder").order_by("id"))
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(holder=to)
    notify.stop(tasks=[task.uuid for task in tasks], to=before, reason="passed on")
    for task in tasks:
        _tell_moved(task, to, effects)
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


def _move_task(task: Task, to: Person, held_as: Task.HeldAs, effects: Effects) -> None:
    """Give one task to somebody, and leave its role where it is."""
    before = task.holder
    Task.objects.filter(pk=task.pk).update(holder=to, held_as=held_as)
    task.held_as = held_as
    if before == to:
        return
    notify.stop(tasks=[task.uuid], to=before, reason="passed on")
    _tell_moved(task, to, effects)
    data = {"role": task.role, "from": before.staff_no if before else "", "to": to.staff_no}
    effects.record("runs.task_moved", item=task.item, data=data)


def _move_named(every: Sequence[Effects]) -> None:
    """Tasks whose holder the plan named go to the substitute while that person is away, and come back."""
    by_run = {one.run.pk: one for one in every}
    rows = Task.objects.filter(run__in=list(by_run), status__in=OPEN, held_as=Task.HeldAs.PLAN)
    tasks = {
        task: str(by_run[task.run_id].run.state["items"].get(task.item, {}).get("holder", ""))
        for task in rows.select_related("holder").order_by("id")
    }
    if not tasks:
        return
    found = roles.named(set(tasks.values()), every[0].now)
    for task, staff_no in tasks.items():
        holder = found.get(staff_no)
        if holder is not None and holder != task.holder:
            _move_task(task, holder, Task.HeldAs.PLAN, by_run[task.run_id])


def _tell_moved(task: Task, to: Person | None, effects: Effects) -> None:
    before, task.holder = task.holder, to
    spec = effects.procedure.task(task.item)
    if spec is None:
        return
    effects.order_task(task, spec)
    if before:
        effects.order_moved(task, before, spec)


def _mentions(step: Step, kind: str) -> bool:
    return any(_asks(condition, kind) for condition in step.conditions())


def _asks(condition: Condition | None, kind: str) -> bool:
    return condition is not None and kind in condition.source


def replayed(run: Run) -> Json:
    """The state that the run's recorded facts lead to: the same, byte for byte, as `run.state`."""
    rows: Sequence[RunFact] = list(run.applied.order_by("number"))
    return runtime.replay(_procedure(run), [(row.at, wire.fact_from_json(row.fact)) for row in rows])


def plan_of(run: Run) -> tuple[Pack, Procedure]:
    """The plan the run is pinned to, for pages."""
    pack = pack_for(run.plan_version)
    return pack, pack.procedures[run.procedure]
