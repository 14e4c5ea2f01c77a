"""DBOS: a report as a workflow with twelve steps and twelve queued notices, and notices as child workflows of a queue.

Run as `python dbos_peer.py DSN POSTMASTER REPORTS NOTICES`; prints JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cpu import Meter
from dbos import DBOS

DSN, POSTMASTER, REPORTS, NOTICES = sys.argv[1], *map(int, sys.argv[2:])
DBOS(config={"name": "peer", "system_database_url": DSN, "log_level": "ERROR", "run_admin_server": False})


@DBOS.step()
def open_task(incident: int, number: int) -> dict[str, int]:
    """What a step returns is its record: written before the next one begins."""
    return {"incident": incident, "task": number}


@DBOS.workflow()
def notice(number: int) -> int:
    return handed_over(number)


@DBOS.step()
def handed_over(number: int) -> int:
    return number


@DBOS.workflow()
def waits(number: int) -> int:
    return number


@DBOS.workflow()
def report(incident: int) -> int:
    for number in range(12):
        open_task(incident, number)
        DBOS.enqueue_workflow("later", waits, number)
    return incident


def main() -> dict[str, float]:
    DBOS.launch()
    DBOS.register_queue("notices", worker_concurrency=50, polling_interval_sec=0.1)
    DBOS.register_queue("later", worker_concurrency=1, polling_interval_sec=3600)
    with Meter(POSTMASTER) as reports:
        for number in range(REPORTS):
            report(number)
    with Meter(POSTMASTER) as told:
        handles = [DBOS.enqueue_workflow("notices", notice, number) for number in range(NOTICES)]
        for handle in handles:
            handle.get_result()
    return {"report": reports.both / REPORTS, "notice": told.both / NOTICES}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    found = main()
    json.dump(found, sys.stdout)
    sys.stdout.flush()
    DBOS.destroy()
