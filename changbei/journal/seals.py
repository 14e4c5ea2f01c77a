"""The hash chain over the journal: each seal covers the entries since the one before, and that one's hash.

Whoever changes, adds or removes a sealed entry, or a seal, would have to recompute every later seal; and
the newest hash, printed or sent elsewhere (`head()`), then no longer fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from changbei.core import clock, faults
from changbei.core.errors import Problem
from changbei.journal import horizon
from changbei.journal.models import Entry, Seal

GENESIS = "0" * 64
_LOCK = 7_340_001  # advisory lock: one process seals at a time
_CHUNK = 2_000


@dataclass(frozen=True)
class Position:
    """A place in the order of entries, (txid, id)."""

    txid: int
    id: int


def seal() -> int:
    """Seal all entries that are certainly complete; the number of entries sealed."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            (ours,) = cursor.fetchone() or (False,)
        if not ours:
            return 0
        last = Seal.objects.order_by("-id").first()
        after = Position(last.upto_txid, last.upto_id) if last else Position(0, 0)
        previous = last.hash if last else GENESIS
        digest = _digest(previous, between(after, None).filter(txid__lt=horizon.current()))
        if digest.upto is None:
            return 0
        Seal.objects.create(
            after_txid=after.txid,
            after_id=after.id,
            upto_txid=digest.upto.txid,
            upto_id=digest.upto.id,
            entries=digest.entries,
            previous=previous,
            hash=digest.hash,
            at=clock.now(),
        )
        faults.point("seal.before_commit")
        return digest.entries


def head() -> str:
    """The newest link of the chain: worth keeping outside of this database."""
    last = Seal.objects.order_by("-id").first()
    return last.hash if last else GENESIS


def verify() -> list[Problem]:
    """Recompute the whole chain; one problem per seal that does not fit."""
    problems: list[Problem] = []
    previous, after = GENESIS, Position(0, 0)
    for link in Seal.objects.order_by("id").iterator():
        problems += _check(link, previous, after)
        previous, after = link.hash, Position(link.upto_txid, link.upto_id)
    return problems


def _check(link: Seal, previous: str, after: Position) -> Iterator[Problem]:
    where = f"seal {link.pk}"
    if (link.after_txid, link.after_id) != (after.txid, after.id) or link.previous != previous:
        yield Problem(where, "does not follow the seal before it: a seal was removed, added or changed")
    begin, end = Position(link.after_txid, link.after_id), Position(link.upto_txid, link.upto_id)
    found = _digest(link.previous, between(begin, end))
    span = f"entries after ({begin.txid}, {begin.id}) up to ({end.txid}, {end.id})"
    if found.entries != link.entries:
        yield Problem(where, f"{span}: {link.entries} were sealed, {found.entries} are there")
    elif found.hash != link.hash:
        yield Problem(where, f"{span}: an entry or the seal was changed")


def between(after: Position, upto: Position | None) -> QuerySet[Entry]:
    """The entries in (after, upto], in the order of the chain."""
    beyond = Q(txid__gt=after.txid) | Q(txid=after.txid, id__gt=after.id)
    entries = Entry.objects.filter(beyond, txid__gte=after.txid)
    if upto is not None:
        entries = entries.filter(
            Q(txid__lt=upto.txid) | Q(txid=upto.txid, id__lte=upto.id), txid__lte=upto.txid
        )
    return entries.order_by("txid", "id")


@dataclass(frozen=True)
class _Digest:
    hash: str
    entries: int
    upto: Position | None


def _digest(previous: str, entries: QuerySet[Entry]) -> _Digest:
    sha, count, upto = hashlib.sha256(previous.encode()), 0, None
    for entry in entries.iterator(chunk_size=_CHUNK):
        sha.update(b"\n" + canonical(entry))
        count, upto = count + 1, Position(entry.txid, entry.pk)
    return _Digest(sha.hexdigest(), count, upto)


def canonical(entry: Entry) -> bytes:
    """The bytes of an entry that are hashed: its columns as JSON with sorted keys, read back from the
    database.
    """
    columns = [
        entry.txid,
        entry.pk,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.kind,
        entry.actor_id,
        entry.actor_label,
        str(entry.incident or ""),
        str(entry.run or ""),
        entry.item,
        entry.clause,
        entry.drill,
        entry.data,
    ]
    return json.dumps(columns, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
