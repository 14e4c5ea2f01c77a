"""Pure decisions about messages: who gets which rows, when to try again, what a receipt may change."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from changbei.notify.book import STANDARD, Book, Quiet
from changbei.notify.ladders import BY_PHONE, EMAIL, INBOX, OF_THE_HOUSE, PUSH, Rung
from changbei.notify.models import Message, Urgency
from changbei.notify.recipients import Recipient

State = Message.State
DRILL = {"zh-Hans": "【演练】", "zh-Hant": "【演練】", "en": "[DRILL] "}
KEPT_BACK = "drill: nobody outside is told"
NO_ADDRESS, NO_CHANNEL = "no address", "no channel offered for the address"
NO_BROWSER = "no browser takes pushes"
MOST_ATTEMPTS = 8
_NUMBER = re.compile(r"^\+?[0-9][0-9 ()\-]{3,18}[0-9]$")
NUMBER = _NUMBER.pattern  # for statements too
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
    book: Book = STANDARD,
    has_device: bool = False,
) -> list[Row]:
    """The messages for one recipient: one a rung; a rung without an address takes the channel instead of it.

    `resend` says whether rungs that wait for an acknowledgement apply. `channels`, when given, replaces the
    ladder. Nobody is left without a row: who cannot be reached has one that says so. In quiet hours, what is not
    immediate waits for their end, and the rungs after it as long behind it as ever. `has_device` says whether a
    browser of the recipient takes pushes.
    """
    found: list[Row] = []
    ladder = _ladder(recipient, urgency, channels, book)
    reachable = [channel for channel in offered if channel != PUSH or has_device]
    for number, rung in enumerate(ladder):
        if rung.after_seconds and not resend:
            continue
        again = any(before.channel == rung.channel for before in ladder[:number])
        if row := _row(recipient, rung, number, reachable, book.instead, now, again=again):
            found.append(row)
    if book.quiet and urgency != Urgency.IMMEDIATE:
        found = _after_quiet_hours(found, book.quiet)
    wanted_outside = [rung for rung in ladder if rung.channel not in {INBOX, PUSH, *OF_THE_HOUSE}]
    if wanted_outside and all(row.channel in {INBOX, *OF_THE_HOUSE} for row in found):
        why = NO_ADDRESS if not (recipient.phone or recipient.email) else NO_CHANNEL
        found.append(Row(wanted_outside[0].channel, 0, "", State.UNREACHABLE, None, why))
    if not found:
        asked = ladder[0].channel if ladder else channels[0]
        found.append(Row(asked, 0, "", State.UNREACHABLE, None, NO_BROWSER if asked == PUSH else NO_CHANNEL))
    return found


def _after_quiet_hours(rungs: Sequence[Row], quiet: Quiet) -> list[Row]:
    """What falls into quiet hours waits for their end; the later rungs by channels that keep still wait as much
    longer, so that a call does not ring in the second in which the text arrives.
    """
    found, shift = [], timedelta()
    for row in rungs:
        if row.due_at and row.channel in quiet.channels:
            due_at = row.due_at + shift
            over_at = quiet.over_at(row.channel, due_at) or due_at
            shift += over_at - due_at
            row = replace(row, due_at=over_at)
        found.append(row)
    return found


def _ladder(recipient: Recipient, urgency: int, channels: Sequence[str], book: Book) -> tuple[Rung, ...]:
    if channels:
        return tuple(Rung(channel) for channel in channels if channel != INBOX or recipient.has_inbox)
    return book.staff[urgency] if recipient.has_inbox else book.others


def _row(
    recipient: Recipient,
    rung: Rung,
    number: int,
    offered: Collection[str],
    instead: Mapping[str, str],
    now: datetime,
    *,
    again: bool,
) -> Row | None:
    for channel in (rung.channel, instead.get(rung.channel, "")):
        address = address_of(recipient, channel, second=again) if channel in offered else ""
        if address:
            return Row(channel, number, address, State.QUEUED, now + timedelta(seconds=rung.after_seconds))
    return None


def address_of(recipient: Recipient, channel: str, *, second: bool = False) -> str:
    """Where the recipient is reached by a channel, "" when nowhere; a repeated text goes to the second
    phone.
    """
    if channel in {INBOX, PUSH}:
        return str(recipient.id) if recipient.has_inbox else ""
    if channel in OF_THE_HOUSE:
        return "house" if recipient.has_inbox else ""
    if channel in BY_PHONE:
        phones = [phone for phone in (recipient.phone, recipient.second_phone) if _NUMBER.match(phone)]
        return (phones[-1] if second else phones[0]) if phones else ""
    return recipient.email if channel == EMAIL and _MAILBOX.match(recipient.email) else ""


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """5 s after the first attempt, doubling up to two minutes; None when it is time to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + timedelta(seconds=min(5 * 2 ** (attempts - 1), 120))


