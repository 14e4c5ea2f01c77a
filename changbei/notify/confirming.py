"""N of M: so many of those who were told have to say that they know, or the next in a chain are told who has not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from changbei.core import clock, texts
from changbei.journal.services import NewEntry
from changbei.notify.models import Message, Notice
from changbei.notify.noting import fact
from changbei.notify.recipients import Recipient
from changbei.notify.rules import recipient_name, unmarked

State = Message.State
EVERY_SECONDS = 300
NAMED = 20  # of those who have not answered


@dataclass(frozen=True)
class Confirm:
    """`at_least` different recipients acknowledge within `within_seconds`; else `chain`, one after the other, every
    `every_seconds`.
    """

    at_least: int
    within_seconds: int
    chain: tuple[Recipient, ...] = ()
    every_seconds: int = EVERY_SECONDS

    def __post_init__(self) -> None:
        if self.at_least < 1 or self.within_seconds < 1 or self.every_seconds < 1:
            raise ValueError("a confirmation asks for at least one recipient and a second")


TITLE = {
    "zh-Hans": "仅 {count}/{wanted} 人确认：{title}",
    "zh-Hant": "僅 {count}/{wanted} 人確認：{title}",
    "en": "Only {count} of {wanted} confirmed: {title}",
}
BODY = {
    "zh-Hans": "应有 {wanted} 人确认收到，到时只有 {count} 人。尚未确认：{missing}。请督促，或自行处置。",
    "zh-Hant": "應有 {wanted} 人確認收到，到時只有 {count} 人。尚未確認：{missing}。請督促，或自行處置。",
    "en": "{wanted} had to confirm, {count} have. Not yet: {missing}. Please see to it that they do, or act yourself.",
}
TEMPLATE = "not-confirmed"


def fields(confirm: Confirm | None, now: datetime) -> dict[str, Any]:
    """The columns of a notice that wants to be confirmed."""
    if confirm is None:
        return {}
    return {
        "confirm_at_least": confirm.at_least,
        "confirm_due_at": now + timedelta(seconds=confirm.within_seconds),
        "confirm_chain": [[one.kind, one.id] for one in confirm.chain],
        "confirm_every_seconds": confirm.every_seconds,
    }


def counted(notice: Notice) -> list[NewEntry]:
    """After an acknowledgement, the notice locked: with the last one wanted the notice is confirmed, and nobody is
    reminded any more. The fact to be journalled, if it is.
    """
    if not notice.confirm_at_least or notice.confirmed_at:
        return []
    said = confirmed_by(notice)
    if len(said) < notice.confirm_at_least:
        return []
    now = clock.now()
    notice.confirmed_at, notice.confirm_due_at = now, None
    notice.save(update_fields=["confirmed_at", "confirm_due_at"])
    later = Q(due_at__gt=now) | Q(held_seconds__gt=0)  # the second while the notice is paused
    reminders = notice.messages.filter(later, state=State.QUEUED, rung__gt=0)
    reminders.update(state=State.STOPPED, due_at=None, lease_until=None, error="confirmed by enough")
    wanted = notice.confirm_at_least
    return [fact("notify.confirmed", notice, None, template=notice.template, at_least=wanted, by=said)]


def confirmed_by(notice: Notice) -> list[str]:
    """The different recipients who acknowledged, in the order they did."""
    rows = (
        notice.messages.filter(state=State.ACKNOWLEDGED)
        .select_related("person", "retailer", "contact")
        .order_by("acknowledged_at", "pk")
    )
    return list(dict.fromkeys(recipient_name(message) for message in rows))


def missing(notice: Notice) -> list[str]:
    """Those who were told, or could not be, and have not acknowledged."""
    rows = notice.messages.select_related("person", "retailer", "contact").order_by("pk")
    said = set(confirmed_by(notice))
    return [name for name in dict.fromkeys(recipient_name(message) for message in rows) if name not in said]


def wording(notice: Notice, said: int, left: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Title and body of the message to the next of the chain."""
    names = "、".join(left[:NAMED]) + ("…" if len(left) > NAMED else "")
    title, wanted = unmarked(notice.title), notice.confirm_at_least
    values = {"count": said, "wanted": wanted, "title": title, "missing": names or "-"}
    return texts.fill(TITLE, values), texts.fill(BODY, values)
