"""A small site of real processes that people use over HTTP: web, one worker, a carrier.

One report after the other says what a request costs; twenty a second, how long until the first notice of each is
with the carrier; and five hundred of one storm from fifty clients, how long each waits for its answer.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.cpu import Meter, tree_seconds
from bench.engine.common import Row, percentile, row
from changbei.incidents.models import Incident, Report
from changbei.notify.models import Message
from changbei.site import house
from changbei.site.chaos import ground
from changbei.site.chaos.sink import Sink
from changbei.site.supervisor import choose_port

PACK = Path(__file__).parent / "pack"
ALONE, WARM_UP = 60, 10
RATE, FOR_SECONDS = 20, 10  # reports a second
STORM, CLIENTS, STORM_SECONDS = 500, 50, 30
PATIENCE_SECONDS = 400.0


def rows(server: int) -> list[Row]:
    key = ground.furnish(PACK)["desk"]
    with _site() as site:
        return [*_alone(site, key, server), *_first_notices(site, key), *_storm(site, key)]


class Site:
    """Where it listens, what the carrier got, which process is its web."""

    def __init__(self, port: int, sink: Sink, web: int) -> None:
        self.port, self.sink, self.web = port, sink, web

    def report(self, key: str, kind: str, **data: str) -> tuple[str, float]:
        """The number that a report was given, and for how many seconds one waited for it."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        body = json.dumps({"kind": kind, "data": data})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/incidents", body, headers)
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        waited = time.perf_counter() - began
        connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"HTTP {answer.status}: {found}")
        return str(found["incident"]["number"]), waited


@contextmanager
def _site() -> Iterator[Site]:
    """As `changbei serve` starts it."""
    with ExitStack() as stack:
        sink = Sink()
        sink.open()
        stack.callback(sink.close)
        port = choose_port(None, first=8700)
        environment = {**os.environ, "CHANGBEI_SMS_GATEWAY": sink.url, "CHANGBEI_SMTP": ""}
        started = []
        for spec in (house.web(port), house.worker(1)):
            process = subprocess.Popen(spec.command, env={**environment, **spec.env})
            stack.callback(_end, process)
            started.append(process.pid)
        site = Site(port, sink, started[0])
        _until(lambda: _listens(port))
        yield site


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(60)


def _listens(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the site did not come to it in time")
        time.sleep(0.05)


def _busy() -> str:
    return f"{os.getloadavg()[0]:.0f} processes wanted the {os.cpu_count()} cores"


# --- one after the other -----------------------------------------------------------------------------------------


def _alone(site: Site, key: str, server: int) -> list[Row]:
    for number in range(WARM_UP):
        site.report(key, "bench-twelve", token=f"warm-{number}")
    _until(_all_handed)
    before = tree_seconds(site.web)
    with Meter(server) as used:
        for number in range(ALONE):
            site.report(key, "bench-twelve", token=f"alone-{number}")
    web = (tree_seconds(site.web) - before) / ALONE * 1000
    note = "POST /api/v1/incidents by key: check of the form, duplicates, run of 12 tasks, first notices; CPU of web"
    return [
        row("report over HTTP", web, "ms CPU", f"{note}; goal: 30 or less"),
        row("report over HTTP, the server with the worker's part", used.server / ALONE * 1000, "ms CPU"),
    ]


def _all_handed() -> bool:
    return not Message.objects.filter(channel="sms", rung=2, due_at__isnull=False).exists()


# --- twenty a second ---------------------------------------------------------------------------------------------


def _first_notices(site: Site, key: str) -> list[Row]:
    """Each report at its moment, however long others take."""
    sent: dict[str, float] = {}
    waits: list[float] = []
    lock, already = threading.Lock(), len(site.sink.since(0))

    def one(number: int) -> None:
        began = time.monotonic()
        incident, waited = site.report(key, "bench-twelve", token=f"rate-{number}")
        with lock:
            sent[incident] = began
            waits.append(waited)

    threads = []
    began = time.monotonic()
    for number in range(RATE * FOR_SECONDS):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        threads.append(threading.Thread(target=one, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    busy = _busy()
    _until(_all_handed)
    first: dict[str, float] = {}
    for text in site.sink.since(already):
        for incident in _numbers(text.text, sent):
            first[incident] = min(first.get(incident, text.at), text.at)
    if len(first) != RATE * FOR_SECONDS:
        raise RuntimeError(f"{len(first)} of {RATE * FOR_SECONDS} reports were told")
    lags = [first[number] - sent[number] for number in sent]
    note = f"{RATE * FOR_SECONDS} reports, 12 tasks and 5 texts each; web, one worker, clients and carrier here; {busy}"
    return [
        row(
            "first notice with its carrier, p95, 20 reports/s",
            percentile(lags, 95),
            "s",
            f"{note}; goal: 1 or less",
        ),
        row("first notice with its carrier, median, 20 reports/s", percentile(lags, 50), "s"),
        row("answer to a report, p95, 20 reports/s", percentile(waits, 95) * 1000, "ms"),
    ]


def _numbers(text: str, known: dict[str, float]) -> list[str]:
    return [
        word for word in text.replace("：", " ").replace("，", " ").replace(":", " ").split() if word in known
    ]


# --- a storm -----------------------------------------------------------------------------------------------------


def _storm(site: Site, key: str) -> list[Row]:
    """Fifty clients report one cause, each ten times at moments of its own."""
    waits: list[float] = []
    numbers: set[str] = set()
    lock = threading.Lock()

    def client(which: int) -> None:
        for turn in range(STORM // CLIENTS):
            at = (turn + which / CLIENTS) * STORM_SECONDS / (STORM // CLIENTS)
            time.sleep(max(0.0, began + at - time.monotonic()))
            number, waited = site.report(key, "bench-storm", area="east", seen=f"{which}-{turn}")
            with lock:
                waits.append(waited)
                numbers.add(number)

    threads = [threading.Thread(target=client, args=(which,)) for which in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = _busy()
    _until(_all_handed)
    storm = Incident.objects.filter(kind="bench-storm")
    incidents = storm.count()
    witnesses = Report.objects.filter(incident__kind="bench-storm").count()
    answered = Message.objects.filter(
        notice__template="report-received",
        notice__incident__in=storm.values("uuid"),
        channel="sms",
        handed_at__isnull=False,
    ).count()
    if (len(numbers), incidents, witnesses, answered) != (1, 1, STORM, STORM):
        raise RuntimeError(f"{incidents} incidents, {witnesses} reports, {answered} answers of {STORM}")
    note = f"one incident, each of {STORM} answered, also in writing; in {STORM_SECONDS} s from {CLIENTS} clients"
    return [
        row(
            "storm, answer to a report, p99",
            percentile(waits, 99) * 1000,
            "ms",
            f"{note}; {busy}; goal: 300 or less",
        ),
        row("storm, answer to a report, median", percentile(waits, 50) * 1000, "ms"),
        row("storm, incidents", incidents, "incidents", "goal: 1"),
    ]