# What is known of a message, from less to more: a receipt never takes knowledge back.
_KNOWN = (State.QUEUED, State.SENDING, State.HANDED, State.DELIVERED, State.READ)
_OVERRULED = {State.FAILED, State.REFUSED, State.EXPIRED}
_UNDER_WAY = {State.SENDING, State.HANDED}


def after_receipt(state: str, receipt: str) -> State | None:
    """The state after a carrier's receipt, None when it changes nothing. Receipts repeat and come out of
    order.

    What was seen to arrive stays arrived; a failure that came first is overruled by an arrival. What
    waits to be tried again after an unclear answer, and has arrived, is not sent again.
    """
    if receipt in {State.DELIVERED, State.READ}:
        if state in _OVERRULED:
            return State(receipt)
        more = state in _KNOWN and _KNOWN.index(State(receipt)) > _KNOWN.index(State(state))
        return State(receipt) if more else None
    return State(receipt) if receipt in _OVERRULED and state in _UNDER_WAY else None


def digits(number: str) -> str:
    """A telephone number by which two ways of writing it are compared: digits, without our own country's prefix."""
    found = re.sub(r"\D", "", number)
    return found[2:] if len(found) == _MOBILE_DIGITS + 2 and found.startswith("86") else found


_MOBILE_DIGITS = 11
_YES = frozenset({"1", "y", "yes", "ok", "k", "r", "roger", "confirm", "confirmed"}) | {
    "是", "好", "好的", "收到", "收到了", "已收到", "确认", "確認", "已阅", "已閱", "知道了", "明白"
}  # fmt: skip
_CODE_FROM, _CODES = 1_000, 9_000


def code_of(message: int) -> str:
    """The four digits by which a reply says which message it answers; they return after 9,000 messages."""
    return str(_CODE_FROM + message % _CODES)


def reply_means(text: str) -> str:
    """What a reply says: a message's code, "yes" to the newest one, or "" for anything else."""
    word = unicodedata.normalize("NFKC", text).strip().strip("。.!！,， ").lower()
    first = word.split()[0] if word else ""
    if re.fullmatch(r"\d{4}", first):
        return first
    return "yes" if word in _YES else ""


def marked(text: dict[str, str]) -> dict[str, str]:
    """`text` with the mark of a drill in front, in each language."""
    return {language: DRILL.get(language, DRILL["en"]) + words for language, words in text.items()}


def unmarked(text: dict[str, str]) -> dict[str, str]:
    """`text` without the mark of a drill, for a text that is going to be part of a marked one."""
    return {
        language: words.removeprefix(DRILL.get(language, DRILL["en"])) for language, words in text.items()
    }


def kept_from_outside(recipient: Recipient, *, drill: bool, outside_too: bool) -> bool:
    """In a drill nobody outside of the company is told, unless somebody ticked that."""
    return drill and not outside_too and not recipient.has_inbox


def recipient_name(message: Message) -> str:
    """The recipient in words."""
    if message.person:
        return f"{message.person.name} ({message.person.staff_no})"
    if message.retailer:
        return f"{message.retailer.name} ({message.retailer.licence_no})"
    return f"{message.contact.person} ({message.contact.code})" if message.contact else ""
