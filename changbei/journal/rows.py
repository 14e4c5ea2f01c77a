"""Rows of many tables, collected by whoever has something to write and written in one statement.

A report, or a thousand deadlines, come to rows of nine tables. Each kind of row goes to the server as one JSON
document, and data-modifying parts of one statement write them all: the number of round trips does not grow with
the number of rows, of tables or of runs.

Foreign keys are checked at the commit, so the order of the parts does not matter; one statement must not touch
the same row twice. Values are those of the columns (`run_id`, not `run`); a field whose value the database gives
by itself (`db_default`) is left to it.
"""

# Statements are put together of the names of our own tables and columns alone:
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

import orjson
from django.db.models import Model
from django.db.models.base import ModelState
from django.utils.functional import Promise

from changbei.journal import prepared

Row = Mapping[str, Any]
M = TypeVar("M", bound=Model)


class Part(NamedTuple):
    """One kind of writing: the table, the columns given, and those by which a row is found again."""

    verb: str
    table: str
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()
    more: tuple[str, ...] = ()  # of an update: columns to which the value is added


class Rows:
    """What one transaction has to write, kind by kind."""

    def __init__(self) -> None:
        self._parts: dict[Part, list[Row]] = {}

    def insert(self, model: type[Model], rows: Iterable[Row]) -> None:
        """New rows; those of one call have the same columns."""
        self._add("insert", model, rows)

    def insert_objects(self, objects: Iterable[Model]) -> None:
        """New rows for objects of one model, which have their key already or else never learn it."""
        ordered = list(objects)
        if ordered:
            model = type(ordered[0])
            names = _names(model, ordered[0].pk is not None)
            columns = tuple(column for _, column in names)
            self._add("insert", model, _rows_of(ordered, names), columns=columns)

    def upsert(self, model: type[Model], rows: Iterable[Row], *, keys: Sequence[str]) -> None:
        """New rows, or else new values of those that have the same `keys`."""
        self._add("upsert", model, rows, tuple(keys))

    def update(
        self, model: type[Model], rows: Iterable[Row], *, keys: Sequence[str], more: Sequence[str] = ()
    ) -> None:
        """New values of rows that are there; values of the columns `more` are added to the old ones."""
        self._add("update", model, rows, tuple(keys), tuple(more))

    def write(self) -> None:
        """Write everything; nothing is left over for a second time."""
        parts, self._parts = self._parts, {}
        if parts:
            with prepared.cursor() as cursor:
                cursor.execute(_statement(tuple(parts)), [to_json(rows) for rows in parts.values()])

    def _add(
        self,
        verb: str,
        model: type[Model],
        rows: Iterable[Row],
        keys: tuple[str, ...] = (),
        more: tuple[str, ...] = (),
        columns: tuple[str, ...] = (),
    ) -> None:
        """Without `columns` the rows have the first one's."""
        ordered = list(rows)
        if ordered:
            part = Part(verb, model._meta.db_table, columns or tuple(ordered[0]), keys, more)
            self._parts.setdefault(part, []).extend(ordered)


def insert_now(model: type[Model], rows: Sequence[Row]) -> list[int]:
    """Write new rows at once, and say the keys they were given, in the same order."""
    part = Part("insert", model._meta.db_table, tuple(rows[0]))
    with prepared.cursor() as cursor:
        cursor.execute(f"{_fragment(part)} RETURNING id", [to_json(rows)])
        return [key for (key,) in cursor.fetchall()]


def reserve(
    counts: Mapping[type[Model], int], *, behind_lock: int | None = None
) -> dict[type[Model], list[int]]:
    """Keys for rows that refer to each other before any of them is written: so many of each model, ascending.

    With `behind_lock` the advisory lock of this number is taken first, until the transaction ends: keys are given in
    the order in which the lock was got.
    """
    wanted = {model: count for model, count in counts.items() if count}
    locks = [] if behind_lock is None else [f"SELECT -1, 0 FROM pg_advisory_xact_lock({behind_lock:d})"]
    picks = [
        f"SELECT {number}, nextval(s) FROM pg_get_serial_sequence('{model._meta.db_table}', 'id') s,"
        " generate_series(1, %s::int)"
        for number, model in enumerate(wanted)
    ]
    found: dict[int, list[int]] = {number: [] for number in range(-1, len(wanted))}
    if locks or picks:
        with prepared.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([*locks, *picks]), list(wanted.values()))
            for number, key in cursor.fetchall():
                found[number].append(key)
    keys = {model: sorted(found[number]) for number, model in enumerate(wanted)}
    return {model: keys.get(model, []) for model in counts}


