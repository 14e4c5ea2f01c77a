"""Clocks that jump, a database that is gone, a disk that is full: each ends in a clear state, and nothing is lost."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from psycopg_pool import PoolTimeout

from changbei.core.clock import VirtualClock
from changbei.core.errors import Outside
from changbei.incidents.models import Incident
from changbei.journal import heartbeat
from changbei.journal.models import Cursor, Entry
from changbei.notify import claims, jobs, recipients, services
from changbei.notify.channels.sms import shared_twin
from changbei.notify.models import Message, Urgency
from changbei.notify.services import NewNotice
from changbei.notify.tests.servers import SmsServer, serving
from changbei.people.models import Account, Person, Unit
from changbei.runs import services as runs
from changbei.runs.models import Evidence, Task
from changbei.site import clockwatch, deadman, worker
from changbei.site.clockwatch import ClockWatch
from changbei.web.tests.conftest import Case, adopted, breakdown  # noqa: F401 - fixtures
from changbei.web.tests.test_api import Caller

HOUR = timedelta(hours=1)
OUTAGE = {"fails": "server", "since": "2026-11-23T09:00:00+08:00", "stops_work": True}


@pytest.fixture
def crowd(db: None, settings) -> Iterator[list[Person]]:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    shared_twin().clear()
    unit = Unit.objects.create(code="u", kind="delivery_center", name={"en": "U"})
    yield [
        Person.objects.create(
            staff_no=f"C{number}", name=f"P{number}", phone=f"1380000{number:04}", unit=unit, job="driver"
        )
        for number in range(3)
    ]
    shared_twin().clear()


def _tell(people: list[Person]) -> None:
    text = {"zh-Hans": "台风", "zh-Hant": "颱風", "en": "Typhoon"}
    services.tell(NewNotice("test", text, text, Urgency.URGENT), recipients.of_people(people))


def _back(clock: VirtualClock, by: timedelta) -> None:
    clock._now -= by  # what an administrator's hand does to the real one


# --- the clock


def test_set_back_what_was_due_stays_due(crowd: list[Person], clock: VirtualClock) -> None:
    _tell(crowd)
    watch, steady = ClockWatch(lambda: steady), 100.0
    assert watch.look() == 0
    _back(clock, HOUR)
    steady = 101.0
    assert jobs.send_due(kinds=["sms"]) == 0  # without the watch: an hour of silence
    waiting = Message.objects.filter(due_at__isnull=False).count()
    assert waiting >= 3
    assert watch.look() == waiting
    assert jobs.send_due(kinds=["sms"]) == 3
    assert len(shared_twin().texts) == 3
    said = Entry.objects.get(kind="site.clock_set_back").data
    assert said == {"by_seconds": 3601, "moved": waiting}
    assert watch.look() == 0


def test_set_back_a_dead_workers_claim_ends_with_its_lease(crowd: list[Person], clock: VirtualClock) -> None:
    _tell(crowd)
    lease = timedelta(seconds=claims.LEASE_SECONDS)
    before = clock.now()
    assert len(claims.claim("sms", before, before + lease, 10)) == 3  # and the worker dies
    _back(clock, HOUR)
    clockwatch.went_back(before, clock.now())
    clock.advance(lease - timedelta(seconds=1))
    assert jobs.send_due(kinds=["sms"]) == 0
    clock.advance(timedelta(seconds=1))
    assert jobs.send_due(kinds=["sms"]) == 3


def test_what_lies_ahead_keeps_its_moment(crowd: list[Person], clock: VirtualClock) -> None:
    _tell(crowd)
    ahead = clock.now() + timedelta(minutes=10)
    Message.objects.filter(channel="sms").update(due_at=ahead)
    before = clock.now()
    _back(clock, HOUR)
    clockwatch.went_back(before, clock.now())
    assert set(Message.objects.filter(channel="sms").values_list("due_at", flat=True)) == {ahead}


def test_small_steps_and_a_demonstrations_clock_are_left_alone(db: None, clock: VirtualClock) -> None:
    steady = 0.0
    watch = ClockWatch(lambda: steady)
    watch.look()
    steady = 1.5
    assert watch.look() == 0
    assert not Entry.objects.exists()


def test_set_forward_nobody_is_told_twice(crowd: list[Person], clock: VirtualClock) -> None:
    """A worker has claimed and handed over; before it can note that, the clock jumps and another one takes over."""
    _tell(crowd)
    now = clock.now()
    first = claims.claim("sms", now, now + timedelta(seconds=claims.LEASE_SECONDS), 10)
    clock.advance(HOUR)
    assert jobs.send_due(kinds=["sms"]) == 3
    late = [claims.Mark(one, Message.State.FAILED, "failed", error="too late") for one in first]
    assert claims.mark(late, clock.now()) == set()
    assert set(Message.objects.filter(channel="sms").values_list("state", flat=True)) == {"handed"}
    keys = [text.key for text in shared_twin().texts]
    assert sorted(keys) == sorted(set(keys))


# --- the sign of life


@pytest.fixture
def watcher(settings) -> Iterator[SmsServer]:
    server = SmsServer()
    settings.DEADMAN_URL = f"{server.url}/receipts"
    calls: list[str] = []
    server.calls = calls
    original = server.twin._tell
    server.twin._tell = lambda after: (calls.append("called"), original(after))[1]
    with serving(server):
        yield server


def test_a_sign_of_life_is_sent_only_while_the_engine_works(
    crowd: list[Person], clock: VirtualClock, watcher: SmsServer
) -> None:
    deadman.call()
    assert watcher.calls == []  # no worker has ever given a sign
    heartbeat.beat()
    deadman.call()
    assert watcher.calls == ["called"]
    _tell(crowd)
    clock.advance(timedelta(seconds=61))
    heartbeat.beat()
    deadman.call()
    assert watcher.calls == ["called"]  # a message has been due for a minute: something is wrong
    jobs.send_due()
    newest = Entry.objects.order_by("-txid", "-id")[0]
    Cursor.objects.update_or_create(reader="reactions", defaults={"txid": newest.txid, "entry_id": newest.pk})
    deadman.call()
    assert watcher.calls == ["called", "called"]
    assert [lane for lane in worker.lanes() if lane == "sign of life"] == ["sign of life"]


def test_without_an_address_there_is_no_lane(db: None, settings) -> None:
    settings.DEADMAN_URL = ""
    assert "sign of life" not in worker.lanes()


# --- the disk


@contextmanager
def _full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 64 KiB: the kernel answers as it does when there is no room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def _held(case: Case) -> Task:
    return case.incident.run.tasks.filter(holder=case.driver, status="open").order_by("pk")[0]


def test_a_full_disk_refuses_evidence_whole(breakdown: Case, settings, tmp_path: Path) -> None:  # noqa: F811
    """The task stays open, nothing is recorded, no half file stays; with room again it works."""
    settings.MEDIA_ROOT = tmp_path
    task, picture = _held(breakdown), b"\x89PNG\r\n\x1a\n" + b"x" * 200_000
    recorded = Entry.objects.count()
    with _full_disk(), pytest.raises(Outside, match="the disk is full") as refused:
        runs.attach(task, "photo", file=ContentFile(picture, name="p.png"), actor=breakdown.driver)
    assert refused.value.permanent is False
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not Evidence.objects.exists()
    assert Entry.objects.count() == recorded
    assert Task.objects.get(pk=task.pk).status == Task.Status.OPEN
    kept = runs.attach(task, "photo", file=ContentFile(picture, name="p.png"), actor=breakdown.driver)
    assert (tmp_path / kept.file.name).read_bytes() == picture
    kept.file.close()


def test_a_full_disk_is_said_to_who_uploads(breakdown: Case, settings, tmp_path: Path) -> None:  # noqa: F811
    settings.MEDIA_ROOT = tmp_path
    address = f"/tasks/{_held(breakdown).uuid}/"
    picture = SimpleUploadedFile("p.png", b"\x89PNG\r\n\x1a\n" + b"x" * 200_000, "image/png")
    with _full_disk():
        answer = breakdown.holder.post(f"{address}attach", {"photo": picture})
    assert answer.status_code == 503
    assert "Something outside did not answer." in answer.content.decode()


# --- nobody to tell


def test_an_audience_of_nobody_is_said_and_leaves_nothing_to_do(
    crowd: list[Person], clock: VirtualClock
) -> None:
    _tell([])
    assert not Message.objects.exists()
    assert Entry.objects.get(kind="notify.told").data["recipients"] == 0
    assert jobs.send_due() == 0


def test_a_database_that_does_not_answer_is_said(db: None) -> None:
    """The probe gets an answer, not an error page, when nothing can be looked up."""
    with connection.execute_wrapper(_gone):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")


def _gone(execute, sql, params, many, context):
    raise OperationalError("server closed the connection unexpectedly")


def test_while_the_database_is_gone_only_one_waits_for_it(breakdown: Case) -> None:  # noqa: F811
    """The others are told at once, and pages for the public go on."""

    def no_connection(execute, sql, params, many, context):
        told.add(("staff", breakdown.outsider.get("/report/").status_code))  # somebody else, at the same time
        told.add(("public", Client().get("/notices/").status_code))
        raise OperationalError("couldn't get a connection after 10 s") from PoolTimeout()

    told: set[tuple[str, int]] = set()
    Client().get("/notices/")
    with connection.execute_wrapper(_no_connection):
        assert breakdown.holder.get("/report/").status_code == 503
    with connection.execute_wrapper(no_connection):
        assert breakdown.holder.get("/report/").status_code == 503
    assert told == {("staff", 503), ("public", 200)}
    assert breakdown.holder.get("/report/").status_code == 200


def _no_connection(execute, sql, params, many, context):
    raise OperationalError("couldn't get a connection after 10 s") from PoolTimeout()


def _full(execute, sql, params, many, context):
    if "INSERT" in sql:
        raise OperationalError('could not extend file "base/16384/16999": No space left on device')
    return execute(sql, params, many, context)


@pytest.mark.parametrize("trouble", [_gone, _full])
def test_who_reports_is_told_that_it_was_not_taken_and_is_taken_afterwards(
    breakdown: Case,  # noqa: F811
    trouble: Any,
) -> None:
    """By page, by a part of a page, and over the API; never an answer that looks like a yes."""
    caller = Caller(breakdown.driver, Account.objects.get(person=breakdown.driver).login)
    body = {"kind": "ordering-system-down", "data": OUTAGE}
    told = "What you have just sent counts only if you were given its number."
    incidents, entries = Incident.objects.count(), Entry.objects.count()
    form = {"fails": "server", "since": "2026-11-23T09:00", "stops_work": "true"}
    with connection.execute_wrapper(trouble):
        page = breakdown.holder.post("/report/ordering-system-down/", form)
        part = breakdown.holder.post("/report/ordering-system-down/", form, headers={"HX-Request": "true"})
        status, answer = caller.post("/incidents", body)
    assert (page.status_code, part.status_code, status) == (503, 503, 503)
    assert told in page.content.decode() and "The database does not answer." in page.content.decode()
    assert json.loads(part.headers["HX-Trigger"])["changbei:toast"]["tone"] == "bad"
    assert answer["error"] == "outside" and told in answer["message"]
    assert (Incident.objects.count(), Entry.objects.count()) == (incidents, entries)
    status, answer = caller.post("/incidents", body)
    assert (status, Incident.objects.count()) == (201, incidents + 1)
