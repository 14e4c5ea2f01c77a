"""The same queue emptied by one, two and three processes: nothing twice, and no slower."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from bench.cpu import Meter, tree_seconds
from bench.engine.common import Row, row
from bench.engine.messages import queue
from changbei.notify.models import Attempt

MESSAGES, TURNS = 10_000, 2


def rows(server: int) -> list[Row]:
    """By turns, and each at its best: what else the machine does is not what is asked for."""
    walls: dict[int, list[float]] = {1: [], 2: [], 3: []}
    cpus: dict[int, list[float]] = {1: [], 2: [], 3: []}
    for turn in range(TURNS):
        for workers in walls:
            notice = queue(MESSAGES, f"many{workers}-{turn}-")
            wall, cpu = _emptied_by(workers, server)
            walls[workers].append(wall)
            cpus[workers].append(cpu)
            tried = Attempt.objects.filter(message__notice=notice)
            if tried.count() != MESSAGES or tried.values("message").distinct().count() != MESSAGES:
                raise RuntimeError(f"{workers} workers: {tried.count()} attempts at {MESSAGES} messages")
    found = []
    for workers in (2, 3):
        rate, effort = min(walls[1]) / min(walls[workers]), min(cpus[workers]) / min(cpus[1])
        note = f"rate, that of one being 1; every message once; {os.cpu_count()} cores"
        found += [
            row(f"{workers} workers on one database", rate, "x", note),
            row(f"{workers} workers, processor time a message", effort, "x", "that of one being 1"),
        ]
    return found


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


def _emptied_by(workers: int, server: int) -> tuple[float, float]:
    """Seconds until that many processes, started beforehand, have found nothing left to do; and of processors."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SENDER], env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(workers)
    ]
    for process in processes:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise RuntimeError("a worker did not start")
    before = sum(tree_seconds(process.pid) for process in processes)
    ended = _of_children()
    with Meter(server) as used:
        for process in processes:  # all of them, before anybody is waited for
            if process.stdin is not None:
                process.stdin.write(b"go\n")
                process.stdin.flush()
        for process in processes:
            process.wait(300)
    for process in processes:
        process.communicate()
    return used.wall, used.server + _of_children() - ended - before


def _of_children() -> float:
    """Processor seconds of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
