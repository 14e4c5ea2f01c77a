"""Many rows changed at once: one statement for thousands of stops, where a CASE for every row costs seconds."""

# The only texts that go into the statement are names of our own models' columns.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def update(rows: Iterable[models.Model], names: Sequence[str]) -> None:
    """Write these fields of saved rows of one model, as they stand in memory."""
    given = list(rows)
    if not given:
        return
    model = given[0]._meta
    fields = [_column(model, name) for name in (model.pk.name, *names)]
    key, *columns = [connection.ops.quote_name(str(field.column)) for field in fields]
    sets = ", ".join(f"{column} = given.{column}" for column in columns)
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    table = connection.ops.quote_name(model.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {sets} FROM unnest({arrays}) AS given({', '.join((key, *columns))})"
            f" WHERE {table}.{key} = given.{key}",
            [[getattr(row, field.attname) for row in given] for field in fields],
        )


def _column(model: Any, name: str) -> models.Field[Any, Any]:
    field: models.Field[Any, Any] = model.get_field(name)
    return field
