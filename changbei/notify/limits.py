"""How fast, and how much: what a channel hands over in a minute, and what one recipient gets in an hour.

Urgency `immediate` is counted, and never held back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from changbei.notify.book import Book
from changbei.notify.claims import Claimed
from changbei.notify.models import Message, Pace, Urgency

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=5)  # when a recipient has had enough for now
KEPT = timedelta(hours=1)
Whose = tuple[str, int]


def held_back(channel: str, claimed: Sequence[Claimed], book: Book, now: datetime) -> dict[int, datetime]:
    """Which of the claimed messages have to wait, and until when: quiet hours, then recipients, then the channel."""
    held: dict[int, datetime] = {}
    quiet = book.quiet.over_at(channel, now) if book.quiet else None
    if quiet:
        held |= {one.id: quiet for one in claimed if one.urgency != Urgency.IMMEDIATE}
    if most := book.an_hour_a_person.get(channel):
        free = [one for one in claimed if one.id not in held]
        held |= dict.fromkeys(_too_much(channel, free, most, now), now + AGAIN_AFTER)
    if most := book.a_minute.get(channel):
        free = [one for one in claimed if one.id not in held]
        held |= dict.fromkeys(_too_fast(channel, free, most, now), _minute(now) + MINUTE)
    return held


def _too_much(channel: str, claimed: Sequence[Claimed], most: int, now: datetime) -> list[int]:
    """Messages to recipients who have had their hour's worth, of what was handed over and of this batch."""
    if not claimed:
        return []
    whose = _recipients([one.id for one in claimed])
    had = _handed_over(channel, set(whose.values()), now - HOUR)
    found = []
    for one in claimed:
        recipient = whose[one.id]
        if one.urgency != Urgency.IMMEDIATE and had[recipient] >= most:
            found.append(one.id)
        else:
            had[recipient] += 1
    return found


def _recipients(messages: Sequence[int]) -> dict[int, Whose]:
    rows = Message.objects.filter(pk__in=messages).values_list("pk", "person_id", "retailer_id", "contact_id")
    return {pk: _whose(person, retailer, contact) for pk, person, retailer, contact in rows}


def _whose(person: int | None, retailer: int | None, contact: int | None) -> Whose:
    if person is not None:
        return ("person", person)
    return ("retailer", retailer) if retailer is not None else ("contact", contact or 0)


def _handed_over(channel: str, whose: set[Whose], since: datetime) -> Counter[Whose]:
    which = Q()
    for kind in ("person", "retailer", "contact"):
        if keys := [key for found, key in whose if found == kind]:
            which |= Q(**{f"{kind}__in": keys})
    rows = Message.objects.filter(which, channel=channel, handed_at__gt=since)
    return Counter(_whose(*row) for row in rows.values_list("person_id", "retailer_id", "contact_id"))


def _too_fast(channel: str, claimed: Sequence[Claimed], most: int, now: datetime) -> list[int]:
    """What goes beyond the channel's minute, counted over all workers."""
    if not claimed:
        return []
    urgent = [one for one in claimed if one.urgency == Urgency.IMMEDIATE]
    others = [one for one in claimed if one.urgency != Urgency.IMMEDIATE]
    with transaction.atomic():
        Pace.objects.filter(channel=channel, minute__lt=now - KEPT).delete()
        Pace.objects.bulk_create([Pace(channel=channel, minute=_minute(now))], ignore_conflicts=True)
        pace = Pace.objects.select_for_update().get(channel=channel, minute=_minute(now))
        allowed = min(len(others), max(0, most - pace.used - len(urgent)))
        pace.used += len(urgent) + allowed
        pace.save(update_fields=["used"])
    return [one.id for one in others[allowed:]]


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
