"""Plan calls plan (E3.2.3): a step begins another procedure, of this plan or another, and may wait for its end.

A called run belongs to the incident of its caller and has its number with a suffix: INC-0042/2. Locks are
taken from the top down: the caller before the called.
"""

from __future__ import annotations

from django.db import transaction

from changbei.core import clock
from changbei.core.errors import Invalid
from changbei.core.texts import LANGUAGES, Text, pick
from changbei.journal.models import Entry
from changbei.plans import runtime, selectors
from changbei.plans.facts import CallEnded, Json
from changbei.plans.model import Procedure
from changbei.plans.models import PlanVersion
from changbei.runs import services, things
from changbei.runs.models import ActionCall, Run

MOST_DEEP = 5  # a plan that calls itself through other plans is stopped here
_OWN_NAMES = frozenset({"report", "now", "result", "decision", "happened"})


def begin(call: ActionCall) -> Json:
    """Begin the procedure that a step calls: {run, number}. Once for each step, however often it is tried.

    Raises NotFound for an unknown plan or procedure, Invalid for a report that its form refuses, for a caller
    that has finished, and for calls within calls without end.
    """
    given = call.params
    with transaction.atomic():
        top, depth = _top(call.run)
        services.lock(top.uuid)  # numbers are given one after the other
        caller = services.lock(call.run.uuid)
        known = Run.objects.filter(caller=caller, caller_item=call.item).first()
        called = known or _begin(caller, call.item, given, top, depth)
    return {"run": str(called.uuid), "number": called.number}


def _begin(caller: Run, item: str, given: Json, top: Run, depth: int) -> Run:
    if caller.status != Run.Status.RUNNING:
        raise Invalid("run", f"{caller.number} has finished")
    if depth >= MOST_DEEP:
        raise Invalid("call", f"plans call each other more than {MOST_DEEP} deep")
    version = _version(caller, given["plan"])
    procedure = services.procedure_of(version, given["procedure"])
    report: Json = given["report"]
    if problems := things.problems(procedure.form, report):
        raise Invalid(problems=problems)
    return services.start(
        procedure.id,
        plan_version=version,
        incident=caller.incident,
        number=_number(top),
        title=_title(caller.title, procedure.title),
        context=_context(caller, procedure, report),
        scope=caller.scope,
        drill=caller.drill,
        actor=None,
        called_by=(caller, item),
    )


def tell_caller(entry: Entry) -> None:
    """A called run has finished (`runs.finished`, `runs.ended`): the step that called it hears what came of it."""
    if entry.run is None:
        return
    called = Run.objects.select_related("caller").get(uuid=entry.run)
    if called.caller is None:
        return
    caller = services.lock(called.caller.uuid)
    if caller.status == Run.Status.RUNNING:
        services.apply_locked(caller, [CallEnded(called.caller_item, outcome(called))])


def outcome(called: Run) -> Json:
    """What the caller's conditions see of a run that has finished, as result.STEP."""
    state = called.state
    context = state["context"]
    procedure = services.plan_of(called)[1]
    classified = runtime.level_of(procedure, context, context.get("incident", {}), clock.now())
    level = (classified.outputs or {}).get("level") or context.get("incident", {}).get("level", "")
    return {
        "run": str(called.uuid),
        "number": called.number,
        "procedure": called.procedure,
        "ended": "cancelled" if "ended_by" in state else "finished",
        "level": level,
        "restored_at": state.get("restored_at", ""),
        "decision": context.get("decision", {}),
    }


def _top(run: Run) -> tuple[Run, int]:
    """The run at the top of the calls, and how many calls lie between."""
    depth = 0
    while run.caller is not None:
        run, depth = run.caller, depth + 1
    return run, depth


def _version(caller: Run, plan: str) -> PlanVersion:
    """The caller's own version of its own plan; of another plan the one in force."""
    own = caller.plan_version
    return own if plan in {"", own.pack} else selectors.in_force(plan)


def _number(top: Run) -> str:
    """INC-0042/2 is the first that INC-0042 calls: itself is the first of all."""
    return f"{top.number}/{Run.objects.filter(number__startswith=f'{top.number}/').count() + 2}"


def _title(of_caller: Text, of_procedure: Text) -> Json:
    return {
        language: f"{pick(of_caller, language)} · {pick(of_procedure, language)}" for language in LANGUAGES
    }


def _context(caller: Run, procedure: Procedure, report: Json) -> Json:
    """What the called procedure's conditions see: its own report, and of the caller what both declare."""
    seen: Json = caller.state["context"]
    shared = {name: seen[name] for name in procedure.context if name in seen and name not in _OWN_NAMES}
    return {**shared, "report": report}
