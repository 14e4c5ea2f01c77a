"""A procedure begins: from its plan, a report and the roster to a run with holders, tasks, timers and messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from changbei.core import clock
from changbei.core.errors import there
from changbei.journal.rows import reserve
from changbei.people.models import Person
from changbei.people.resolution import Holder, Roster
from changbei.plans import runtime, wire
from changbei.plans.facts import Json, Started
from changbei.plans.loading import pack_for
from changbei.plans.model import Procedure
from changbei.plans.models import PlanVersion
from changbei.runs import roles
from changbei.runs.effects import ROSTER, Effects
from changbei.runs.models import Run
from changbei.runs.services.applying import finish
from changbei.runs.writing import write


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
    scope, troubles = _with_named(scope, procedure, context, now)
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
        confidential=procedure.confidential or (called_by is not None and called_by[0].confidential),
        state=state,
        facts=1,
        scope=scope,
        caller=called_by[0] if called_by else None,
        caller_item=called_by[1] if called_by else "",
        started_at=now,
    )
    effects = Effects(run, pack, procedure, now, actor, {role: one.person for role, one in holders.items()})
    _record_start(effects, holders, troubles)
    effects.note_changes(runtime.start_state())
    if state["status"] == "running":
        effects.timers[ROSTER] = roster.next_change
    effects.take_all(commands)
    effects.apply(wire.to_json(fact))
    finish(run)
    effects.holdings = [roles.holding(run, role, one, now) for role, one in holders.items()]
    return effects


def roster_of(procedure_id: str, plan_version: PlanVersion, context: Json, scope: Json) -> Roster:
    """What has to be known of posts, duties and absences to begin this procedure; two queries."""
    pack, procedure, now = pack_for(plan_version), procedure_of(plan_version, procedure_id), clock.now()
    scope, _ = _with_named(scope, procedure, context, now)
    return roles.roster_for([(pack, procedure, scope)], now)


def procedure_of(version: PlanVersion, procedure_id: str) -> Procedure:
    """The procedure of this version; NotFound."""
    pack = pack_for(version)
    procedure = pack.procedures.get(procedure_id)
    return there(procedure, f"{pack.id} {pack.version} has no procedure {procedure_id}")


def _with_named(scope: Json, procedure: Procedure, context: Json, now: datetime) -> tuple[Json, list[str]]:
    """The scope with those whom the report names for a role, and the troubles in finding them."""
    named, troubles = runtime.named_roles(procedure, context, now)
    return {**scope, "named": {**scope.get("named", {}), **named}}, troubles


def _record_start(effects: Effects, holders: Mapping[str, Holder], troubles: list[str]) -> None:
    effects.record(
        "runs.started",
        data={
            "procedure": effects.run.procedure,
            "plan": f"{effects.pack.id} {effects.pack.version}",
            "digest": effects.run.plan_version.digest,
            "holders": {role: one.person.staff_no if one.person else "" for role, one in holders.items()},
            "troubles": troubles,
        },
    )
