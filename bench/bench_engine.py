"""The engine: a report with twelve tasks until its first notices are queued, messages through a channel, deadlines,
several workers; beside a floor and beside peers.

The floor is the same rows with the same durability, written by bare SQL in the same run on the same server; the peers
(procrastinate, DBOS) do the like on that server, in an environment of their own. What is compared is processor time,
of the program and of the server together: wall time depends on what else the machine does. Ratios count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from psycopg.types.json import Jsonb

from bench.cpu import Meter, parent_of
from bench.peers import environment
from changbei.core import clock
from changbei.journal.models import Entry
from changbei.notify import jobs as notify_jobs
from changbei.notify import recipients
from changbei.notify import services as notify
from changbei.notify.models import Attempt, Message, Notice, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person, Unit
from changbei.runs import jobs as runs_jobs
from changbei.runs.models import ActionCall, RoleHolding, Run, RunFact, Task, Timer
from changbei.runs.tests import house

RUNS, MESSAGES = 60, 10_000
DUE, PENDING = 1_000, (10_000, 100_000, 1_000_000)
PEERS = {"procrastinate": (20, 500, 100_000, DUE), "dbos": (10, 150)}  # reports, notices, pending, due
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    people, version = house.make_people(), house.make_version()
    postmaster = _postmaster()
    report_rows, report_ms = _report_rows(people, version, postmaster)
    message_rows, message_ms = _message_rows(postmaster)
    peer_rows = _peer_rows(report_ms, message_ms, postmaster)
    timer_rows = _timer_rows(people, version, postmaster)
    return [*report_rows, *message_rows, *timer_rows, *_worker_rows(), *peer_rows]


def _row(name: str, value: float, unit: str, note: str = "") -> Row:
    return {"name": name, "value": round(value, 4), "unit": unit, "note": note}


def _postmaster() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return parent_of((cursor.fetchone() or (0,))[0])


# --- a report ----------------------------------------------------------------------------------------------------


def _report_rows(people: house.People, version: house.PlanVersion, postmaster: int) -> tuple[list[Row], float]:
    def begin() -> Run:
        with transaction.atomic():
            return house.begin(version, people, "twelve")

    for _ in range(5):
        last = begin()
    with CaptureQueriesContext(connection) as captured:
        begin()
    statements = sum(
        1 for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT", "SELECT pg_notify"))
    )
    template = _Template(last)
    template.write()
    ours, floor = Spent(), Spent()
    for _ in range(RUNS):  # by turns, so that what else the machine does meets both alike
        with ours.adding(postmaster):
            begin()
        with floor.adding(postmaster):
            template.write()
    each, least = ours.both / RUNS * 1000, floor.both / RUNS * 1000
    note = "12 tasks, 25 timers, 13 notices, journal, one commit; CPU of program and server"
    return [
        _row("report to first notice queued", each, "ms CPU", note),
        _row("report, program alone", ours.cpu / RUNS * 1000, "ms CPU"),
        _row("report, p95 from call to commit", _percentile(ours.walls, 95) * 1000, "ms"),
        _row("report, statements", statements, "statements"),
        _row("report, raw SQL floor", least, "ms CPU", f"the same rows, {template.statements} statements"),
        _row("report, times the floor", each / least, "x", "goal: 4 or less"),
    ], each


class Spent:
    """Processor time of one side of a comparison, over many turns."""

    def __init__(self) -> None:
        self.cpu = self.server = 0.0
        self.walls: list[float] = []

    @contextmanager
    def adding(self, postmaster: int) -> Iterator[None]:
        with Meter(postmaster) as used:
            yield
        self.cpu += used.cpu
        self.server += used.server
        self.walls.append(used.wall)

    @property
    def both(self) -> float:
        return self.cpu + self.server


class _Template:
    """The rows of a run as they lie in the database, written again under new keys by bare statements."""

    KEYS = {"id", "txid"}

    def __init__(self, model_run: Run) -> None:
        self.tables: list[tuple[type[Model], list[dict[str, Any]]]] = [
            (Run, _rows(Run, id=model_run.pk)),
            *(
                (model, _rows(model, run_id=model_run.pk))
                for model in (RunFact, RoleHolding, Task, Timer, ActionCall)
            ),
            (Notice, _rows(Notice, run=model_run.uuid)),
            (Message, _rows(Message, notice__run=model_run.uuid)),
            (Entry, _rows(Entry, run=model_run.uuid)),
        ]
        self.statements = len(self.tables)

    def write(self) -> None:
        run_id, notice_ids = 0, {}
        with transaction.atomic(), connection.cursor() as cursor:
            for model, rows in self.tables:
                columns = [name for name in rows[0] if name not in self.KEYS]
                changed = [self._changed(row, run_id, notice_ids) for row in rows]
                values = [row[name] for row in changed for name in columns]
                one = f"({', '.join(['%s'] * len(columns))})"
                cursor.execute(
                    f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES {', '.join([one] * len(rows))}"
                    " RETURNING id",
                    values,
                )
                keys = [key for (key,) in cursor.fetchall()]
                if model is Run:
                    run_id = keys[0]
                elif model is Notice:
                    notice_ids = dict(zip([row["id"] for row in rows], keys, strict=True))

    @staticmethod
    def _changed(row: dict[str, Any], run_id: int, notice_ids: dict[int, int]) -> dict[str, Any]:
        new = {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in row.items()}
        if "uuid" in new:
            new["uuid"] = uuid4()
        if "run_id" in new:
            new["run_id"] = run_id
        if "notice_id" in new:
            new["notice_id"] = notice_ids[new["notice_id"]]
        return new


def _rows(model: type[Model], **which: Any) -> list[dict[str, Any]]:
    names = {field.attname: field.column for field in model._meta.concrete_fields}
    found = model._default_manager.filter(**which).order_by("pk").values(*names)
    return [{str(names[name]): value for name, value in row.items()} for row in found]


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


# --- messages ----------------------------------------------------------------------------------------------------


def _message_rows(postmaster: int) -> tuple[list[Row], float]:
    notice = _queue(MESSAGES, "bench")
    sent = 0
    with Meter(postmaster) as ours:
        while did := notify_jobs.send_due(kinds=["inbox"]):
            sent += did
    if sent != MESSAGES or Attempt.objects.filter(message__notice=notice).count() != MESSAGES:
        raise RuntimeError(f"{sent} of {MESSAGES} messages were dealt with")
    notice.messages.update(state="queued", due_at=clock.now(), attempts=0)
    with Meter(postmaster) as floor:
        _message_floor()
    each = ours.both / MESSAGES * 1000
    note = f"{MESSAGES} messages: claim with lease, mark, one audit row each; a channel that takes no time"
    return [
        _row("messages through a channel", each, "ms CPU", note),
        _row("messages, raw SQL floor", floor.both / MESSAGES * 1000, "ms CPU", "the same, in SQL alone"),
        _row("messages, share of the floor's rate", floor.both / ours.both, "x", "goal: 0.7 or more"),
    ], each


def _queue(count: int, job: str) -> Notice:
    """A notice with so many messages that wait in the inbox's queue."""
    words = {"zh-Hans": "停送", "zh-Hant": "停送", "en": "No delivery"}
    notice = notify.tell(NewNotice("bench", words, words, Urgency.BULK), recipients.of_people(_crowd(count, job)))
    notice.messages.update(state="queued", due_at=clock.now(), handed_at=None, delivered_at=None)
    return notice


