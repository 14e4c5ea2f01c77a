"""The worker: a loop over what is due, woken at once by the database and by itself every second.

Workers are interchangeable; any number of them, on any number of hosts, share the work by claims with
leases. One that is killed has nothing to tidy up: what it had claimed comes due again. SIGTERM lets it
finish what it is at.

Work runs in lanes, a thread each, so that a computation of seconds or a carrier that hangs keeps no
reminder waiting.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from changbei.care import jobs as care_jobs
from changbei.core.errors import Conflict
from changbei.delivery import jobs as delivery_jobs
from changbei.incidents import jobs as incidents_jobs
from changbei.journal import heartbeat, horizon, outbox, seals, wake
from changbei.notify import calls, reminding
from changbei.notify import jobs as notify_jobs
from changbei.notify.channels import Stop, registry
from changbei.plans import reviews as plan_reviews
from changbei.plans import services as plans
from changbei.readiness import jobs as readiness_jobs
from changbei.readiness import simulations
from changbei.runs import jobs as runs_jobs
from changbei.runs import scheduling
from changbei.site import deadman
from changbei.site.clockwatch import ClockWatch
from changbei.site.drills import simulating
from changbei.site.reactions import TABLE
from changbei.site.settled import settle

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SELDOM_SECONDS = 10.0
# How long a lane waits, once woken, for more of the same: first contacts, which other lanes hand over, go before.
GATHER_SECONDS = {"engine": 0.2, "deadlines": 0.2, "inbox": 0.2, "actions": 0.1}
PAUSE_AFTER_TROUBLE_SECONDS = 1.0
STOP_SECONDS = 30.0
SCHEMA, SCHEMA_SECONDS = "schema", 2.0
SPARE_CONNECTIONS = 3
IDLE_SECONDS = 60  # between two statements of a transaction


@dataclass(frozen=True)
class Job:
    """Something to do again and again. `do` returns how much it did; as long as that is not 0 it is
    called again.
    """

    name: str
    do: Callable[[Stop], int]
    every_seconds: float = 0.0


def _send(kind: str) -> Job:
    return Job(f"send {kind}", lambda stop: notify_jobs.send_due(kinds=[kind], stop=stop))


def _beat() -> int:
    heartbeat.beat()
    return 0


def lanes() -> dict[str, list[Job]]:
    """All jobs, by the lane they run in."""
    watch = ClockWatch()
    every = {
        "engine": [
            Job("timers", lambda _stop: runs_jobs.fire_timers()),
            Job("reactions", lambda _stop: outbox.react(TABLE)),
            Job("scheduled starts", lambda _stop: scheduling.start_due(), every_seconds=1),
            Job("failed reactions", lambda _stop: outbox.retry(TABLE), every_seconds=1),
            Job("confirmations", lambda _stop: reminding.remind_due(), every_seconds=1),
            Job("heartbeat", lambda _stop: _beat(), every_seconds=5),
            Job("clock set back", lambda _stop: watch.look(), every_seconds=1),
        ],
        # A second pair of hands, that prepares one batch while the server writes the other.
        "deadlines": [Job("timers", lambda _stop: runs_jobs.fire_timers())],
        # Before actions: who computes a day's options knows of every van that has stopped, and hears of the next one.
        "breakdowns": [Job("vans that broke down", lambda _stop: delivery_jobs.record_breakdowns())],
        "actions": [Job("actions", lambda _stop: runs_jobs.perform_actions(limit=1))],
        "warnings": [
            Job("sources of warnings", lambda _stop: incidents_jobs.poll_warning_sources(), every_seconds=2)
        ],
        "lines": [
            Job("lines each evening", lambda _stop: delivery_jobs.ask_for_lines(), every_seconds=15),
            Job("lines of days", lambda _stop: delivery_jobs.plan_lines(), every_seconds=2),
        ],
        "roads": [
            Job("driving times by road", lambda _stop: delivery_jobs.prepare_times(), every_seconds=30)
        ],
        **{kind: [_send(kind)] for kind in registry.offered()},
        "upkeep": [
            Job("exercises", lambda _stop: simulating.answer_due(), every_seconds=2),
            Job("receipts", lambda _stop: notify_jobs.collect_receipts(), every_seconds=2),
            Job("calls of absent people", lambda _stop: calls.pass_on_for_absent(), every_seconds=15),
            Job("seal", lambda _stop: seals.seal(), every_seconds=10),
            Job("shifts that are over", lambda _stop: delivery_jobs.end_shifts(), every_seconds=60),
            Job(
                "expired warnings", lambda _stop: incidents_jobs.announce_expired_warnings(), every_seconds=15
            ),
            Job("plans take effect", lambda _stop: len(plans.take_effect(actor=None)), every_seconds=60),
            Job("plans to be reviewed", lambda _stop: plan_reviews.ask_for_periods(), every_seconds=3600),
            Job("schedules", lambda _stop: scheduling.look_at_schedules(), every_seconds=60),
            Job("readiness", lambda _stop: readiness_jobs.run_due_checks(), every_seconds=60),
            Job("things to be mended", lambda _stop: readiness_jobs.remind_due(), every_seconds=60),
            Job("old visits", lambda _stop: care_jobs.delete_old(), every_seconds=3600),
            Job("rota of inspections", lambda _stop: readiness_jobs.plan_rota(), every_seconds=3600),
        ],
    }
    if settings.DEADMAN_URL:
        every["sign of life"] = [
            Job("sign of life", lambda _stop: deadman.call(), every_seconds=settings.DEADMAN_EVERY_SECONDS)
        ]
    return every


def tick() -> int:
    """Every job once, in this thread, for drills and tests that move the clock themselves; what is looked at seldom
    only once nothing else is left to do. How much was done.
    """
    jobs = [job for lane in lanes().values() for job in lane]
    often = sum(job.do(_never) for job in jobs if job.every_seconds < SELDOM_SECONDS)
    return often or sum(job.do(_never) for job in jobs if job.every_seconds >= SELDOM_SECONDS)


def next_due() -> datetime | None:
    """The next moment for which something is planned: a timer, an action, a message, a reaction to be
    tried again.
    """
    moments = (
        runs_jobs.next_due(),
        scheduling.next_due(),
        notify_jobs.next_due(),
        outbox.next_due(),
        delivery_jobs.next_due(),
        simulations.next_due(),
    )
    return min((moment for moment in moments if moment), default=None)


def check() -> None:
    """Refuse a database that this code does not fit, instead of working on it. Raises Conflict."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise Conflict(
            f"the database lacks {len(plan)} migrations, the first is {plan[0][0]}: run `changbei migrate`"
        )
    known = set(executor.loader.graph.nodes)
    ahead = sorted(
        key for key in executor.loader.applied_migrations if key[0] in _apps(executor) and key not in known
    )
    if ahead:
        raise Conflict(f"the database is newer than this program: it has {'.'.join(ahead[0])}")
    horizon.check()


