"""Pure decisions about messages: who gets which rows, when to try again, what a receipt may change."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from changbei.notify.ladders import FOR_OTHERS, FOR_STAFF, INBOX, INSTEAD, SMS, Rung
from changbei.notify.models import Message
from changbei.notify.recipients import Recipient

State = Message.State
DRILL = {"zh-Hans": "【演练】", "zh-Hant": "【演練】", "en": "[DRILL] "}
MOST_ATTEMPTS = 8
_NUMBER = re.compile(r"^\+?[0-9][0-9 ()\-]{3,18}[0-9]$")
_MAILBOX = re.compile(r"^[^@\s]+@[^@\s]+$")


@dataclass(frozen=True)
class Row:
    """A message before it is written."""

    channel: str
    rung: int
    address: str
    state: State
    due_at: datetime | None
    error: str = ""


def rows(
    recipient: Recipient,
    *,
    urgency: int,
    resend: bool,
    channels: Sequence[str],
    offered: Collection[str],
    now: datetime,
) -> list[Row]:
    """The messages for one recipient: one a rung; a rung without an address takes the channel instead of it.

    `resend` says whether rungs that wait for an acknowledgement apply. `channels`, when given, replaces the
    ladder. Nobody is left without a row: who cannot be reached has one that says so.
    """
    found: list[Row] = []
    for number, rung in enumerate(_ladder(recipient, urgency, channels)):
        if rung.after_seconds and not resend:
            continue
        if row := _row(recipient, rung, number, offered, now):
            found.append(row)
    wanted_outside = [rung for rung in _ladder(recipient, urgency, channels) if rung.channel != INBOX]
    if wanted_outside and all(row.channel == INBOX for row in found):
        why = (
            "no address" if not (recipient.phone or recipient.email) else "no channel offered for the address"
        )
        found.append(Row(wanted_outside[0].channel, 0, "", State.UNREACHABLE, None, why))
    return found


def _ladder(recipient: Recipient, urgency: int, channels: Sequence[str]) -> tuple[Rung, ...]:
    if channels:
        return tuple(Rung(channel) for channel in channels if channel != INBOX or recipient.has_inbox)
    return FOR_STAFF[urgency] if recipient.has_inbox else FOR_OTHERS


def _row(
    recipient: Recipient, rung: Rung, number: int, offered: Collection[str], now: datetime
) -> Row | None:
    for channel in (rung.channel, INSTEAD.get(rung.channel, "")):
        address = address_of(recipient, channel, second=number > 1) if channel in offered else ""
        if address:
            return Row(channel, number, address, State.QUEUED, now + timedelta(seconds=rung.after_seconds))
    return None


def address_of(recipient: Recipient, channel: str, *, second: bool = False) -> str:
    """Where the recipient is reached by a channel, "" when nowhere; a repeated text goes to the second
    phone.
    """
    if channel == INBOX:
        return str(recipient.id) if recipient.has_inbox else ""
    if channel == SMS:
        phones = [phone for phone in (recipient.phone, recipient.second_phone) if _NUMBER.match(phone)]
        return (phones[-1] if second else phones[0]) if phones else ""
    return recipient.email if _MAILBOX.match(recipient.email) else ""


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """5 s after the first attempt, doubling up to two minutes; None when it is time to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + timedelta(seconds=min(5 * 2 ** (attempts - 1), 120))


def after_receipt(state: str, receipt: str) -> State | None:
    """The state after a carrier's receipt, None when it changes nothing. Receipts repeat and come out of
    order.

    What was seen to arrive stays arrived; a failure that came first is overruled by an arrival. What
    waits to be tried again after an unclear answer, and has arrived, is not sent again.
    """
    if receipt == State.DELIVERED and state in {State.QUEUED, State.SENDING, State.HANDED, State.FAILED}:
        return State.DELIVERED
    if receipt == State.FAILED and state in {State.SENDING, State.HANDED}:
        return State.FAILED
    return None


def marked(text: dict[str, str]) -> dict[str, str]:
    """`text` with the mark of a drill in front, in each language."""
    return {language: DRILL.get(language, DRILL["en"]) + words for language, words in text.items()}


def kept_from_outside(recipient: Recipient, *, drill: bool, outside_too: bool) -> bool:
    """In a drill nobody outside of the company is told, unless somebody ticked that."""
    return drill and not outside_too and not recipient.has_inbox
