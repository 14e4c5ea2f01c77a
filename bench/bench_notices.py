"""Notices to 50,000 customers: prepared by name, beside the same rows by one bare statement; and the public page.

The floor writes the same messages, with the same columns and indexes, by one INSERT … SELECT. The page's floor is a
static file through the same server code. Processor time of this program and of the database server; ratios, not times.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.test import RequestFactory

from bench.cpu import Meter, parent_of
from changbei.core import clock
from changbei.incidents.models import Bulletin, Incident, Suspension
from changbei.network import loading
from changbei.network.city import CitySpec, make
from changbei.network.models import Retailer
from changbei.notify import bulk, fanout
from changbei.notify.audiences import Query
from changbei.notify.models import Notice, Urgency
from changbei.notify.services import NewNotice

CUSTOMERS = 50_000
ROUNDS = 3
REQUESTS = 300
WORDS = {"zh-Hans": "{retailer}：明日停送。", "en": "{retailer}: no delivery tomorrow."}
Row = dict[str, Any]

FLOOR = """
INSERT INTO notify_message (uuid, notice_id, retailer_id, channel, rung, address, language, urgency, state, due_at,
attempts, carrier_id, queued_at, error, "values")
SELECT gen_random_uuid(), %s, id, 'sms', 0, phone, 'zh-Hans', 3, 'queued', %s, 0, '', %s, '',
jsonb_build_object('retailer', name) FROM network_retailer WHERE active
"""


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    if Retailer.objects.count() < CUSTOMERS:
        loading.load(make(CitySpec(retailers=300, vans=6, seed=7, roster_weeks=2)))
        _crowd()
    return [*_fan_out(), *_page()]


def _row(name: str, value: float, unit: str, note: str = "") -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "note": note}


def _crowd() -> None:
    own = {"id", "uuid", "licence_no", "phone", "name"}
    columns = ", ".join(str(one.column) for one in Retailer._meta.concrete_fields if one.name not in own)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO network_retailer (uuid, licence_no, phone, name, {columns})"
            f" SELECT gen_random_uuid(), 'X' || g, '139' || lpad(g::text, 8, '0'), '店' || g, {columns}"
            " FROM generate_series(1, %s) g, (SELECT * FROM network_retailer ORDER BY id LIMIT 1) r",
            [CUSTOMERS - Retailer.objects.count()],
        )


# --- fan-out -----------------------------------------------------------------------------------------------------


def _fan_out() -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = parent_of(cursor.fetchone()[0])
    seconds: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(ROUNDS):  # by turns: a table that grows meets both alike
        seconds["ours"].append(_used(postmaster, _ours))
        seconds["floor"].append(_used(postmaster, _floor))
    ours, floor = min(seconds["ours"]), min(seconds["floor"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notify_message")
    notice = Notice.objects.latest("pk")
    looked = min(_used(postmaster, lambda: bulk.progress(notice)) for _ in range(ROUNDS))
    counted = min(
        _used(postmaster, lambda: bulk.preview(Query(everybody=True), ("sms",))) for _ in range(ROUNDS)
    )
    return [
        _row(
            "notices prepared, by name",
            CUSTOMERS / ours,
            "messages/s of a core",
            f"{CUSTOMERS:,} customers, one transaction",
        ),
        _row(
            "notices prepared, floor",
            CUSTOMERS / floor,
            "messages/s of a core",
            "the same rows, one INSERT … SELECT",
        ),
        _row("notices prepared, share of the floor's rate", floor / ours, "x"),
        _row("preview of the audience", counted * 1000, "ms CPU", "count, sample, who cannot be reached"),
        _row("progress of a notice", looked * 1000, "ms CPU", f"of {CUSTOMERS:,} messages"),
    ]


def _new() -> NewNotice:
    return NewNotice("bench", WORDS, WORDS, Urgency.BULK, channels=("sms",), personal=("retailer",))


def _ours() -> None:
    fanout.tell_retailers(_new(), Retailer.objects.filter(active=True), actor=None)


def _floor() -> None:
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        notice = Notice.objects.create(
            template="floor",
            title=WORDS,
            body=WORDS,
            urgency=Urgency.BULK,
            created_at=now,
            personal=["retailer"],
        )
        cursor.execute(FLOOR, [notice.pk, now, now])


def _used(postmaster: int, work: Callable[[], object]) -> float:
    """Seconds of processor time, ours and the server's."""
    with Meter(postmaster) as used:
        work()
    return used.both


# --- the public page ---------------------------------------------------------------------------------------------


def _page() -> list[Row]:
    _bulletins()
    handler = WSGIHandler()
    page = _cpu(handler, "/notices/in/en/")
    etag = _get(handler, "/notices/in/en/")["ETag"]
    unchanged = _cpu(handler, "/notices/in/en/", HTTP_IF_NONE_MATCH=etag)
    static = _cpu(handler, "/static/web/mark.svg")
    return [
        _row("public page", 1 / page, "requests/s of a core", "50 notices, no session, one statement"),
        _row("public page, unchanged (304)", 1 / unchanged, "requests/s of a core"),
        _row("static file through the same server code", 1 / static, "requests/s of a core", "the floor"),
        _row("public page, times a static file", page / static, "x", "CPU of the program"),
    ]


def _get(handler: WSGIHandler, path: str, **headers: str) -> dict[str, str]:
    """One request from the environment to the last byte; its headers."""
    found: dict[str, str] = {}
    environ = RequestFactory(SERVER_NAME="127.0.0.1").get(path, **headers).environ  # type: ignore[arg-type]

    def start(
        status: str, given: list[tuple[str, str]], _problem: object = None
    ) -> Callable[[bytes], object]:
        found.update(given)
        found["status"] = status
        return lambda _bytes: None

    answer = handler(environ, start)
    for _part in answer:
        pass
    getattr(answer, "close", lambda: None)()
    return found


def _cpu(handler: WSGIHandler, path: str, **headers: str) -> float:
    """Seconds of CPU of this program for one request."""
    status = _get(handler, path, **headers)["status"]
    if not status.startswith(("200", "304")):
        raise RuntimeError(f"{path}: {status}")
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(REQUESTS):
            _get(handler, path, **headers)
        seconds.append((time.process_time() - begun) / REQUESTS)
    return min(seconds)


def _bulletins() -> None:
    now = clock.now()
    if Bulletin.objects.exists():
        return
    title = {"zh-Hans": "公告", "zh-Hant": "公告", "en": "Notice"}
    incident = Incident.objects.create(
        number="INC-9999",
        kind="bench",
        family="weather",
        title=title,
        level="MAJOR",
        same_key=str(uuid4()),
        reported_at=now,
    )
    area = {"type": "Polygon", "coordinates": [[[119, 33], [119.1, 33], [119.1, 33.1], [119, 33]]]}
    for _ in range(50):
        suspension = Suspension.objects.create(
            incident=incident,
            scope="whole",
            area=area,
            reason="bench",
            starts_at=now,
            ends_at=now + timedelta(hours=9),
            decided_at=now,
        )
        Bulletin.objects.create(
            suspension=suspension,
            number=1,
            kind="suspended",
            title=title,
            body=WORDS,
            area_name=title,
            area=area,
            starts_at=now,
            ends_at=now + timedelta(hours=9),
            published_at=now,
        )