class SchemaWatch:
    """The schema that a worker began with. When it moves on under a running worker, that one stops: what it would
    write next was meant for other tables.
    """

    def __init__(self) -> None:
        self._begun_with = self._applied()

    def look(self) -> int:
        """One short query; raises Conflict."""
        changed = sorted(self._applied() ^ self._begun_with)
        if changed:
            raise Conflict(f"the schema has changed since this worker began: {'.'.join(changed[0])}")
        return 0

    def _applied(self) -> frozenset[tuple[str, str]]:
        recorded = MigrationRecorder.Migration.objects.using(DEFAULT_DB_ALIAS)
        return frozenset(recorded.values_list("app", "name"))


def _apps(executor: MigrationExecutor) -> set[str]:
    return {app for app, _ in executor.loader.graph.nodes}


def _never() -> bool:
    return False


def _bell() -> tuple[int, int]:
    """A pipe: to wait at, and to ring."""
    here, there = os.pipe()
    os.set_blocking(there, False)
    return here, there


def _prepare_connections(count: int) -> None:
    """A connection for each lane, however many channels there are: none waits for another lane's. And a worker that
    is stopped in the middle of a transaction, or loses its network, does not hold its locks for ever.
    """
    options = connection.settings_dict.setdefault("OPTIONS", {})
    pool = options.get("pool")
    connection.close()
    if isinstance(pool, dict):
        connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's
        pool["max_size"] = max(pool.get("max_size", 0), count + SPARE_CONNECTIONS)
    idle = f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
    options["options"] = f"{options.get('options', '')} {idle}".strip()


