"""Writing very many messages with COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb

from changbei.notify.models import Message


def copy_messages(messages: Sequence[Message]) -> None:
    """Write messages, all columns but the key, in one COPY of the caller's transaction."""
    columns = {
        field.attname: str(field.column) for field in Message._meta.concrete_fields if not field.primary_key
    }
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(Message._meta.db_table),
        sql.SQL(", ").join([sql.Identifier(one) for one in columns.values()]),
    )
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for message in messages:
            copy.write_row([_plain(getattr(message, name)) for name in columns])


def _plain(value: Any) -> Any:
    """Enumeration members and maps as the plain values that psycopg adapts."""
    if isinstance(value, dict):
        return Jsonb(value)
    return value.value if hasattr(value, "value") else value
