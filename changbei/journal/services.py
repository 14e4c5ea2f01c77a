"""Adding facts and reading them back in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet

from changbei.core import clock
from changbei.journal import wake
from changbei.journal.models import Entry
from changbei.journal.rows import Rows, insert_now

_simulated: ContextVar[bool] = ContextVar("simulated", default=False)


class Actor(Protocol):
    """Whoever did it, as the journal needs to know: a `people.Person`."""

    @property
    def pk(self) -> Any: ...

    name: Any
    staff_no: Any


@dataclass(frozen=True)
class NewEntry:
    """A fact before it is written. `actor` is None for what the engine itself did; `data` is JSON.

    `at` is only for what happened at a known moment before now; else the clock says it.
    """

    kind: str
    actor: Actor | None = None
    incident: UUID | None = None
    run: UUID | None = None
    item: str = ""
    clause: str = ""
    drill: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def append(
    kind: str,
    *,
    actor: Actor | None,
    incident: UUID | None = None,
    run: UUID | None = None,
    item: str = "",
    clause: str = "",
    drill: bool = False,
    data: dict[str, Any] | None = None,
) -> Entry:
    """Record one fact in the caller's transaction; the worker is woken when that commits."""
    new = NewEntry(kind, actor, incident, run, item, clause, drill, data or {})
    return append_many([new])[0]


def append_many(news: Sequence[NewEntry]) -> list[Entry]:
    """Record facts, in this order, with one statement."""
    if not news:
        return []
    rows = _rows(news)
    wake.workers()
    keys = insert_now(Entry, rows)
    return [
        Entry.from_db(None, ["id", *row], [key, *row.values()]) for key, row in zip(keys, rows, strict=True)
    ]


def add(news: Sequence[NewEntry], rows: Rows) -> None:
    """Record facts, in this order, together with the other rows of a transaction."""
    if news:
        rows.insert(Entry, _rows(news))
        wake.workers()


@contextmanager
def simulated(on: bool = True) -> Iterator[None]:
    """What people are recorded to do inside, they did not do themselves: an exercise answered for them."""
    before = _simulated.set(on)
    try:
        yield
    finally:
        _simulated.reset(before)


def is_simulated(entry: Entry) -> bool:
    """Whether an exercise answered for the person who is recorded to have done it."""
    return entry.data.get("simulated") is True


def timeline(incident: UUID) -> QuerySet[Entry]:
    """What is known about an incident, in the order it was recorded."""
    return Entry.objects.filter(incident=incident).order_by("id")


def run_timeline(*runs: UUID) -> QuerySet[Entry]:
    """What is known about runs of procedures, in the order it was recorded."""
    return Entry.objects.filter(run__in=runs).order_by("id")


def _rows(news: Sequence[NewEntry]) -> list[dict[str, Any]]:
    now = clock.now()
    return [
        {
            "at": new.at or now,
            "kind": new.kind,
            "actor_id": new.actor.pk if new.actor else None,
            "actor_label": f"{new.actor.name} ({new.actor.staff_no})" if new.actor else "",
            "incident": new.incident,
            "run": new.run,
            "item": new.item,
            "clause": new.clause,
            "drill": new.drill,
            "data": {**new.data, "simulated": True} if new.actor and _simulated.get() else new.data,
        }
        for new in news
    ]