def _crowd(count: int, job: str) -> list[Person]:
    unit = Unit.objects.get(code="delivery-center")
    return Person.objects.bulk_create(
        Person(staff_no=f"{job}{number}", name=f"B{number}", phone="13800000000", unit=unit, job=job)
        for number in range(count)
    )


def _message_floor() -> None:
    """Claim, read, mark and note batches of 1,000 in SQL, with the same two commits a batch."""
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notify_message SET state = 'sending', attempts = attempts + 1, lease_until = %s, due_at = %s"
                " WHERE id IN (SELECT id FROM notify_message WHERE channel = 'inbox' AND due_at <= %s"
                "              ORDER BY urgency, due_at LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING *",
                [clock.now(), None, clock.now()],
            )
            keys = [row[0] for row in cursor.fetchall()]
        if not keys:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notify_message SET state = 'delivered', lease_until = NULL, handed_at = %s, delivered_at = %s"
                " WHERE id = ANY(%s)",
                [clock.now(), clock.now(), keys],
            )
            cursor.execute(
                "INSERT INTO notify_attempt (message_id, at, outcome, detail)"
                " SELECT unnest(%s::bigint[]), %s, 'handed', ''",
                [keys, clock.now()],
            )


# --- deadlines ---------------------------------------------------------------------------------------------------


