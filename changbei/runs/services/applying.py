"""Facts are applied to a run: what the runtime answers becomes rows in the same transaction.

Jobs and reactions that hold the transaction and the run's lock themselves use `apply_locked`, or `step` for many runs
that are written together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from changbei.core import clock
from changbei.people.models import Person
from changbei.plans import runtime, wire
from changbei.plans.conditions import Condition
from changbei.plans.facts import Fact, Happened, Json, Known
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack, Procedure, Step
from changbei.runs.effects import Effects
from changbei.runs.models import Run, RunFact
from changbei.runs.services.locking import lock, running_called
from changbei.runs.writing import write


def apply(run_uuid: UUID, fact: Fact, *, actor: Person | None = None) -> None:
    """Apply one fact. NotFound for an unknown run; a fact that makes no sense leaves a note in the run's
    state.
    """
    with transaction.atomic():
        apply_locked(lock(run_uuid), [fact], actor=actor)


def happened(run_uuid: UUID, kind: str, data: Json, by: str = "", *, actor: Person | None = None) -> bool:
    """Tell the run of a journal fact; False when it does not listen for this kind or has finished."""
    with transaction.atomic():
        run = lock(run_uuid)
        if run.status != Run.Status.RUNNING or not _listens(run, kind):
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
    effects = effects_of(run, actor)
    effects.fired = set(fired)
    advance(effects, facts)
    return effects


def advance(effects: Effects, facts: Iterable[Fact]) -> None:
    """Apply facts to the run of these effects; what they come to is added."""
    run = effects.run
    for fact in facts:
        run.state, commands = runtime.step(effects.procedure, run.state, fact, effects.now)
        run.facts += 1
        effects.apply(wire.to_json(fact))
        effects.take_all(commands)
    finish(run)


def finish(run: Run) -> None:
    """The run has finished when its state has; not written."""
    if run.state["status"] == "finished" and run.status == Run.Status.RUNNING:
        run.status, run.finished_at = Run.Status.FINISHED, clock.now()


def effects_of(run: Run, actor: Person | None) -> Effects:
    """To collect what comes of something for a locked run."""
    effects = Effects(run, *plan_of(run), clock.now(), actor)
    effects.before = run.state
    return effects


def plan_of(run: Run) -> tuple[Pack, Procedure]:
    """The plan the run is pinned to."""
    pack = pack_for(run.plan_version)
    return pack, pack.procedures[run.procedure]


def replayed(run: Run) -> Json:
    """The state that the run's recorded facts lead to: the same, byte for byte, as `run.state`."""
    _, procedure = plan_of(run)
    rows: Sequence[RunFact] = list(run.applied.order_by("number"))
    return runtime.replay(procedure, [(row.at, wire.fact_from_json(row.fact)) for row in rows])


def _listens(run: Run, kind: str) -> bool:
    """Whether a step awaits this kind of fact or a condition asks for it."""
    _, procedure = plan_of(run)
    return any(step.awaits == kind or _mentions(step, kind) for step in procedure.steps.values()) or any(
        _asks(condition, kind) for stage in procedure.stages for condition in (stage.when, stage.hold_until)
    )


def _mentions(step: Step, kind: str) -> bool:
    return any(_asks(condition, kind) for condition in step.conditions())


def _asks(condition: Condition | None, kind: str) -> bool:
    return condition is not None and kind in condition.source
