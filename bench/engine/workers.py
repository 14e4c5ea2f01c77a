"""The same queue emptied by one, two and three processes: nothing twice, and no slower."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench.engine.common import Row, row
from bench.engine.messages import queue
from changbei.notify.models import Attempt

MESSAGES = 10_000


def rows() -> list[Row]:
    """The same queue emptied by one, two and three processes: nothing twice, and no slower."""
    rates = {}
    for workers in (1, 2, 3):
        notice = queue(MESSAGES, f"many{workers}-")
        rates[workers] = MESSAGES / _emptied_by(workers)
        tried = Attempt.objects.filter(message__notice=notice)
        if tried.count() != MESSAGES or tried.values("message").distinct().count() != MESSAGES:
            raise RuntimeError(f"{workers} workers: {tried.count()} attempts at {MESSAGES} messages")
    note = "rate of that many processes to that of one, every message once"
    return [
        row(f"{workers} workers on one database", rates[workers] / rates[1], "x", note) for workers in (2, 3)
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
