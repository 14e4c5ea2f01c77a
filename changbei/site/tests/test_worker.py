"""Workers as real processes: woken at once, stopped gracefully, killed in the middle of it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from changbei.core.errors import Conflict
from changbei.journal.models import Heartbeat
from changbei.notify import claims, recipients, services
from changbei.notify.models import Attempt, Message, Notice, Urgency
from changbei.notify.services import NewNotice
from changbei.notify.tests.servers import SmsServer, serving
from changbei.people.models import Person, Unit
from changbei.site import worker

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


@pytest.fixture
def sms(settings) -> Iterator[SmsServer]:
    server = SmsServer()
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = server.url, ""
    with serving(server):
        yield server
        server.released.set()


@pytest.fixture
def crowd(db) -> list[Person]:
    unit = Unit.objects.create(code="u", kind="delivery_center", name={"en": "U"})
    return [
        Person.objects.create(
            staff_no=f"C{number}", name=f"P{number}", phone=f"1380000{number:04}", unit=unit, job="driver"
        )
        for number in range(30)
    ]


def _url() -> str:
    """The address of the tests' own database."""
    head, question, options = os.environ["CHANGBEI_DATABASE_URL"].partition("?")
    return f"{head.rpartition('/')[0]}/{connection.settings_dict['NAME']}{question}{options}"