def made(model: type[M], **values: Any) -> M:
    """An unsaved object of `model` with these fields, and what the model says for the others. For rows by the hundred:
    its constructor, which looks at every field in turn, costs ten times as much. Raises TypeError for an unknown field.
    """
    blank = _blank(model)
    if not values.keys() <= blank.names:
        raise TypeError(f"{model.__name__} has no {', '.join(sorted(values.keys() - blank.names))}")
    one = model.__new__(model)
    one._state = state = ModelState()
    content = one.__dict__
    content |= blank.constants
    for name, default in blank.calls:
        if name not in values:
            content[name] = default()
    for name, value in values.items():
        if column := blank.relations.get(name):
            content[column] = None if value is None else value.pk
            state.fields_cache[name] = value
        else:
            content[name] = value
    return one


class Blank(NamedTuple):
    """What an object of a model has before anything is said about it."""

    names: frozenset[str]
    constants: dict[str, Any]
    calls: tuple[tuple[str, Callable[[], Any]], ...]
    relations: dict[str, str]  # name of the relation → name of its key


@cache
def _blank(model: type[Model]) -> Blank:
    fields = model._meta.concrete_fields
    given = {
        field.attname: field.default for field in fields if field.has_default() and not field.has_db_default()
    }
    calls = tuple((name, default) for name, default in given.items() if callable(default))
    constants = {
        field.attname: None if field.attname in dict(calls) else field.get_default() for field in fields
    }
    relations = {field.name: field.attname for field in fields if field.attname != field.name}
    return Blank(frozenset({*constants, *relations}), constants, calls, relations)


def to_json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: object) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no value of a column")


def _rows_of(objects: Sequence[Model], names: Sequence[tuple[str, str]]) -> list[Row]:
    """The columns of unsaved objects of one model. What is empty is left out: most columns of most messages are, and
    the server takes what is not there for empty.
    """
    return [
        {column: value for name, column in names if (value := values[name]) is not None}
        for values in (one.__dict__ for one in objects)
    ]


@cache
def _names(model: type[Model], with_key: bool) -> list[tuple[str, str]]:
    return [
        (field.attname, str(field.column))
        for field in model._meta.concrete_fields
        if not field.has_db_default() and (with_key or not field.primary_key)
    ]


@lru_cache(maxsize=512)
def _statement(parts: tuple[Part, ...]) -> str:
    if len(parts) == 1:
        return _fragment(parts[0])
    named = ", ".join(f"p{number} AS ({_fragment(part)})" for number, part in enumerate(parts))
    return f"WITH {named} SELECT 1"


def _fragment(part: Part) -> str:
    table = f'"{part.table}"'
    values = [name for name in part.columns if name not in part.keys]
    if part.verb == "update":
        changed = ", ".join(
            f'"{name}" = t."{name}" + v."{name}"' if name in part.more else f'"{name}" = v."{name}"'
            for name in values
        )
        found = " AND ".join(f't."{name}" = v."{name}"' for name in part.keys)
        # As jsonb a document inside, the state of a run, is read once and not twice.
        given = f"jsonb_populate_recordset(NULL::{table}, %s::jsonb) v"
        return f"UPDATE {table} t SET {changed} FROM {given} WHERE {found}"
    columns = ", ".join(f'"{name}"' for name in part.columns)
    given = f"json_populate_recordset(NULL::{table}, %s::json) v"
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {given}"
    if part.verb == "insert":
        return insert
    again = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in values)
    keys = ", ".join(f'"{name}"' for name in part.keys)
    return f"{insert} ON CONFLICT ({keys}) DO UPDATE SET {again}"
