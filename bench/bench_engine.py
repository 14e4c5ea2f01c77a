"""The engine: a report with twelve tasks until its first notices are queued, and messages through a channel.

Beside each figure stands a floor: the same rows with the same durability, written by bare SQL in the same run on the
same server. Ratios count; absolute times depend on the machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from psycopg.types.json import Jsonb

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

RUNS, MESSAGES, PENDING_TIMERS = 60, 10_000, 100_000
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    people, version = house.make_people(), house.make_version()
    return [*_report_rows(people, version), *_message_rows(), *_timer_rows(people, version)]


def _row(name: str, value: float, unit: str, note: str = "") -> Row:
    return {"name": name, "value": round(value, 4), "unit": unit, "note": note}


# --- a report ----------------------------------------------------------------------------------------------------


def _report_rows(people: house.People, version: house.PlanVersion) -> list[Row]:
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
    # By turns, so that what else the machine does meets both alike.
    times = [(_timed(begin), _timed(template.write)) for _ in range(RUNS)]
    ours, floor = ([pair[number] for pair in times] for number in (0, 1))
    wall, wall_floor = (statistics.median(one[0] for one in side) for side in (ours, floor))
    cpu = statistics.median(one[1] for one in ours)
    note = "12 tasks, 25 timers, 38 messages, journal, one commit; from the call to the commit"
    return [
        _row("report to first notice queued", wall * 1000, "ms", note),
        _row("report to first notice queued, p95", _percentile([one[0] for one in ours], 95) * 1000, "ms"),
        _row("report, CPU of the program", cpu * 1000, "ms", "without the server's"),
        _row("report, statements", statements, "statements"),
        _row(
            "report, raw SQL floor",
            wall_floor * 1000,
            "ms",
            f"the same rows, {template.statements} statements",
        ),
        _row("report, times the floor", wall / wall_floor, "x", "goal: 4 or less"),
    ]


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


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


# --- messages ----------------------------------------------------------------------------------------------------


def _message_rows() -> list[Row]:
    crowd = _crowd()
    words = {"zh-Hans": "停送", "zh-Hant": "停送", "en": "No delivery"}
    new = NewNotice("bench", words, words, Urgency.BULK)
    began = time.perf_counter()
    notice = notify.tell(new, recipients.of_people(crowd))
    queued = time.perf_counter() - began
    now = clock.now()
    notice.messages.update(state="queued", due_at=now, handed_at=None, delivered_at=None)
    sent, began = 0, time.perf_counter()
    while did := notify_jobs.send_due(kinds=["inbox"]):
        sent += did
    passed = time.perf_counter() - began
    if sent != MESSAGES or Attempt.objects.filter(message__notice=notice).count() != MESSAGES:
        raise RuntimeError(f"{sent} of {MESSAGES} messages were dealt with")
    floor = _message_floor(notice)
    note = f"{MESSAGES} messages: claim with lease, mark, one audit row each; a channel that takes no time"
    return [
        _row("notice to many, queued", queued / MESSAGES * 1000, "ms/message", "rows by COPY, one commit"),
        _row("messages through a channel", passed / MESSAGES * 1000, "ms/message", note),
        _row("messages, raw SQL floor", floor / MESSAGES * 1000, "ms/message", "the same, in SQL alone"),
        _row("messages, share of the floor's rate", floor / passed, "x", "goal: 0.7 or more"),
    ]


def _crowd() -> list[Person]:
    unit = Unit.objects.get(code="delivery-center")
    return Person.objects.bulk_create(
        Person(staff_no=f"B{number}", name=f"B{number}", phone="13800000000", unit=unit, job="bench")
        for number in range(MESSAGES)
    )


def _message_floor(notice: Notice) -> float:
    """Claim, read, mark and note batches of 1,000 in SQL, with the same two commits a batch."""
    notice.messages.update(state="queued", due_at=clock.now(), attempts=0)
    began = time.perf_counter()
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
            return time.perf_counter() - began
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


# --- timers ------------------------------------------------------------------------------------------------------


def _timer_rows(people: house.People, version: house.PlanVersion) -> list[Row]:
    """Deadlines that are due at the same moment, among many that are not."""
    runs = [house.begin(version, people, "twelve", vehicle=str(number)) for number in range(25)]
    later = clock.now().replace(year=clock.now().year + 1)
    Timer.objects.bulk_create(
        (Timer(run=runs[0], key=f"wait:pending-{number}", due_at=later) for number in range(PENDING_TIMERS)),
        batch_size=10_000,
    )
    Timer.objects.exclude(run__in=runs).update(due_at=None)
    due = Timer.objects.filter(run__in=runs, key__startswith="ack:").update(due_at=clock.now())
    fired, began = 0, time.perf_counter()
    while did := runs_jobs.fire_timers():
        fired += did
    passed = time.perf_counter() - began
    if fired != due:
        raise RuntimeError(f"{fired} of {due} timers fired")
    note = f"{due} due in 25 runs among {PENDING_TIMERS} pending; each escalates with a notice"
    return [
        _row("deadlines fired", fired / passed, "1/s", note),
        _row("deadlines, all fired after", passed, "s"),
    ]
