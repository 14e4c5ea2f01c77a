"""What workers do for runs: fire timers that are due, and perform the capabilities that plans have called."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Greatest

from changbei.core import clock, faults
from changbei.core.errors import ChangbeiError
from changbei.journal import prepared
from changbei.journal.services import NewEntry, append_many
from changbei.plans import actions
from changbei.plans.facts import ActionDone, ActionFailed, TimerFired
from changbei.plans.plain import clean_map
from changbei.runs import calling, rules, services
from changbei.runs.context import ActionContext
from changbei.runs.effects import CALL, ROSTER
from changbei.runs.models import ActionCall, Run, Timer
from changbei.runs.writing import write

logger = logging.getLogger(__name__)

TIMER_LEASE = timedelta(seconds=30 * settings.LEASE_SCALE)
ACTION_LEASE = timedelta(seconds=300 * settings.LEASE_SCALE)  # longer than the longest computation
ENDED = "the run has ended"  # why a call is not performed any more

# What is chosen is chosen once, whatever the planner thinks of the table: joined as a plain subquery it may be looked
# up again for each row, and each time it is another one, the former being locked already.
CLAIM_TIMERS = """
WITH due AS MATERIALIZED (
    SELECT id FROM runs_timer
    WHERE due_at <= %(now)s AND (lease_until IS NULL OR lease_until <= %(now)s)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE runs_timer t SET lease_until = %(lease)s FROM due WHERE t.id = due.id
RETURNING t.id, t.run_id
"""

STILL_DUE = """
SELECT run_id, key FROM runs_timer WHERE id = ANY(%s::bigint[]) AND due_at <= %s ORDER BY due_at, id
"""

CLAIM_ACTION = """
WITH due AS MATERIALIZED (
    SELECT id FROM runs_actioncall WHERE due_at <= %(now)s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE runs_actioncall a SET due_at = %(lease)s, lease_until = %(lease)s, attempts = a.attempts + 1 FROM due
WHERE a.id = due.id RETURNING a.id
"""


def fire_timers(limit: int = 125) -> int:
    """Fire up to `limit` due timers of however many runs; the number fired.

    Firing and its consequences are one transaction, and a handful of statements, for all runs that nobody is at
    just now; the timers of the others come at the next call.
    """
    now = clock.now()
    with prepared.cursor() as cursor:
        cursor.execute(CLAIM_TIMERS, {"now": now, "lease": now + TIMER_LEASE, "limit": limit})
        claimed = cursor.fetchall()
    faults.point("timers.claimed")
    by_run: dict[int, list[int]] = defaultdict(list)
    for timer, run in claimed:
        by_run[run].append(timer)
    fired = _fire(by_run) if by_run else 0
    faults.point("timers.applied")
    return fired


def _fire(by_run: Mapping[int, list[int]]) -> int:
    """Fire the timers of these runs (keys: run → timers) together. One run that cannot be stepped is found by
    halves: its timers stay leased and come due again, and the others do not wait for them.
    """
    try:
        with transaction.atomic():
            return _fire_together(by_run)
    except Exception:
        if not connection.is_usable():
            raise
        if len(by_run) == 1:
            logger.exception("timers of run %s could not be fired", *by_run)
            return 0
    runs = sorted(by_run)
    halves = (runs[: len(runs) // 2], runs[len(runs) // 2 :])
    return sum(_fire({run: by_run[run] for run in half}) for half in halves)


def _fire_together(by_run: Mapping[int, list[int]]) -> int:
    """Behind the runs' locks the timers are looked at again: a task completed meanwhile has cancelled its own, and
    a worker that slept for longer than its lease finds them fired.
    """
    runs = services.lock_free(by_run)
    free = {run.pk for run in runs}
    busy = [timer for run, timers in by_run.items() if run not in free for timer in timers]
    if busy:
        _give_back(busy)
    keys = _still_due([timer for run in free for timer in by_run[run]])
    if not keys:
        return 0
    of_plan = {run: [key for key in keys[run.pk] if key != ROSTER] for run in runs}
    every = [
        services.step(run, [TimerFired(key) for key in fired], fired=fired)
        for run, fired in of_plan.items()
        if fired
    ]
    write(every)
    _look_at_roles_again([run for run in runs if ROSTER in keys[run.pk]])
    return sum(map(len, keys.values()))


def _give_back(timers: list[int]) -> None:
    """These timers are claimed no more. Whoever writes one of them just now says the same, and may be waiting for a run
    that is locked here: nobody is waited for.
    """
    free = Timer.objects.filter(pk__in=timers, due_at__isnull=False).select_for_update(skip_locked=True)
    Timer.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(lease_until=None)


def _still_due(timers: list[int]) -> dict[int, list[str]]:
    """By run: the keys of those of the timers that are still due, in their order."""
    found: dict[int, list[str]] = defaultdict(list)
    with prepared.cursor() as cursor:
        cursor.execute(STILL_DUE, [timers, clock.now()])
        for run, key in cursor.fetchall():
            found[run].append(key)
    return found


def _look_at_roles_again(runs: list[Run]) -> None:
    if not runs:
        return
    over = [run.pk for run in runs if run.status != Run.Status.RUNNING]
    if over:  # ended while somebody made the timers of all open runs due
        Timer.objects.filter(run__in=over, key=ROSTER).update(due_at=None, lease_until=None)
    every, _ = services.reassess_locked(runs)
    write(every)
    # A fact for rooms above, of no incident's timeline: who commands may change without anybody's deed.
    append_many([NewEntry("runs.roster_changed", data={"run": str(one.run.uuid)}) for one in every])


def perform_actions(limit: int = 10) -> int:
    """Perform due action calls, one after the other, outside of any transaction; the number performed."""
    performed = 0
    while performed < limit and (call := _claim()) is not None:
        _perform(call)
        performed += 1
    return performed


def next_due() -> datetime | None:
    """When the next timer or action call is due, or is no longer in the hands of whoever has claimed it."""
    moments = [
        model.objects.filter(due_at__isnull=False).aggregate(due=Min(Greatest("due_at", "lease_until")))[
            "due"
        ]
        for model in (Timer, ActionCall)
    ]
    return min((moment for moment in moments if moment), default=None)


def _claim() -> ActionCall | None:
    now = clock.now()
    with prepared.cursor() as cursor:
        cursor.execute(CLAIM_ACTION, {"now": now, "lease": now + ACTION_LEASE})
        claimed = cursor.fetchone()
    faults.point("actions.claimed")
    return ActionCall.objects.get(pk=claimed[0]) if claimed else None


def _perform(call: ActionCall) -> None:
    run = Run.objects.select_related("plan_version").defer("plan_version__files").get(pk=call.run_id)
    if call.attempts > rules.MOST_ATTEMPTS:
        _feed_back(run, call, error="every worker that tried was lost")
        return
    if run.status != Run.Status.RUNNING:
        _feed_back(run, call, error=ENDED)
        return
    context = ActionContext(run, call.item, call.params, clock.now(), call.attempts)
    try:
        result = clean_map(_result(call, context))
    except Exception as error:  # a capability that fails must not stop the others
        words = f"{type(error).__name__}: {error}"
        unforeseen = not isinstance(error, ChangbeiError)
        logger.warning("action %s of run %s failed: %s", call.action, run.number, words, exc_info=unforeseen)
        again_at = rules.retry_at(call.attempts, clock.now()) if rules.is_worth_trying_again(error) else None
        _feed_back(run, call, error=words, again_at=again_at)
        return
    faults.point("actions.performed")
    _feed_back(run, call, result=result)


def _result(call: ActionCall, context: ActionContext) -> Mapping[str, Any]:
    """What the capability returns; of a call of a plan, which run it has become."""
    return calling.begin(call) if call.action == CALL else actions.get(call.action).perform(context)


def _feed_back(
    run: Run,
    call: ActionCall,
    *,
    result: dict[str, Any] | None = None,
    error: str = "",
    again_at: datetime | None = None,
) -> None:
    """Write what came of a call, and tell the run. What another worker has claimed since is left to that
    one.
    """
    with transaction.atomic():
        run = services.lock(run.uuid)
        ours = ActionCall.objects.filter(pk=call.pk, attempts=call.attempts, finished_at__isnull=True)
        if again_at is not None and run.status == Run.Status.RUNNING:
            ours.update(due_at=again_at, lease_until=None, error=error)
            return
        if not ours.update(
            due_at=None, lease_until=None, finished_at=clock.now(), result=result, error=error
        ):
            return
        fact = ActionFailed(call.item, error) if result is None else ActionDone(call.item, result)
        services.apply_locked(run, [fact])
