"""Who uses the site while it dies: reporters who do not give up, and colleagues who do their tasks. All over HTTP."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from changbei.core import clock
from changbei.site.chaos.sink import Sink

RUNS_OUT_AFTER = timedelta(seconds=2)
TRY_AGAIN_SECONDS = 0.15
PATIENCE_SECONDS = 90.0
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Answered:
    """A report that got a number."""

    token: str
    uuid: str
    number: str
    tries: int


class Reporter(threading.Thread):
    """Reports one event after the other until `stop()`, each until it is answered."""

    def __init__(self, address: str, key: str, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.address, self.key = address, key
        self.random = random.Random(seed)
        self.answered: list[Answered] = []
        self.refused: list[str] = []  # what nobody may ever be told about a good report
        self._enough = threading.Event()
        self._stopped_at = float("inf")  # monotonic seconds

    def stop(self) -> None:
        """Report nothing more. Everything runs again: what has no answer yet gets one, or something is wrong."""
        self._stopped_at = time.monotonic()
        self._enough.set()

    def run(self) -> None:
        number = 0
        while not self._enough.is_set():
            number += 1
            with client(self.address, self.key) as connection:
                self._report(connection, f"{self.name}-{number}")
            self._enough.wait(self.random.uniform(0.3, 1.0))

    def _report(self, connection: httpx.Client, token: str) -> None:
        ends_at = clock.now() + RUNS_OUT_AFTER
        body = {"kind": "chaos", "data": {"token": token, "ends_at": ends_at.isoformat()}}
        tries = 0
        while time.monotonic() < self._stopped_at + PATIENCE_SECONDS:
            tries += 1
            with contextlib.suppress(httpx.HTTPError):
                answer = connection.post("incidents", json=body)
                if answer.is_success:
                    found = answer.json()["incident"]
                    self.answered.append(Answered(token, found["uuid"], found["number"], tries))
                    return
                if answer.is_client_error:
                    self.refused.append(f"{token}: HTTP {answer.status_code} {answer.text[:300]}")
                    return
            time.sleep(TRY_AGAIN_SECONDS)
        self.refused.append(f"{token}: no answer within {PATIENCE_SECONDS:g} s of a site that runs")


class Colleague(threading.Thread):
    """Does every task that its person has been told of, the late one late."""

    def __init__(self, address: str, key: str, name: str, sink: Sink) -> None:
        super().__init__(name=name, daemon=True)
        self.address, self.key, self.sink = address, key, sink
        self.before = len(sink.handed)  # texts of other rounds
        self.refused: list[str] = []
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        with client(self.address, self.key) as connection:
            while not self._stopping.wait(0.5):
                with contextlib.suppress(httpx.HTTPError):
                    self._look(connection)

    def _look(self, connection: httpx.Client) -> None:
        answer = connection.get("tasks")
        if not answer.is_success:
            return
        texts = {one.text for one in self.sink.since(self.before)}
        for task in answer.json():
            if self._stopping.is_set():
                return
            if _told(task, texts) >= (2 if task["item"] == "late" else 1):
                done = connection.post(f"tasks/{task['uuid']}/complete", json={"result": {}})
                if done.is_client_error and done.status_code != httpx.codes.CONFLICT:
                    self.refused.append(
                        f"{task['number']} {task['item']}: HTTP {done.status_code} {done.text[:300]}"
                    )


def _told(task: Mapping[str, Any], texts: Collection[str]) -> int:
    """How many texts the carrier has got about a task: the first to its holder, the second when it is late."""
    return sum(task["number"] in text and task["title"]["zh-Hans"] in text for text in texts)


def client(address: str, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    # Loopback without TLS: loading certificates would be most of the work.
    return httpx.Client(
        base_url=f"{address}/api/v1/",
        headers=headers,
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
        verify=False,  # noqa: S501
    )