@dataclass
class Worker:
    """All lanes of one process, until `stop()`."""

    poll_seconds: float = POLL_SECONDS
    stopping: threading.Event = field(default_factory=threading.Event)
    _wake: dict[str, threading.Event] = field(default_factory=dict)
    _hearing: list[str] = field(default_factory=list)  # lanes that have something to do when there is news
    _bell: tuple[int, int] = field(default_factory=_bell)
    _trouble: Conflict | None = None

    def run(self) -> None:
        """Work until somebody calls `stop()`; returns when every lane has finished what it was at.

        Raises Conflict when the database does not fit this program, or no longer does.
        """
        every = lanes()
        _prepare_connections(len(every))
        check()
        watch = SchemaWatch()
        every[SCHEMA] = [Job(SCHEMA, lambda _stop: watch.look(), every_seconds=SCHEMA_SECONDS)]
        threads = [self._thread(name, jobs) for name, jobs in every.items()]
        threads.append(threading.Thread(target=self._listen, name="listen", daemon=True))
        for thread in threads:
            thread.start()
        select.select([self._bell[0]], [], [])
        self.stopping.set()
        self._wake_all(self._wake)
        self._join(threads)
        registry.close_all()
        if self._trouble:
            raise self._trouble

    def stop(self) -> None:
        """Ask it to stop; from any thread, and from a signal handler, which must not wait for a lock that the thread
        it interrupted may hold: ringing a bell takes none.
        """
        with suppress(BlockingIOError):  # it has been rung often enough
            os.write(self._bell[1], b"!")

    def heed_signals(self) -> None:
        """Have signals ring the bell in whichever thread they arrive: a handler alone is called when the main thread
        comes back from waiting, and a signal that another thread was given does not call it back.
        """
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, lambda _signal, _frame: self.stop())
        signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning(
                    "lane %s did not finish in time; what it has claimed comes due again", thread.name
                )

    def _thread(self, name: str, jobs: Sequence[Job]) -> threading.Thread:
        self._wake[name] = threading.Event()
        if any(not job.every_seconds for job in jobs):
            self._hearing.append(name)
        return threading.Thread(target=self._work, args=(name, jobs), name=name, daemon=True)

    def _work(self, name: str, jobs: Sequence[Job]) -> None:
        last = {job.name: float("-inf") for job in jobs}
        while True:
            self._wake[name].clear()
            if self.stopping.is_set():  # after clearing: who stops us wakes us after saying so
                break
            if not self._round(jobs, last):
                self._wake[name].wait(self.poll_seconds)
                self.stopping.wait(GATHER_SECONDS.get(name, 0.0))
        connections.close_all()

    def _round(self, jobs: Sequence[Job], last: dict[str, float]) -> bool:
        """Each job that is due once; whether any did something, so that there may be more."""
        did = False
        for job in jobs:
            now = time.monotonic()
            if self.stopping.is_set() or now - last[job.name] < job.every_seconds:
                continue
            last[job.name] = now
            did = self._attempt(job) > 0 or did
        return did

    def _attempt(self, job: Job) -> int:
        """A job that fails is tried again with the next round; the others go on."""
        try:
            return job.do(self.stopping.is_set)
        except Conflict as error:
            if job.name == SCHEMA:
                logger.critical("%s", error)
                self._trouble = error
                self.stop()
                return 0
            return self._failed(job)
        except Exception:
            return self._failed(job)

    def _failed(self, job: Job) -> int:
        logger.exception("job %s failed", job.name)
        connection.close()  # it may be broken; the next use opens another
        self.stopping.wait(PAUSE_AFTER_TROUBLE_SECONDS)
        return 0

    def _wake_all(self, lanes: Iterable[str]) -> None:
        for name in lanes:
            self._wake[name].set()

    def _listen(self) -> None:
        """Wait for the database's word on a connection of its own. While that is down the poll does."""
        while not self.stopping.is_set():
            try:
                with listening_connection() as listener:
                    while not self.stopping.is_set():
                        if any(True for _ in listener.notifies(timeout=0.5, stop_after=1)):
                            self._wake_all(self._hearing)
            except (psycopg.Error, DatabaseError, InterfaceError):
                logger.warning("cannot listen for work; polling", exc_info=True)
                self.stopping.wait(PAUSE_AFTER_TROUBLE_SECONDS)


def listening_connection() -> psycopg.Connection[tuple[object, ...]]:
    """A connection beside Django's pool that hears when there is work."""
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    plain = {name: value for name, value in parameters.items() if name not in NOT_FOR_LISTENING}
    listener = psycopg.connect(**plain, autocommit=True)
    listener.execute(f'LISTEN "{wake.CHANNEL}"')  # a constant of ours
    return listener


NOT_FOR_LISTENING = frozenset(
    {"cursor_factory", "context", "prepare_threshold", "server_side_binding", "pool"}
)


def main(poll_seconds: float = POLL_SECONDS) -> None:
    """Work until SIGTERM or SIGINT. Django is set up."""
    worker = Worker(poll_seconds)
    worker.heed_signals()
    settle()
    worker.run()