def _timer_rows(people: house.People, version: house.PlanVersion, postmaster: int) -> list[Row]:
    """A thousand deadlines of a thousand runs fall due at the same moment, among many that do not."""
    Timer.objects.filter(due_at__isnull=False).update(due_at=None)
    first = house.begin(version, people, "twelve")
    _copies(first, DUE)
    rows, pending = [], 0
    for step, many in enumerate(PENDING):
        _sql(
            "INSERT INTO runs_timer (run_id, key, due_at) SELECT %s, 'wait:' || g, %s::timestamptz + g * interval '1 s'"
            " FROM generate_series(%s, %s) g",
            first.pk,
            clock.now() + timedelta(days=30),
            pending,
            many - 1,
        )
        pending = many
        _sql(
            "UPDATE runs_timer SET due_at = %s WHERE key = %s AND run_id >= %s",
            clock.now(),
            f"ack:step-{step}:1",
            first.pk,
        )
        _sql("ANALYZE runs_timer")
        lags: list[float] = []
        with Meter(postmaster) as used:
            began = time.perf_counter()
            while did := runs_jobs.fire_timers():
                lags += [time.perf_counter() - began] * did
        if len(lags) != DUE + 1:
            raise RuntimeError(f"{len(lags)} of {DUE + 1} timers fired")
        note = f"{DUE} due at once in {DUE} runs, each escalates with a notice; one worker"
        rows += [
            _row(f"deadlines among {many} pending", used.both / len(lags) * 1000, "ms CPU", note),
            _row(f"deadlines among {many} pending, p99 lag", _percentile(lags, 99), "s", "goal: 1 or less"),
        ]
    return rows


def _copies(run: Run, count: int) -> None:
    """Runs in the same state as this one, each with its own tasks and timers."""
    columns = _columns(Run, "uuid")
    _sql(
        f"INSERT INTO runs_run (uuid, {columns}) SELECT gen_random_uuid(), {columns}"
        " FROM runs_run, generate_series(1, %s) WHERE id = %s",
        count,
        run.pk,
    )
    for model in (RoleHolding, Task, Timer):
        own = ["uuid"] if model is Task else []
        columns = _columns(model, "run_id", "uuid")
        taken = ", ".join(f"t.{name}" for name in columns.split(", "))
        _sql(
            f"INSERT INTO {model._meta.db_table} (run_id, {', '.join([*own, columns])})"
            f" SELECT r.id, {', '.join([*('gen_random_uuid()' for _ in own), taken])}"
            f" FROM {model._meta.db_table} t, runs_run r WHERE t.run_id = %s AND r.id > %s",
            run.pk,
            run.pk,
        )


def _columns(model: type[Model], *without: str) -> str:
    return ", ".join(
        str(field.column)
        for field in model._meta.concrete_fields
        if not field.primary_key and field.column not in without
    )


def _sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# --- several workers ---------------------------------------------------------------------------------------------


def _worker_rows() -> list[Row]:
    """The same queue emptied by one, two and three processes: nothing twice, and no slower."""
    rates = {}
    for workers in (1, 2, 3):
        notice = _queue(MESSAGES, f"many{workers}-")
        rates[workers] = MESSAGES / _emptied_by(workers)
        tried = Attempt.objects.filter(message__notice=notice)
        if tried.count() != MESSAGES or tried.values("message").distinct().count() != MESSAGES:
            raise RuntimeError(f"{workers} workers: {tried.count()} attempts at {MESSAGES} messages")
    note = "rate of that many processes to that of one, every message once"
    return [
        _row(f"{workers} workers on one database", rates[workers] / rates[1], "x", note) for workers in (2, 3)
    ]


SENDER = """
import sys, django
django.setup()
from changbei.notify import jobs
jobs.next_due()  # connected, and everything imported
print("ready", flush=True)
sys.stdin.readline()
while jobs.send_due(kinds=["inbox"]):
    pass
"""


def _emptied_by(workers: int) -> float:
    """Seconds until that many processes, started beforehand, have found nothing left to do."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SENDER], env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(workers)
    ]
    for process in processes:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise RuntimeError("a worker did not start")
    began = time.perf_counter()
    for process in processes:
        process.communicate(b"go\n", timeout=300)
    return time.perf_counter() - began


# --- peers -------------------------------------------------------------------------------------------------------


def _peer_rows(report_ms: float, message_ms: float, postmaster: int) -> list[Row]:
    if missing := environment.prepare():
        print(f"bench: peers left out: {missing}", file=sys.stderr)
        return []
    rows: list[Row] = []
    for peer, sizes in PEERS.items():
        _sql(f"CREATE DATABASE peer_{peer}")
        found = environment.run(peer, _url(f"peer_{peer}"), postmaster, *sizes)
        report, notice = found["report"] * 1000, found["notice"] * 1000
        rows += [
            _row(f"report, {peer}", report, "ms CPU", "12 tasks, deadlines and notices as its jobs"),
            _row(f"report, {peer} to ours", report / report_ms, "x"),
            _row(f"messages, {peer}", notice, "ms CPU", "one audited record each"),
            _row(f"messages, {peer} to ours", notice / message_ms, "x"),
        ]
        if "p99" in found:
            rows.append(_row(f"deadlines among 100000 pending, {peer}, p99 lag", found["p99"], "s"))
    return rows


def _url(name: str) -> str:
    """The address of another database of the same server."""
    head, question, options = os.environ["CHANGBEI_DATABASE_URL"].partition("?")
    return f"{head.rpartition('/')[0]}/{name}{question}{options}"
