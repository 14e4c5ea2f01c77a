"""Messages through a channel that takes no time: claimed with a lease, marked, an audited record each."""

from __future__ import annotations

from django.db import connection, transaction

from bench.cpu import Meter
from bench.engine.common import Row, row
from changbei.core import clock
from changbei.notify import jobs as notify_jobs
from changbei.notify import recipients
from changbei.notify import services as notify
from changbei.notify.models import Attempt, Notice, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person, Unit

MESSAGES = 30_000


def rows(server: int) -> tuple[list[Row], float]:
    """And the milliseconds of processor time of one message."""
    notice = queue(MESSAGES, "bench")
    sent = 0
    with Meter(server) as ours:
        while did := notify_jobs.send_due(kinds=["inbox"]):
            sent += did
    if sent != MESSAGES or Attempt.objects.filter(message__notice=notice).count() != MESSAGES:
        raise RuntimeError(f"{sent} of {MESSAGES} messages were dealt with")
    notice.messages.update(state="queued", due_at=clock.now(), attempts=0)
    with Meter(server) as floor:
        _message_floor()
    each = ours.both / MESSAGES * 1000
    note = f"{MESSAGES} messages: claim with lease, mark, one audit row each; a channel that takes no time"
    return [
        row("messages through a channel", each, "ms CPU", note),
        row("messages, raw SQL floor", floor.both / MESSAGES * 1000, "ms CPU", "the same, in SQL alone"),
        row("messages, share of the floor's rate", floor.both / ours.both, "x", "goal: 0.7 or more"),
    ], each


def queue(count: int, job: str) -> Notice:
    """A notice with so many messages that wait in the inbox's queue."""
    words = {"zh-Hans": "停送", "zh-Hant": "停送", "en": "No delivery"}
    notice = notify.tell(
        NewNotice("bench", words, words, Urgency.BULK), recipients.of_people(_crowd(count, job))
    )
    notice.messages.update(state="queued", due_at=clock.now(), handed_at=None, delivered_at=None)
    return notice


def _crowd(count: int, job: str) -> list[Person]:
    unit = Unit.objects.get(code="delivery-center")
    return Person.objects.bulk_create(
        Person(staff_no=f"{job}{number}", name=f"B{number}", phone="13800000000", unit=unit, job=job)
        for number in range(count)
    )


def _message_floor() -> None:
    """Claim, read, mark and note batches of 1,000 in SQL, with the same two commits a batch."""
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notify_message SET state = 'sending', attempts = attempts + 1, lease_until = %s, due_at = %s"
                " WHERE id IN (SELECT id FROM notify_message WHERE channel = 'inbox' AND due_at <= %s"
                "              ORDER BY urgency, due_at LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING *",
                [clock.now(), None, clock.now()],
            )
            keys = [row[0] for row in cursor.fetchall()]
        if not keys:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notify_message SET state = 'delivered', lease_until = NULL, handed_at = %s, delivered_at = %s"
                " WHERE id = ANY(%s)",
                [clock.now(), clock.now(), keys],
            )
            cursor.execute(
                "INSERT INTO notify_attempt (message_id, at, outcome, detail)"
                " SELECT unnest(%s::bigint[]), %s, 'handed', ''",
                [keys, clock.now()],
            )
