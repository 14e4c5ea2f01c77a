"""Reading the journal as an outbox: facts lead to reactions, each exactly once, in the order facts were
committed.

An entry's reactions, and the moved cursor, are one transaction: a worker that dies in between has
done nothing. A reaction that raises is rolled back alone, kept as a `FailedReaction`, tried again later,
and does not hold up the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min

from changbei.core import clock, faults
from changbei.journal import horizon
from changbei.journal.models import Cursor, Entry, FailedReaction
from changbei.journal.seals import Position, between

logger = logging.getLogger(__name__)

READER = "reactions"
EVERY = "*"  # key of the table for reactions to facts of any kind
MOST_ATTEMPTS = 8


def _always(_entry: Entry) -> bool:
    return True


def _any(_kind: str) -> bool:
    return True


@dataclass(frozen=True)
class Reaction:
    """What is done about a fact. `name` stays the same for good: failures are kept under it.

    `when` looks at the entry alone, without the database; `of` at its kind, before anything else of it is read.
    """

    name: str
    do: Callable[[Entry], None]
    when: Callable[[Entry], bool] = _always
    of: Callable[[str], bool] = _any


Table = Mapping[str, Sequence[Reaction]]


def react(table: Table, *, limit: int = 500) -> int:
    """React to one batch of new entries; the number of entries looked at."""
    if connection.in_atomic_block:
        raise RuntimeError("react() commits as it goes: it cannot run inside a transaction")
    start = _position()
    new = between(start, None).filter(txid__lt=horizon.current())
    batch = list(new.values_list("txid", "id", "kind")[:limit])
    heard = Entry.objects.in_bulk([key for _, key, kind in batch if _of_kind(table, kind)])
    at = here = start
    for txid, key, _ in batch:
        here = Position(txid, key)
        entry = heard.get(key)
        reactions = _reactions(table, entry) if entry else []
        if entry and reactions:
            if not _react_to(entry, reactions, at, here):
                return 0  # another worker is at it
            at = here
    if batch and at != here and not _move(at, here):
        return 0
    return len(batch)


def retry(table: Table, *, limit: int = 20) -> int:
    """Try reactions again that failed and are due; the number tried."""
    tried = 0
    while tried < limit and _retry_one(table):
        tried += 1
    return tried


def next_due() -> datetime | None:
    """When the next failed reaction is to be tried again."""
    due: datetime | None = FailedReaction.objects.filter(due_at__isnull=False).aggregate(due=Min("due_at"))[
        "due"
    ]
    return due


def behind() -> int:
    """How many entries have not been looked at."""
    return between(_position(), None).count()


def oldest_unread() -> datetime | None:
    """When the oldest of the entries was recorded that have not been looked at; None when there is none."""
    return between(_position(), None).values_list("at", flat=True).first()


def _position() -> Position:
    cursor = Cursor.objects.filter(reader=READER).first()
    if cursor is None:
        Cursor.objects.bulk_create([Cursor(reader=READER)], ignore_conflicts=True)
        return Position(0, 0)
    return Position(cursor.txid, cursor.entry_id)


def _reactions(table: Table, entry: Entry) -> list[Reaction]:
    return [reaction for reaction in _of_kind(table, entry.kind) if reaction.when(entry)]


def _of_kind(table: Table, kind: str) -> list[Reaction]:
    return [reaction for reaction in (*table.get(kind, ()), *table.get(EVERY, ())) if reaction.of(kind)]


def _react_to(entry: Entry, reactions: list[Reaction], at: Position, here: Position) -> bool:
    with transaction.atomic():
        if not _move(at, here):
            return False
        faults.point("reactions.begun")
        for reaction in reactions:
            if error := _attempt(reaction, entry):
                FailedReaction.objects.create(
                    entry=entry, reader=READER, reaction=reaction.name, error=error, due_at=_retry_at(1)
                )
        faults.point("reactions.before_commit")
    return True


def _move(at: Position, to: Position) -> bool:
    """Take the cursor from `at` to `to`; holds its row until the commit, so that one worker reacts at a
    time.
    """
    moved = Cursor.objects.filter(reader=READER, txid=at.txid, entry_id=at.id).update(
        txid=to.txid, entry_id=to.id
    )
    return moved == 1


def _attempt(reaction: Reaction, entry: Entry) -> str:
    """Do it in a savepoint of its own; the error in words when it raised."""
    try:
        with transaction.atomic():
            reaction.do(entry)
    except Exception as error:  # whatever it was: the next fact must not wait for it
        logger.exception("reaction %s to entry %s failed", reaction.name, entry.pk)
        return f"{type(error).__name__}: {error}"
    return ""


def _retry_one(table: Table) -> bool:
    with transaction.atomic():
        failed = (
            FailedReaction.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("entry")
            .filter(reader=READER, due_at__lte=clock.now())
            .order_by("due_at", "id")
            .first()
        )
        if failed is None:
            return False
        again = [found for found in _reactions(table, failed.entry) if found.name == failed.reaction]
        error = _attempt(again[0], failed.entry) if again else "no such reaction any more"
        failed.attempts += 1
        failed.error = error or failed.error
        failed.done_at = None if error else clock.now()
        given_up = not again or failed.attempts >= MOST_ATTEMPTS
        failed.due_at = _retry_at(failed.attempts) if error and not given_up else None
        failed.save(update_fields=["attempts", "error", "done_at", "due_at"])
        return True


def _retry_at(attempts: int) -> datetime:
    """5 s after the first attempt, then doubling, at most ten minutes."""
    return clock.now() + timedelta(seconds=min(5 * 2 ** (attempts - 1), 600))
