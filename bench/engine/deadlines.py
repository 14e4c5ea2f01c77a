"""A thousand deadlines of a thousand runs fall due at the same moment, among many that do not."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.db import connection

from bench.cpu import Meter
from bench.engine.common import Row, columns, percentile, row, sql
from changbei.core import clock
from changbei.notify.models import Message
from changbei.plans.models import PlanVersion
from changbei.runs import jobs as runs_jobs
from changbei.runs.models import ActionCall, RoleHolding, Run, Task, Timer
from changbei.runs.tests import house
from changbei.site.settled import settle

DUE, PENDING = 1_000, (10_000, 100_000, 1_000_000)


def rows(people: house.People, version: PlanVersion, server: int) -> list[Row]:
    """A thousand deadlines of a thousand runs fall due at the same moment, among many that do not."""
    settle()  # as a worker does when it begins
    Timer.objects.filter(due_at__isnull=False).update(due_at=None)
    first = house.begin(version, people, "twelve")
    _copies(first, DUE)
    found: list[Row] = []
    pending = 0
    for step, many in enumerate(PENDING):
        sql(
            "INSERT INTO runs_timer (run_id, key, due_at) SELECT %s, 'wait:' || g, %s::timestamptz + g * interval '1 s'"
            " FROM generate_series(%s, %s) g",
            first.pk,
            clock.now() + timedelta(days=30),
            pending,
            many - 1,
        )
        pending = many
        sql(
            "UPDATE runs_timer SET due_at = %s WHERE key = %s AND run_id >= %s",
            clock.now(),
            f"ack:step-{step}:1",
            first.pk,
        )
        sql("ANALYZE runs_timer")
        with Meter(server) as used:
            lags = _fired()
        if len(lags) != DUE + 1:
            raise RuntimeError(f"{len(lags)} of {DUE + 1} timers fired")
        note = f"{DUE} due at once in {DUE} runs, each escalates with a notice; one worker"
        goal = f"goal: 1 or less; the host gave {used.stolen:.2f} s of our processors to others meanwhile"
        found += [
            row(f"deadlines among {many} pending", used.both / len(lags) * 1000, "ms CPU", note),
            row(f"deadlines among {many} pending, p99 lag", percentile(lags, 99), "s", goal),
        ]
    return found


def _fired() -> list[float]:
    """After how many seconds each was through, by the two lanes of one worker."""
    began = time.perf_counter()

    def lane(lags: list[float]) -> None:
        while did := runs_jobs.fire_timers():
            lags += [time.perf_counter() - began] * did

    def beside(lags: list[float]) -> None:
        lane(lags)
        connection.close()

    found: list[float] = []
    more: list[float] = []
    other = threading.Thread(target=beside, args=(more,))
    other.start()
    lane(found)
    other.join()
    return found + more


def clear() -> None:
    """Nothing is left for a worker that comes afterwards."""
    Timer.objects.filter(due_at__isnull=False).update(due_at=None)
    ActionCall.objects.filter(due_at__isnull=False).update(due_at=None)
    Message.objects.filter(due_at__isnull=False).update(due_at=None)


def _copies(run: Run, count: int) -> None:
    """Runs in the same state as this one, each with its own tasks and timers."""
    names = ", ".join(columns(Run, "uuid"))
    sql(
        f"INSERT INTO runs_run (uuid, {names}) SELECT gen_random_uuid(), {names}"
        " FROM runs_run, generate_series(1, %s) WHERE id = %s",
        count,
        run.pk,
    )
    for model in (RoleHolding, Task, Timer):
        own = ["uuid"] if model is Task else []
        given = columns(model, "run_id", "uuid")
        taken = ", ".join(f"t.{name}" for name in given)
        sql(
            f"INSERT INTO {model._meta.db_table} (run_id, {', '.join([*own, *given])})"
            f" SELECT r.id, {', '.join([*('gen_random_uuid()' for _ in own), taken])}"
            f" FROM {model._meta.db_table} t, runs_run r WHERE t.run_id = %s AND r.id > %s",
            run.pk,
            run.pk,
        )
