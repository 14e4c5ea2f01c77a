"""Locks of a name, for what has no row to lock yet."""

from __future__ import annotations

from changbei.journal import prepared


def hold(name: str) -> None:
    """Whoever holds the same name goes on only when this transaction has ended."""
    with prepared.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
