"""A report with twelve tasks, until its first notices are queued; the floor writes the same rows by bare SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from bench.cpu import Meter
from bench.engine.common import Row, columns, percentile, row, sql
from changbei.journal.models import Entry
from changbei.notify.models import Message, Notice
from changbei.plans.models import PlanVersion
from changbei.runs.models import ActionCall, RoleHolding, Run, RunFact, Task, Timer
from changbei.runs.tests import house

RUNS, WARM_UP = 60, 5
NOT_COUNTED = ("BEGIN", "COMMIT", "SELECT pg_notify")


def rows(people: house.People, version: PlanVersion, server: int) -> tuple[list[Row], float]:
    """And the milliseconds of processor time of one report."""

    def begin() -> Run:
        with transaction.atomic():
            return house.begin(version, people, "twelve")

    for _ in range(WARM_UP):
        last = begin()
    with CaptureQueriesContext(connection) as captured:
        begin()
    statements = sum(not (query["sql"] or "").startswith(NOT_COUNTED) for query in captured)
    ours, floor = Spent(), Spent()
    for _ in range(WARM_UP):
        _again(last)
    for _ in range(RUNS):  # by turns, so that what else the machine does meets both alike
        with ours.adding(server):
            begin()
        with floor.adding(server):
            _again(last)
    each, least = ours.both / RUNS * 1000, floor.both / RUNS * 1000
    written = 1 + sum(model._default_manager.filter(run=last.pk).count() for model in OF_RUN)
    written += Notice.objects.filter(run=last.uuid).count() + Entry.objects.filter(run=last.uuid).count()
    written += Message.objects.filter(notice__run=last.uuid).count()
    note = f"12 tasks, 25 timers, 13 notices, journal: {written} rows, one commit; CPU of program and server"
    return [
        row("report to first notice queued", each, "ms CPU", note),
        row("report, program alone", ours.cpu / RUNS * 1000, "ms CPU"),
        row("report, p95 from call to commit", percentile(ours.walls, 95) * 1000, "ms"),
        row("report, statements", statements, "statements", "goal: 15 or fewer"),
        row(
            "report, raw SQL floor", least, "ms CPU", "the same rows, one statement a table, INSERT … SELECT"
        ),
        row("report, times the floor", each / least, "x", "goal: 4 or less"),
    ], each


class Spent:
    """Processor time of one side of a comparison, over many turns."""

    def __init__(self) -> None:
        self.cpu = self.server = 0.0
        self.walls: list[float] = []

    @contextmanager
    def adding(self, server: int) -> Iterator[None]:
        with Meter(server) as used:
            yield
        self.cpu += used.cpu
        self.server += used.server
        self.walls.append(used.wall)

    @property
    def both(self) -> float:
        return self.cpu + self.server


OF_RUN: tuple[type[Model], ...] = (RunFact, RoleHolding, Task, Timer, ActionCall)
NOTICES = """
WITH k AS (SELECT id AS old, nextval(pg_get_serial_sequence('notify_notice', 'id')) AS new
           FROM notify_notice WHERE run = %s),
 n AS (INSERT INTO notify_notice (id, uuid, run, {notice}) SELECT k.new, gen_random_uuid(), %s, {of_notice}
       FROM notify_notice s JOIN k ON k.old = s.id)
INSERT INTO notify_message (uuid, notice_id, {message}) SELECT gen_random_uuid(), k.new, {of_message}
FROM notify_message s JOIN k ON k.old = s.notice_id
"""


def _again(run: Run) -> None:
    """The rows of this run once more under new keys. No value crosses the wire: less than this no client can do."""
    anew = uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        names = _list(columns(Run, "uuid"))
        cursor.execute(
            f"INSERT INTO runs_run (uuid, {names}) SELECT %s, {names} FROM runs_run WHERE id = %s RETURNING id",
            [anew, run.pk],
        )
        (key,) = cursor.fetchone() or (0,)
        for model in OF_RUN:
            own, table = _list(columns(model, "run_id", "uuid")), model._meta.db_table
            column, value = ("uuid, ", "gen_random_uuid(), ") if model is Task else ("", "")
            sql(
                f"INSERT INTO {table} ({column}run_id, {own}) SELECT {value}%s, {own} FROM {table} WHERE run_id = %s",
                key,
                run.pk,
            )
        notice, message = columns(Notice, "uuid", "run"), columns(Message, "uuid", "notice_id")
        statement = NOTICES.format(
            notice=_list(notice),
            of_notice=_list(notice, "s."),
            message=_list(message),
            of_message=_list(message, "s."),
        )
        cursor.execute(statement, [run.uuid, anew])
        facts = _list(columns(Entry, "txid", "run"))
        cursor.execute(
            f"INSERT INTO journal_entry (run, {facts}) SELECT %s, {facts} FROM journal_entry WHERE run = %s",
            [anew, run.uuid],
        )


def _list(names: list[str], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in names)
