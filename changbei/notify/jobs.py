"""What workers do for messages: hand over what is due, and ask carriers what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from changbei.core import clock, texts
from changbei.journal.services import NewEntry, append_many
from changbei.notify import claims, rules, services
from changbei.notify.channels import Channel, Outcome, Outgoing, Stop
from changbei.notify.channels.registry import channel as channel_of
from changbei.notify.channels.registry import offered
from changbei.notify.claims import Mark
from changbei.notify.models import Attempt, Message, Notice, Urgency

State = Message.State
SAFETY = timedelta(seconds=15)  # nothing is begun this shortly before the lease ends


def never() -> bool:
    return False


def send_due(limit: int = 1_000, *, kinds: Sequence[str] | None = None, stop: Stop = never) -> int:
    """Hand over one batch of each channel (`kinds`, else all that are offered); the number of messages
    dealt with.
    """
    return sum(_send_batch(channel_of(kind), limit, stop) for kind in (kinds or offered()))


def collect_receipts() -> int:
    """Ask the carriers that are asked; the number of messages that changed."""
    receipts = [receipt for kind in offered() for receipt in channel_of(kind).receipts()]
    return sum(services.take_receipt(receipt) for receipt in receipts)


def next_due() -> datetime | None:
    """When the next message is to be taken up."""
    due: datetime | None = Message.objects.filter(due_at__isnull=False).aggregate(due=Min("due_at"))["due"]
    return due


def _send_batch(channel: Channel, limit: int, stop: Stop) -> int:
    if stop():
        return 0
    now = clock.now()
    lease_until = now + timedelta(seconds=claims.LEASE_SECONDS)
    claimed = claims.claim(channel.kind, now, lease_until, min(limit, channel.batch))
    if not claimed:
        return 0
    notices = Notice.objects.in_bulk({message.notice_id for message in claimed})
    needless = _needless(claimed, notices)
    wanted = [message for message in claimed if message.pk not in needless]
    outcomes = channel.send(
        [_outgoing(message, notices[message.notice_id]) for message in wanted],
        stop=lambda: stop() or clock.now() >= lease_until - SAFETY,
    )
    tried = [
        (message, outcome) for message, outcome in zip(wanted, outcomes, strict=True) if outcome is not None
    ]
    not_tried = [message for message, outcome in zip(wanted, outcomes, strict=True) if outcome is None]
    _note(
        tried,
        [Mark(one, State.STOPPED, error="no longer needed") for one in claimed if one.pk in needless],
        not_tried,
    )
    return len(claimed)


def _needless(claimed: Sequence[Message], notices: dict[int, Notice]) -> set[int]:
    """Messages another worker had in hand, and lost, while they were stopped or acknowledged."""
    again = [message for message in claimed if message.attempts > 1]
    if not again:
        return set()
    acknowledged = set(
        Message.objects.filter(
            notice__in={message.notice_id for message in again}, state=State.ACKNOWLEDGED
        ).values_list("notice_id", "person_id")
    )
    return {
        message.pk
        for message in again
        if notices[message.notice_id].stopped_at or (message.notice_id, message.person_id) in acknowledged
    }


def _outgoing(message: Message, notice: Notice) -> Outgoing:
    return Outgoing(
        message.uuid,
        message.address,
        texts.pick(notice.title, message.language),
        texts.pick(notice.body, message.language),
        message.urgency,
    )


def _note(
    tried: Sequence[tuple[Message, Outcome]], needless: Sequence[Mark], not_tried: Sequence[Message]
) -> None:
    """Write all outcomes in one transaction: marks, attempts, and a fact for each urgent message that
    failed for good.
    """
    now = clock.now()
    marks = {message.pk: _mark(message, outcome, now) for message, outcome in tried}
    given_back = [Mark(message, State.QUEUED, due_at=now) for message in not_tried]
    with transaction.atomic():
        ours = claims.mark([*marks.values(), *needless, *given_back])
        Attempt.objects.bulk_create(
            Attempt(message=message, at=now, outcome=_word(outcome), detail=outcome.detail[:300])
            for message, outcome in tried
        )
        failed = [
            one.message for one in marks.values() if one.state == State.FAILED and one.message.pk in ours
        ]
        append_many(_failures([message for message in failed if message.urgency <= Urgency.URGENT]))


def _mark(message: Message, outcome: Outcome, now: datetime) -> Mark:
    if outcome.state in {"handed", "delivered"}:
        arrived = outcome.state == "delivered"
        return Mark(
            message,
            State.DELIVERED if arrived else State.HANDED,
            carrier_id=outcome.carrier_id,
            handed_at=now,
            delivered_at=now if arrived else None,
        )
    again_at = rules.retry_at(message.attempts, now) if outcome.state == "retry" else None
    return Mark(message, State.QUEUED if again_at else State.FAILED, due_at=again_at, error=outcome.detail)


def _word(outcome: Outcome) -> str:
    return "handed" if outcome.state in {"handed", "delivered"} else outcome.state


def _failures(failed: Sequence[Message]) -> list[NewEntry]:
    if not failed:
        return []
    known = Message.objects.select_related("notice", "person", "retailer", "contact").in_bulk(
        [one.pk for one in failed]
    )
    return [
        NewEntry(
            "notify.failed",
            incident=message.notice.incident,
            run=message.notice.run,
            clause=message.notice.clause,
            drill=message.notice.drill,
            data={
                "notice": str(message.notice.uuid),
                "message": str(message.uuid),
                "channel": message.channel,
                "to": recipient_name(message),
                "error": message.error,
            },
        )
        for message in known.values()
    ]


def recipient_name(message: Message) -> str:
    """The recipient in words."""
    if message.person:
        return f"{message.person.name} ({message.person.staff_no})"
    if message.retailer:
        return f"{message.retailer.name} ({message.retailer.licence_no})"
    return f"{message.contact.person} ({message.contact.code})" if message.contact else ""
