"""procrastinate: a report with twelve tasks, notices through a channel that takes no time, deadlines that fall due.

Run as `python procrastinate_peer.py DSN POSTMASTER REPORTS NOTICES PENDING DUE`; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import procrastinate
import psycopg
from cpu import Meter

DSN, POSTMASTER, REPORTS, NOTICES, PENDING, DUE = sys.argv[1], *map(int, sys.argv[2:])
TABLES = """
CREATE TABLE incident (id bigserial PRIMARY KEY, data jsonb, at timestamptz);
CREATE TABLE task (id bigserial PRIMARY KEY, incident_id bigint, title text, role text, due_at timestamptz);
CREATE TABLE audit (id bigserial PRIMARY KEY, kind text, data jsonb, at timestamptz);
"""
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=DSN))
lags: list[float] = []
due_at = 0.0


@app.task(queue="runs")
async def start_run(incident: int) -> None:
    """Twelve tasks with two deadlines each and a notice each, as jobs; a record of each."""
    now = datetime.now(UTC)
    connector = app.connector
    for number in range(12):
        await connector.execute_query_async(
            "INSERT INTO task (incident_id, title, role, due_at) VALUES (%(i)s, %(t)s, 'driver', %(d)s)",
            i=incident,
            t=f"Task {number}",
            d=now + timedelta(minutes=15),
        )
        await record("task_opened", {"incident": incident, "task": number})
        for minutes in (3, 15):
            later = deadline.configure(schedule_at=now + timedelta(days=1, minutes=minutes))
            await later.defer_async(task=number)
        await notice.configure(queue="later").defer_async(number=number)


@app.task(queue="notices")
async def notice(number: int) -> None:
    await record("handed_over", {"number": number})


@app.task(queue="deadlines")
async def deadline(task: int) -> None:
    await record("escalated", {"task": task})
    await notice.configure(queue="later").defer_async(number=task)
    lags.append(time.time() - due_at)


async def record(kind: str, data: dict[str, int]) -> None:
    await app.connector.execute_query_async(
        "INSERT INTO audit (kind, data, at) VALUES (%(k)s, %(d)s, now())", k=kind, d=json.dumps(data)
    )


async def report(number: int) -> None:
    row = await app.connector.execute_query_one_async(
        "INSERT INTO incident (data, at) VALUES (%(d)s, now()) RETURNING id", d=json.dumps({"van": number})
    )
    await start_run.defer_async(incident=row["id"])


async def work(queue: str) -> None:
    await app.run_worker_async(queues=[queue], wait=False, concurrency=4, install_signal_handlers=False)


async def main() -> dict[str, float]:
    global due_at
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await app.connector.execute_query_async(TABLES)
        with Meter(POSTMASTER) as reports:
            for number in range(REPORTS):
                await report(number)
            await work("runs")
        await notice.batch_defer_async(*({"number": number} for number in range(NOTICES)))
        with Meter(POSTMASTER) as notices:
            await work("notices")
        later = datetime.now(UTC) + timedelta(days=30)
        for _ in range(PENDING // 10_000):
            many = ({"task": number} for number in range(10_000))
            await deadline.configure(schedule_at=later).batch_defer_async(*many)
        due_at = time.time()
        soon = deadline.configure(schedule_at=datetime.now(UTC))
        await soon.batch_defer_async(*({"task": number} for number in range(DUE)))
        with Meter(POSTMASTER) as deadlines:
            await work("deadlines")
    ordered = sorted(lags)
    return {
        "report": reports.both / REPORTS,
        "notice": notices.both / NOTICES,
        "deadline": deadlines.both / max(1, len(lags)),
        "fired": len(lags),
        "p99": ordered[int(len(ordered) * 0.99) - 1],
    }


if __name__ == "__main__":
    psycopg.connect(DSN).close()
    json.dump(asyncio.run(main()), sys.stdout)
