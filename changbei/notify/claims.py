"""Claiming messages for hand-over, and marking what became of them. Three statements; nothing is locked
meanwhile.

A claim moves `due_at` to the end of the lease. A worker that dies has to do nothing: its messages come due
again. A worker that slept too long cannot mark what another has claimed since, for `attempts` has moved on.
"""

# The statement is put together of constants of ours alone:
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from changbei.journal import prepared
from changbei.notify.models import Urgency

LEASE_SECONDS = 120 * settings.LEASE_SCALE


class Claimed(NamedTuple):
    """What a worker needs of a message it has claimed; the names are those of the columns."""

    id: int
    uuid: UUID
    notice_id: int
    person_id: int | None
    address: str
    language: str
    urgency: int
    attempts: int
    queued_at: datetime
    values: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written about one claimed message. `tried` is the attempt's outcome, "" when there was none."""

    claimed: Claimed
    state: str
    tried: str = ""
    due_at: datetime | None = None
    carrier_id: str = ""
    error: str = ""


def claim(channel: str, now: datetime, lease_until: datetime, limit: int) -> list[Claimed]:
    """Up to `limit` due messages of a channel, the more urgent first and then the older.

    One index probe an urgency: what is pending for later, however much, is never looked at.
    """
    parameters: list[Any] = []
    for _ in Urgency:
        parameters += [channel, now, limit]
    with prepared.cursor() as cursor:
        cursor.execute(CLAIM, [*parameters, lease_until, lease_until])
        claimed = [_claimed(row) for row in cursor.fetchall()]
    return sorted(claimed, key=lambda one: (one.urgency, one.queued_at, one.id))


def _claimed(row: Sequence[Any]) -> Claimed:
    *plain, values = row
    return Claimed._make((*plain, json.loads(values) if values else None))


def _claim_statement() -> str:
    """Put together of constants of ours: each urgency takes what the more urgent ones have left of the
    limit.
    """
    picks = []
    for urgency in Urgency:
        taken = "".join(f" - (SELECT count(*) FROM u{int(other)})" for other in Urgency if other < urgency)
        pick = (
            f"SELECT id FROM notify_message WHERE channel = %s AND urgency = {int(urgency)} AND due_at <= %s"
            f" ORDER BY due_at LIMIT greatest(0, %s{taken}) FOR UPDATE SKIP LOCKED"
        )
        picks.append(f"u{int(urgency)} AS ({pick})")
    returned = ", ".join(f'm."{name}"' for name in Claimed._fields)
    claimed = " UNION ALL ".join(f"SELECT id FROM u{int(urgency)}" for urgency in Urgency)
    return (
        f"WITH {', '.join(picks)} UPDATE notify_message m"
        " SET state = 'sending', due_at = %s, lease_until = %s, attempts = m.attempts + 1"
        f" FROM ({claimed}) c WHERE m.id = c.id RETURNING {returned}"
    )


CLAIM = _claim_statement()
NOTED = """SELECT id, %s::timestamptz, tried, error FROM v WHERE tried <> ''"""
MARK = """
WITH v AS (
  SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
    AS v(id, attempts, state, tried, due_at, carrier_id, error)
), noted AS (
  INSERT INTO notify_attempt (message_id, at, outcome, detail) {noted} ORDER BY id
)
UPDATE notify_message m SET
  state = CASE WHEN v.state = 'queued' AND n.stopped_at IS NOT NULL THEN 'stopped' ELSE v.state END,
  due_at = CASE WHEN v.state = 'queued' AND (n.stopped_at IS NOT NULL OR n.paused_at IS NOT NULL) THEN NULL
    ELSE v.due_at END,
  attempts = m.attempts - CASE WHEN v.state = 'queued' AND v.tried IN ('', 'limited') THEN 1 ELSE 0 END,
  lease_until = NULL,
  carrier_id = v.carrier_id,
  handed_at = CASE WHEN v.state IN ('handed', 'delivered') THEN %s ELSE m.handed_at END,
  delivered_at = CASE WHEN v.state = 'delivered' THEN %s ELSE m.delivered_at END,
  error = v.error
FROM v, notify_notice n
WHERE m.id = v.id AND m.attempts = v.attempts AND m.state = 'sending' AND n.id = m.notice_id
RETURNING m.id
"""
# After an answer that was lost the attempts may have been noted, at this very moment:
UNLESS_NOTED = " AND NOT EXISTS (SELECT 1 FROM notify_attempt a WHERE a.message_id = v.id AND a.at = %s)"
MARK_AGAIN = MARK.format(noted=NOTED + UNLESS_NOTED)
MARK = MARK.format(noted=NOTED)


def mark(marks: Sequence[Mark], now: datetime, *, again: bool = False) -> set[int]:
    """Note the attempts and write the marks; the keys of messages that were still ours.

    A message that was stopped meanwhile is not queued again. One that is given back untried, or that the carrier
    put off, has not used up an attempt: the next claim counts on from where this one began. `again`: this has been
    tried at the same `now`, and nobody knows whether it was committed.
    """
    if not marks:
        return set()
    ordered = sorted(marks, key=lambda one: one.claimed.id)
    columns: list[Any] = [
        [one.claimed.id for one in ordered],
        [one.claimed.attempts for one in ordered],
        [str(one.state) for one in ordered],
        [one.tried for one in ordered],
        [one.due_at for one in ordered],
        [one.carrier_id for one in ordered],
        [one.error[:300] for one in ordered],
    ]
    with prepared.cursor() as cursor:
        if again:
            cursor.execute(MARK_AGAIN, [*columns, now, now, now, now])
        else:
            cursor.execute(MARK, [*columns, now, now, now])
        return {key for (key,) in cursor.fetchall()}
