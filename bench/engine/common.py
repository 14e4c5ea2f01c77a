"""What the parts share."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from bench.cpu import parent_of

Row = dict[str, Any]


def row(name: str, value: float, unit: str, note: str = "") -> Row:
    return {"name": name, "value": round(value, 4), "unit": unit, "note": note}


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def postmaster() -> int:
    """The process id of the server that this program works with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return parent_of((cursor.fetchone() or (0,))[0])


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def columns(model: type[Model], *without: str) -> list[str]:
    """All columns but the key and those named."""
    fields = model._meta.concrete_fields
    return [str(one.column) for one in fields if not one.primary_key and one.column not in without]


def address_of(database: str) -> str:
    """Another database of the same server."""
    head, question, options = os.environ["CHANGBEI_DATABASE_URL"].partition("?")
    return f"{head.rpartition('/')[0]}/{database}{question}{options}"
