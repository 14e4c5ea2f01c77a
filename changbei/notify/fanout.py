"""One notice to very many customers: rows go from the register into one COPY, without an object for each.

50,000 messages are one transaction of a few statements: the notice, the COPY, one journal entry. Who gets which row is
decided by the same rules as for one message (`rules.rows`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import QuerySet
from psycopg import sql

from changbei.core import clock
from changbei.journal.services import NewEntry, append_many
from changbei.network.models import Retailer
from changbei.notify import rules, services
from changbei.notify.book import book
from changbei.notify.channels.registry import offered
from changbei.notify.models import Message, Notice
from changbei.notify.paper import PAPER
from changbei.notify.recipients import Recipient, each_retailer
from changbei.notify.services import NewNotice, Way
from changbei.people.models import Person

State = Message.State
CHUNK = 1_000
NULL = r"\N"
# What differs from row to row; every other column has the same words in all of them.
VARYING = (
    "uuid",
    "retailer_id",
    "channel",
    "rung",
    "address",
    "language",
    "state",
    "due_at",
    "error",
    "values",
)


@dataclass
class Counted:
    """How many were told, and how many messages of each channel and state that makes."""

    recipients: int = 0
    messages: Counter[str] = field(default_factory=Counter)


def tell_retailers(
    new: NewNotice,
    retailers: QuerySet[Retailer],
    *,
    audience: dict[str, Any] | None = None,
    actor: Person | None,
) -> Notice:
    """Tell every customer of the query, each once and by name when the wording asks for it (`new.personal`).

    With the channel `paper` among the notice's, whoever has no other way gets a row that a person will carry out.
    """
    facts: list[NewEntry] = []
    with transaction.atomic(savepoint=False):
        [notice] = services.tell_many([(new, ())], actor=actor, facts=facts)
        counted = Counted()
        way = Way(offered(), book(), frozenset(), clock.now())
        # One connection does one thing at a time: all is read before the first row is written (200 bytes each).
        lines = list(_lines(notice, new, each_retailer(retailers, new.personal), way, counted))
        with connection.cursor() as cursor, cursor.cursor.copy(_statement()) as copy:
            for first in range(0, len(lines), CHUNK):
                copy.write("".join(lines[first : first + CHUNK]))
        data = {
            **facts[0].data,
            "recipients": counted.recipients,
            "messages": dict(sorted(counted.messages.items())),
        }
        data.pop("to", None)
        if audience:
            data["audience"] = audience
            Notice.objects.filter(pk=notice.pk).update(audience=audience, by=actor)
            notice.audience, notice.by = audience, actor
        append_many([replace(facts[0], data=data)])
    return notice


def _lines(
    notice: Notice, new: NewNotice, recipients: Iterable[Recipient], way: Way, counted: Counted
) -> Iterator[str]:
    """The rows in the text form of COPY, and how many there are of each channel and state."""
    before, after = _constants(notice, way.now)
    by_hand = PAPER in new.channels
    wired = tuple(channel for channel in new.channels if channel != PAPER)
    only_paper = by_hand and not wired
    for one in recipients:
        counted.recipients += 1
        kept_back = rules.kept_from_outside(one, drill=new.drill, outside_too=new.outside_in_drill)
        rows = [] if only_paper else _rows(one, new, wired, way)
        if by_hand and all(row.state == State.UNREACHABLE for row in rows):
            rows = [rules.Row(PAPER, 0, "", State.QUEUED, None)]
        values = _escaped(json.dumps(one.values, ensure_ascii=False)) if one.values and new.personal else NULL
        for row in rows:
            state, due_at, error = row.state, row.due_at, row.error
            if kept_back:
                state, due_at, error = State.STOPPED, None, "drill: nobody outside is told"
            counted.messages[f"{row.channel}:{state}"] += 1
            moment = due_at.isoformat() if due_at else NULL
            varying = (
                f"{uuid4()}\t{one.id}\t{row.channel}\t{row.rung}\t{_escaped(row.address)}\t{one.language}\t{state}"
                f"\t{moment}\t{_escaped(error)}\t{values}"
            )
            yield f"{before}{varying}{after}"


def _rows(one: Recipient, new: NewNotice, channels: tuple[str, ...], way: Way) -> list[rules.Row]:
    return rules.rows(
        one,
        urgency=new.urgency,
        resend=new.wants_answers,
        channels=channels,
        offered=way.offered,
        now=way.now,
        book=way.book,
    )


def _columns() -> list[str]:
    """Every column but the key; those that vary come last."""
    own = [str(one.column) for one in Message._meta.concrete_fields if not one.primary_key]
    return [name for name in own if name not in VARYING] + list(VARYING)


def _statement() -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(Message._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, _columns()))
    )


def _constants(notice: Notice, now: datetime) -> tuple[str, str]:
    """What stands before and after the varying part of each line."""
    model = Message(notice=notice, urgency=notice.urgency, queued_at=now)
    names = {str(one.column): one.attname for one in Message._meta.concrete_fields}
    fixed = [getattr(model, names[name]) for name in _columns() if name not in VARYING]
    return "".join(f"{_plain(value)}\t" for value in fixed), "\n"


def _plain(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "value"):
        return str(value.value)
    return _escaped(str(value))


def _escaped(words: str) -> str:
    """As the text form of COPY wants it."""
    if "\\" in words or "\t" in words or "\n" in words or "\r" in words:
        return words.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
    return words
