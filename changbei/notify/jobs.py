"""What workers do for messages: hand over what is due, and ask carriers what became of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Min

from changbei.core import clock, faults
from changbei.journal.services import NewEntry, append_many
from changbei.notify import claims, limits, links, reminding, rules, services, wording
from changbei.notify.book import book
from changbei.notify.channels import Channel, Outcome, Outgoing, Receipt, Stop
from changbei.notify.channels.registry import channel as channel_of
from changbei.notify.channels.registry import offered, takes_replies
from changbei.notify.claims import Claimed, Mark
from changbei.notify.ladders import EMAIL, PUSH, SMS
from changbei.notify.models import Message, Notice, Urgency
from changbei.notify.noting import fact

logger = logging.getLogger(__name__)

State = Message.State
LOST = {State.FAILED, State.REFUSED, State.EXPIRED}
WITH_LINK = {SMS, EMAIL, PUSH}  # not where others read along: a link confirms for the recipient
SAFETY = timedelta(seconds=claims.LEASE_SECONDS / 8)  # nothing is begun this shortly before the lease ends


NOTE_AGAIN_SECONDS = 0.3
RECEIPTS = 100  # at a time: the most values for which the server still uses an index of some rows only
BATCH_SECONDS, FEWEST = 0.3, 8
_seconds_each: dict[
    str, float
] = {}  # by channel: how long a message took lately, several being under way at a time


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
    faults.point("receipts.asked")
    return sum(_taken(receipts[at : at + RECEIPTS]) for at in range(0, len(receipts), RECEIPTS))


def _taken(receipts: Sequence[Receipt]) -> int:
    changed = services.take_receipts(receipts)
    faults.point("receipts.taken")
    return changed


def next_due() -> datetime | None:
    """When the next message is to be taken up, or the next confirmation is missed."""
    due: datetime | None = Message.objects.filter(due_at__isnull=False).aggregate(due=Min("due_at"))["due"]
    return min((moment for moment in (due, reminding.next_due()) if moment), default=None)


def _send_batch(channel: Channel, limit: int, stop: Stop) -> int:
    if stop():
        return 0
    faults.point("notify.before_claim")
    now, noted_by = clock.now(), time.monotonic() + claims.LEASE_SECONDS - SAFETY.total_seconds()
    lease_until = now + timedelta(seconds=claims.LEASE_SECONDS)
    claimed = claims.claim(channel.kind, now, lease_until, min(limit, _batch(channel)))
    if not claimed:
        return 0
    faults.point("notify.claimed")
    notices = Notice.objects.in_bulk({one.notice_id for one in claimed})
    needless = _needless(claimed, notices)
    paused = {one.id for one in claimed if notices[one.notice_id].paused_at} - needless
    expired = {one.id for one in claimed if _is_too_old(notices[one.notice_id], now)} - needless - paused
    going = [one for one in claimed if one.id not in needless | paused | expired]
    held = limits.held_back(channel.kind, going, book(), now)
    wanted = [one for one in going if one.id not in held]
    began = time.monotonic()
    outcomes = channel.send(
        [_outgoing(one, notices[one.notice_id], channel.kind) for one in wanted],
        stop=lambda: stop() or clock.now() >= lease_until - SAFETY,
    )
    if wanted:
        _seconds_each[channel.kind] = (time.monotonic() - began) / len(wanted)
    now = clock.now()
    marks = [_mark(one, outcome, now) for one, outcome in zip(wanted, outcomes, strict=True)]
    marks += [Mark(one, State.STOPPED, error="no longer needed") for one in claimed if one.id in needless]
    marks += [Mark(one, State.QUEUED) for one in claimed if one.id in paused]
    marks += [Mark(one, State.EXPIRED, error="too old to be sent") for one in claimed if one.id in expired]
    marks += [Mark(one, State.QUEUED, due_at=held[one.id]) for one in going if one.id in held]
    faults.point("notify.handed_over")
    _note(marks, now, noted_by)
    faults.point("notify.marked")
    return len(claimed)


def _batch(channel: Channel) -> int:
    """How many to take: no more than is done at once, for what is more urgent waits until a batch is."""
    seconds = _seconds_each.get(channel.kind, 0.0)
    return (
        channel.batch
        if seconds * channel.batch <= BATCH_SECONDS
        else max(FEWEST, int(BATCH_SECONDS / seconds))
    )


def _needless(claimed: Sequence[Claimed], notices: dict[int, Notice]) -> set[int]:
    """Messages that a worker had in hand, and gave back or lost, while they were stopped or acknowledged."""
    again = [one for one in claimed if _may_be_needless(one, notices[one.notice_id])]
    if not again:
        return set()
    acknowledged = set(
        Message.objects.filter(
            notice__in={one.notice_id for one in again}, state=State.ACKNOWLEDGED, person__isnull=False
        ).values_list("notice_id", "person_id")
    )
    return {
        one.id
        for one in again
        if notices[one.notice_id].stopped_at or (one.notice_id, one.person_id) in acknowledged
    }


def _may_be_needless(claimed: Claimed, notice: Notice) -> bool:
    return claimed.attempts > 1 or notice.needs_acknowledgement or notice.stopped_at is not None


def _is_too_old(notice: Notice, now: datetime) -> bool:
    return notice.valid_until is not None and notice.valid_until <= now


def _outgoing(claimed: Claimed, notice: Notice, channel: str) -> Outgoing:
    answer = notice.needs_acknowledgement
    return Outgoing(
        claimed.uuid,
        claimed.address,
        wording.spoken(notice.title, notice.personal, claimed.values, claimed.language),
        wording.spoken(notice.body, notice.personal, claimed.values, claimed.language),
        claimed.urgency,
        link=links.address_of(claimed.uuid) if answer and channel in WITH_LINK else "",
        code=rules.code_of(claimed.id) if answer and channel == SMS and takes_replies(SMS) else "",
        language=claimed.language,
        drill=notice.drill,
    )


def _mark(claimed: Claimed, outcome: Outcome | None, now: datetime) -> Mark:
    """What is written after an attempt; without one the message is given back as it was."""
    if outcome is None:
        return Mark(claimed, State.QUEUED, due_at=now)
    if outcome.state in {"handed", "delivered"}:
        return Mark(claimed, State(outcome.state), "handed", carrier_id=outcome.carrier_id)
    if outcome.state == "limited":
        later = now + timedelta(seconds=outcome.wait_seconds)
        return Mark(claimed, State.QUEUED, "limited", due_at=later, error=outcome.detail)
    if outcome.state == "refused":
        return Mark(claimed, State.REFUSED, "refused", error=outcome.detail)
    again_at = rules.retry_at(claimed.attempts, now) if outcome.state == "retry" else None
    state = State.QUEUED if again_at else State.FAILED
    return Mark(claimed, state, outcome.state, due_at=again_at, error=outcome.detail)


def _note(marks: Sequence[Mark], now: datetime, until: float) -> None:
    """Write the outcomes, and try again while the claim lasts (`until`, monotonic): a database that restarts is no
    reason to tell anybody twice.
    """
    again = False
    while True:
        try:
            _write(marks, now, again=again)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() + NOTE_AGAIN_SECONDS >= until:
                raise
            logger.warning(
                "outcomes of %d messages could not be written; trying again", len(marks), exc_info=True
            )
        else:
            return
        connection.close()
        again = True
        time.sleep(NOTE_AGAIN_SECONDS)


def _write(marks: Sequence[Mark], now: datetime, *, again: bool) -> None:
    """All outcomes in one transaction, with a fact for each urgent message that failed for good."""
    with transaction.atomic():
        ours = claims.mark(marks, now, again=again)
        failed = [one.claimed for one in marks if one.state in LOST and one.claimed.id in ours]
        append_many(_failures([one for one in failed if one.urgency <= Urgency.URGENT]))


def _failures(failed: Sequence[Claimed]) -> list[NewEntry]:
    if not failed:
        return []
    known = Message.objects.select_related("notice", "person", "retailer", "contact").in_bulk(
        [one.id for one in failed]
    )
    return [
        fact(
            "notify.failed",
            message.notice,
            None,
            message=str(message.uuid),
            channel=message.channel,
            to=rules.recipient_name(message),
            state=message.state,
            error=message.error,
        )
        for message in known.values()
    ]
