"""Waking the workers at once, over PostgreSQL's LISTEN/NOTIFY; a slow poll stands behind it.

The notification goes out after the commit, on its own: sent inside, it would put all committing
transactions of the server in one queue. One that gets lost with its process costs the time until the next
poll, nothing else.
"""

from __future__ import annotations

import contextlib

from django.db import DatabaseError, connection, transaction

CHANNEL = "changbei"


def workers() -> None:
    """Tell the workers, once this transaction is committed, that there is something to do."""
    already = any(call[1] is _notify for call in connection.run_on_commit)
    if not already:
        transaction.on_commit(_notify)


def _notify() -> None:
    # The work is committed: failing to say so must not look like failing to do it.
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