@contextmanager
def working(sms: SmsServer, *options: str, clock: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the tests' database; killed at the end of the block if it still runs."""
    before = _sessions()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("changbei"), "worker", *options],
        env={
            **os.environ,
            "CHANGBEI_DATABASE_URL": _url(),
            "CHANGBEI_SMS_GATEWAY": sms.url,
            "CHANGBEI_SMTP": "",
            "CHANGBEI_CLOCK": clock,
            "PYTHONFAULTHANDLER": "1",
        },
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        _until(lambda: _sessions() <= before)  # the server has noticed, too


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code; a process that does not end says where its threads are."""
    try:
        return process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        return process.wait()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def _until_no_more(list_that_grows: list[str]) -> None:
    """Until nothing is added for a second."""
    before = -1
    while before < len(list_that_grows):
        before = len(list_that_grows)
        time.sleep(1)


def _tell(people: list[Person]) -> Notice:
    text = {"zh-Hans": "台风", "zh-Hant": "颱風", "en": "Typhoon"}
    return services.tell(NewNotice("test", text, text, Urgency.IMMEDIATE), recipients.of_people(people))


def _states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Message.objects.filter(channel="sms").values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_killed_in_the_middle_of_sending_nothing_is_lost(sms, crowd) -> None:
    """The carrier has taken some, answered none: the worker dies, its claim ends, another one goes on."""
    sms.silent.set()
    with working(sms) as first:
        _tell(crowd)
        _until(lambda: len(sms.twin.handed_over) >= 5)
        first.send_signal(signal.SIGKILL)
        first.wait()
    in_flight = set(sms.twin.handed_over)
    assert _states() == {"sending": 30}
    sms.silent.clear()
    sms.released.set()

    with working(sms, clock=f"+{claims.LEASE_SECONDS + 30}"):
        _until(lambda: set(_states()) <= {"handed", "delivered"})
    keys = [str(key) for key in Message.objects.filter(channel="sms").values_list("uuid", flat=True)]
    assert sorted(text.key for text in sms.twin.texts) == sorted(keys)
    twice = {key for key in sms.twin.handed_over if sms.twin.handed_over.count(key) > 1}
    assert twice <= in_flight  # only these, with the same key, unless the carrier's receipt came first


def test_asked_to_stop_it_finishes_what_it_is_at(sms, crowd) -> None:
    sms.silent.set()
    with working(sms) as process:
        _tell(crowd)
        _until(lambda: len(sms.twin.handed_over) >= 5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        sms.silent.clear()
        sms.released.set()
        assert _ended(process) == 0
    states = _states()
    assert set(states) <= {"handed", "delivered", "queued"}
    tried = list(Attempt.objects.values_list("outcome", "detail"))
    assert 30 - states["queued"] == len(sms.twin.texts) == len(sms.twin.handed_over), tried
    assert not Message.objects.filter(lease_until__isnull=False).exists()


def test_a_signal_that_comes_while_the_main_thread_holds_any_lock_is_heard() -> None:
    """A handler runs in the thread it interrupts: if it needed a lock that this one holds, it would wait for ever."""
    stopped = threading.Event()

    def interrupted() -> None:
        one = worker.Worker()
        with one.stopping._cond:
            one.stop()
        stopped.set()

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    assert stopped.wait(10)


def test_a_worker_that_polls_hardly_ever_stops_at_once(sms, crowd) -> None:
    """However the signal falls: before the first look, in the middle of it, or long after."""
    for pause_seconds in (0.0, 0.05, 1.0):
        with working(sms, "--poll=100000") as process:
            _until(lambda: _sessions("LISTEN%") == 1)
            time.sleep(pause_seconds)
            process.send_signal(signal.SIGTERM)
            assert _ended(process) == 0


def test_a_signal_that_another_thread_is_given_is_heard(sms) -> None:
    """The kernel may hand it to any thread, and the main one goes on waiting."""
    with working(sms) as process:
        _until(lambda: Heartbeat.objects.exists())
        other = max(int(task) for task in os.listdir(f"/proc/{process.pid}/task"))
        assert other != process.pid
        assert ctypes.CDLL(None).tgkill(process.pid, other, int(signal.SIGTERM)) == 0
        assert _ended(process) == 0


def test_a_schema_that_moves_on_stops_a_running_worker(sms, crowd) -> None:
    migrations = MigrationRecorder.Migration.objects.using("default")
    with working(sms) as process:
        _until(lambda: Heartbeat.objects.exists())
        migrations.create(app="runs", name="0099_from_the_future")
        try:
            assert _ended(process) != 0
        finally:
            migrations.filter(name="0099_from_the_future").delete()
    _tell(crowd[:1])
    assert _states() == {"queued": 1}, "nothing was written for a schema that the worker does not know"


def test_a_worker_stopped_for_longer_than_a_lease_doubles_nothing(sms, crowd, monkeypatch) -> None:
    """SIGSTOP while the carrier has taken some and answered none; another one goes on; then the first wakes."""
    monkeypatch.setenv("CHANGBEI_LEASE_SCALE", str(1 / 15))  # eight seconds
    sms.silent.set()
    with working(sms) as first:
        _tell(crowd)
        _until(lambda: len(sms.twin.handed_over) >= 5)
        _until_no_more(sms.twin.handed_over)  # all its hands are at the carrier's by now
        first.send_signal(signal.SIGSTOP)
        time.sleep(9)
        in_flight = set(sms.twin.handed_over)  # the carrier has these; the first does not know it
        sms.silent.clear()
        sms.released.set()
        with working(sms) as second:
            _until(lambda: set(_states()) <= {"handed", "delivered"})
            first.send_signal(signal.SIGCONT)
            time.sleep(1)
            for process in (first, second):
                process.send_signal(signal.SIGTERM)
                assert _ended(process) == 0
    twice = {key for key in sms.twin.handed_over if sms.twin.handed_over.count(key) > 1}
    assert twice <= in_flight
    assert len(sms.twin.texts) == len(crowd), "the carrier knows its keys: one text for each"
    assert set(_states()) <= {"handed", "delivered"}
    assert not Message.objects.filter(lease_until__isnull=False).exists()


def test_a_database_that_is_gone_for_a_while_loses_nothing_and_doubles_nothing(sms, crowd) -> None:
    """Gone while the carrier has taken some and answered none: what came of them is noted when it is there again."""
    sms.silent.set()
    with working(sms) as process:
        _tell(crowd)
        _until(lambda: len(sms.twin.handed_over) >= 5)
        with _database_gone():
            sms.silent.clear()
            sms.released.set()
            time.sleep(3)
        _until(lambda: set(_states()) <= {"handed", "delivered"})
        process.send_signal(signal.SIGTERM)
        assert _ended(process) == 0, "it was there all the time"
    assert len(sms.twin.handed_over) == len(set(sms.twin.handed_over)) == len(crowd)
    assert Counter(Attempt.objects.values_list("message", flat=True)).most_common(1)[0][1] == 1
    assert not Message.objects.filter(lease_until__isnull=False).exists()


@contextmanager
def _database_gone() -> Iterator[None]:
    """It ends all sessions and takes no new ones, as while it is moved to another host."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    with psycopg.connect(os.environ["CHANGBEI_DATABASE_URL"], autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_commit_wakes_a_worker_that_would_poll_too_late(sms, crowd) -> None:
    with working(sms, "--poll=100000"):
        _until(lambda: _sessions("LISTEN%") == 1)
        _until(lambda: Heartbeat.objects.exists())  # the first look has found nothing
        time.sleep(1)
        _tell(crowd[:1])
        _until(lambda: len(sms.twin.texts) == 1)


def _sessions(query: str = "%") -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s",
            [query],
        )
        return cursor.fetchone()[0]


def test_a_worker_refuses_a_database_it_does_not_fit() -> None:
    worker.check()
    migrations = MigrationRecorder.Migration.objects.using("default")
    migrations.create(app="runs", name="0099_from_the_future")
    with pytest.raises(Conflict, match=r"newer than this program: it has runs\.0099_from_the_future"):
        worker.check()
    migrations.filter(name="0099_from_the_future").delete()
    last = migrations.filter(app="runs").order_by("-name").first()
    migrations.filter(pk=last.pk).delete()
    with pytest.raises(Conflict, match="lacks 1 migrations"):
        worker.check()
    migrations.create(app=last.app, name=last.name)
    worker.check()
