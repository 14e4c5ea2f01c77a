"""Up to where the journal is complete: no transaction that still runs can add an entry below this number."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from changbei.core.errors import Conflict
from changbei.journal.models import Entry


def current() -> int:
    """All transactions with a smaller number have ended. Entries with `txid < current()` are all there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def check() -> None:
    """Refuse a database whose transaction numbers start below those in the journal.

    That happens when a dump was loaded into a new server: new facts would sort before old ones, and no
    reader would ever see them. `pg_resetwal --next-transaction-id` on the new server, before it is used,
    puts it right.
    """
    newest = Entry.objects.aggregate(newest=Max("txid"))["newest"] or 0
    if newest >= current() and newest > _next_number():
        raise Conflict(
            f"this server counts transactions from {_next_number()}, the journal it holds ends at {newest}: "
            "move the server's counter forward with pg_resetwal --next-transaction-id before using it"
        )


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
