"""The engine: reports, messages through a channel, deadlines, several workers, a small site over HTTP; beside a floor
and beside peers.

The floor is the same rows with the same durability, written by bare SQL in the same run on the same server; the peers
(procrastinate, DBOS) do the like on that server, in an environment of their own. What is compared is processor time,
of the program and of the server together: wall time depends on what else the machine does, and where it is what is
asked for the note says how many processes wanted the machine. Ratios count.
"""

from __future__ import annotations

from bench.engine import deadlines, live, messages, peers, reports, workers
from bench.engine.common import Row, postmaster
from changbei.runs.tests import house


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    people, version = house.make_people(), house.make_version()
    server = postmaster()
    report_rows, report_ms = reports.rows(people, version, server)
    message_rows, message_ms = messages.rows(server)
    worker_rows = workers.rows(server)
    timer_rows = deadlines.rows(people, version, server)
    deadlines.clear()
    live_rows = live.rows(server)
    peer_rows = peers.rows(report_ms, message_ms, server)
    return [*report_rows, *live_rows, *message_rows, *worker_rows, *timer_rows, *peer_rows]
