"""The demo city: how long it takes to make and to load, beside what PostgreSQL itself needs for the same bytes.

Three ways for the same 19,000 rows, each with its commit on a durable server: ours (COPY into the real tables with
all their indexes, foreign keys and checks), the floor (COPY of ready-made text into copies of the tables without any
index or constraint), and the usual way (`bulk_create` through the ORM into the real tables).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from changbei.network import loading
from changbei.network.city import City, CitySpec, make

REPEATS = 3


def run() -> list[dict[str, Any]]:
    began = time.perf_counter()
    city = make(CitySpec())
    make_seconds = time.perf_counter() - began
    ours = best(lambda: loading.load(city), before=lambda: empty(city))
    empty(city)
    buffers = encoded(city)
    bare = best(lambda: copy_bare(city, buffers), before=lambda: bare_tables(city))
    drop_bare_tables(city)
    orm = best(lambda: bulk_create(city), before=lambda: empty(city), repeats=1)
    empty(city)
    rows = city.row_count
    return [
        {"name": "make the city", "value": make_seconds, "unit": "s", "note": "12,000 retailers, one core"},
        {
            "name": "load the city",
            "value": rows / ours,
            "unit": "rows/s",
            "note": f"{rows:,} rows in {ours:.2f} s",
        },
        {
            "name": "floor: COPY, no indexes",
            "value": rows / bare,
            "unit": "rows/s",
            "note": f"text made beforehand; we take {ours / bare:.1f} times as long",
        },
        {
            "name": "peer: bulk_create",
            "value": rows / orm,
            "unit": "rows/s",
            "note": f"we take {ours / orm:.2f} times as long",
        },
    ]


def best(work: Callable[[], object], *, before: Callable[[], object], repeats: int = REPEATS) -> float:
    """The shortest of some runs, in seconds; `before` is not counted."""
    times = []
    for _ in range(repeats):
        before()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def table_names(city: City) -> list[str]:
    return [apps.get_model(table.model)._meta.db_table for table in city.tables]


def empty(city: City) -> None:
    with connection.cursor() as cursor:
        names = ", ".join(f'"{name}"' for name in table_names(city))
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def bare_tables(city: City) -> None:
    drop_bare_tables(city)
    with connection.cursor() as cursor:
        for name in table_names(city):
            cursor.execute(f'CREATE TABLE "bare_{name}" (LIKE "{name}")')


def drop_bare_tables(city: City) -> None:
    with connection.cursor() as cursor:
        for name in table_names(city):
            cursor.execute(f'DROP TABLE IF EXISTS "bare_{name}"')


def encoded(city: City) -> list[bytes]:
    """Each table as the text that COPY reads, taken from the database after an ordinary load."""
    loading.load(city)
    buffers = []
    with connection.cursor() as cursor:
        for name, table in zip(table_names(city), city.tables, strict=True):
            columns = ", ".join(f'"{column}"' for column in table.columns)
            with cursor.copy(f'COPY "{name}" ({columns}) TO STDOUT') as copy:
                buffers.append(b"".join(bytes(block) for block in copy))
    return buffers


def copy_bare(city: City, buffers: list[bytes]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for name, table, buffer in zip(table_names(city), city.tables, buffers, strict=True):
            columns = ", ".join(f'"{column}"' for column in table.columns)
            with cursor.copy(f'COPY "bare_{name}" ({columns}) FROM STDIN') as copy:
                copy.write(buffer)


def bulk_create(city: City) -> None:
    with transaction.atomic():
        for table in city.tables:
            model = apps.get_model(table.model)
            names = {field.column: field.attname for field in model._meta.concrete_fields}
            attributes = [names[column] for column in table.columns]
            model._default_manager.bulk_create(
                [model(**dict(zip(attributes, row, strict=True))) for row in table.rows], batch_size=1000
            )
