"""A generated city into the database: COPY, table by table, in one transaction."""

from __future__ import annotations

import json
from typing import Any, cast

from django.apps import apps
from django.db import connection, models, transaction

from changbei.core.errors import Conflict
from changbei.network.city.plan import City, Row, Table


def load(city: City) -> int:
    """Copy every table of `city`; returns the number of rows. Ids are the city's own, sequences continue
    after them.

    Raises Conflict when there is already a city, or anybody, in the database: a city is the ground
    everything else stands on, and is not laid a second time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for table in city.tables:
            if _model(table)._default_manager.exists():
                raise Conflict(f"{table.model}: the database already has rows; a city needs an empty one")
        for table in city.tables:
            _copy(cursor, table)
        _continue_sequences(cursor, city)
    return city.row_count


def _continue_sequences(cursor: Any, city: City) -> None:
    """New rows get the ids after the copied ones."""
    names = [f'"{_model(table)._meta.db_table}"' for table in city.tables]
    tops = [max(1, len(table.rows)) for table in city.tables]
    cursor.execute(
        "SELECT setval(pg_get_serial_sequence(name, 'id'), top)"
        " FROM unnest(%s::text[], %s::bigint[]) AS t(name, top)",
        [names, tops],
    )


def _copy(cursor: Any, table: Table) -> None:
    model = _model(table)
    columns = ", ".join(f'"{column}"' for column in table.columns)
    documents = _json_positions(model, table.columns)
    with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in table.rows:
            copy.write_row(_with_documents(row, documents))


def _model(table: Table) -> type[models.Model]:
    room, name = table.model.split(".")
    return cast(type[models.Model], apps.get_model(room, name))


def _json_positions(model: type[models.Model], columns: tuple[str, ...]) -> list[int]:
    kinds = {field.column: field for field in model._meta.concrete_fields}
    return [
        position for position, column in enumerate(columns) if isinstance(kinds[column], models.JSONField)
    ]


def _with_documents(row: Row, positions: list[int]) -> Row:
    if not positions:
        return row
    values = list(row)
    for position in positions:
        values[position] = json.dumps(values[position], ensure_ascii=False)
    return tuple(values)
