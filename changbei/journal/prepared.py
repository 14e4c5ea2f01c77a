"""Statements that are asked over and over: the server reads and plans each once a connection; and objects by the
hundred, without the models' constructors.

A queryset sends its values inside the text, which the server takes apart and plans anew every time: for the short
statements of a report or a claim that costs more than carrying them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models import JSONField, Model
from django.db.models.base import ModelState

M = TypeVar("M", bound=Model)
AFTER = 1  # executions on one connection; what is asked once only is not worth it


@contextmanager
def cursor() -> Iterator[CursorWrapper]:
    """A cursor for one statement whose text stays the same. Values travel beside it: where their type does not follow
    from the place they stand at, the text has to say it (`%s::bigint[]`).
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session = connection.connection
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    before, session.prepare_threshold = session.prepare_threshold, AFTER
    try:
        with make(ServerBindingCursor(session)) as found:  # type: ignore[call-arg, arg-type]  # stubs of psycopg 2
            yield found
    finally:
        session.prepare_threshold = before


def objects(model: type[M], which: str, values: Sequence[Any], columns: tuple[str, ...] = ()) -> list[M]:
    """Objects of `model`, t in the statement, with these columns of theirs (else all). `which` is what stands behind
    `FROM table t`, of constants of ours alone. The constructor, which looks at every field in turn, costs several
    times as much as the rest.
    """
    names, documents = _columns(model, columns)
    chosen = ", ".join(f't."{name}"' for name in names)
    with cursor() as found:
        found.execute(f'SELECT {chosen} FROM "{model._meta.db_table}" t {which}', values)  # noqa: S608
        rows = found.fetchall()
    return [_object(model, names, documents, row) for row in rows]


def _object(model: type[M], names: tuple[str, ...], documents: tuple[str, ...], row: Sequence[Any]) -> M:
    one = model.__new__(model)
    one._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    content = one.__dict__
    content.update(zip(names, row, strict=True))
    for name in documents:
        if content[name] is not None:
            content[name] = orjson.loads(content[name])
    return one


@lru_cache(maxsize=64)
def _columns(model: type[Model], columns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the columns, which are those of the attributes, and which of them are JSON."""
    fields = [field for field in model._meta.concrete_fields if not columns or field.attname in columns]
    names = tuple(str(field.attname) for field in fields)
    return names, tuple(str(field.attname) for field in fields if isinstance(field, JSONField))
