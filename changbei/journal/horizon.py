"""Up to where the journal is complete: no transaction that still runs can add an entry below this number.

Transactions of other databases on the same server cannot write here and are not waited for. Where the
rights do not suffice to see whether a transaction is one of ours, all of the server's count: later, never
wrong.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from changbei.core.errors import Conflict
from changbei.journal import prepared
from changbei.journal.models import Entry

_WRAP = 2**32  # sessions show the lower half of a transaction's number

SNAPSHOT = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s
"""
RUNNING_HERE = """
SELECT backend_xid::text::bigint, query = '<insufficient privilege>' FROM pg_stat_activity
WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (backend_xid IS NOT NULL OR query = '<insufficient privilege>')
UNION ALL
SELECT transaction::text::bigint, false FROM pg_prepared_xacts WHERE database = current_database()
"""


def current() -> int:
    """Entries with `txid < current()` are all there.

    The snapshot is taken first: what begins after it has a higher number, what ends after it is visible
    to whoever reads next.
    """
    with prepared.cursor() as cursor:
        cursor.execute(SNAPSHOT)
        oldest, following = cursor.fetchone() or (0, 0)
        cursor.execute(RUNNING_HERE)
        running = cursor.fetchall()
    return complete_below(oldest, following, running)


def complete_below(oldest: int, following: int, running: list[tuple[int | None, bool]]) -> int:
    """Pure: the horizon from the server's oldest running and next number, and the sessions of this database.

    Each session is given by the lower 32 bits of its number, if any, and whether it was hidden from us.
    """
    if any(hidden for _, hidden in running):
        return oldest
    behind = [(following - number) % _WRAP for number, _ in running if number is not None]
    return following - max([0, *(distance for distance in behind if distance < _WRAP // 2)])


def check() -> None:
    """Refuse a database whose transaction numbers start below those in the journal.

    That happens when a dump was loaded into a new server: new facts would sort before old ones, and no
    reader would ever see them. `pg_resetwal --next-transaction-id` on the new server, before it is used,
    puts it right.
    """
    newest = Entry.objects.aggregate(newest=Max("txid"))["newest"] or 0
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT)
        _, following = cursor.fetchone() or (0, 0)
    if newest >= following:
        raise Conflict(
            f"this server counts transactions from {following}, the journal it holds ends at {newest}: "
            "move the server's counter forward with pg_resetwal --next-transaction-id before using it"
        )
