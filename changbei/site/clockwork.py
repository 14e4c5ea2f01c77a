"""All workers' jobs in one thread, on a clock that somebody moves: hours pass in milliseconds, in order.

For drills and story tests. Workers see only what is committed, so never inside a transaction.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection

from changbei.core import clock, durations
from changbei.journal import outbox
from changbei.site import worker

MOST_ROUNDS = 500
PATIENCE_SECONDS = 60.0


def run_until_quiet() -> int:
    """Run all jobs at the present time until none has anything left to do; how much was done."""
    if connection.in_atomic_block:
        raise RuntimeError("workers see only what is committed: mark a test django_db(transaction=True)")
    done, began = 0, time.monotonic()
    for _ in range(MOST_ROUNDS):
        did = worker.tick()
        done += did
        if did:
            continue
        if not outbox.behind():
            return done
        # Another session's open transaction holds the journal's horizon back for a moment.
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise RuntimeError(f"{outbox.behind()} facts cannot be read: a transaction stays open")
        time.sleep(0.01)
    raise RuntimeError(f"still busy after {MOST_ROUNDS} rounds at the same moment: something goes in circles")


def virtual() -> clock.VirtualClock:
    """The clock in use, which somebody here may move."""
    current = clock.current()
    if not isinstance(current, clock.VirtualClock):
        raise RuntimeError("the clock in use is not a VirtualClock: a test asks for the fixture `clock`")
    return current


def fast_forward(duration: str | timedelta) -> None:
    """Let `duration` ("3m", "1wd", a timedelta) pass, stopping at each moment for which something is planned."""
    start = clock.now()
    end = start + duration if isinstance(duration, timedelta) else durations.parse(duration).after(start)
    moving = virtual()
    run_until_quiet()
    while (due := worker.next_due()) is not None and due <= end:
        moving.advance_to(due)
        run_until_quiet()
    moving.advance_to(end)
    run_until_quiet()
