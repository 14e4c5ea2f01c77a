"""Notices that were not confirmed by enough of those they went to, in time: the next of the chain is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from changbei.core import clock
from changbei.journal.services import append_many
from changbei.network.models import Retailer
from changbei.notify import confirming, recipients, services
from changbei.notify.models import Notice, Urgency
from changbei.notify.noting import fact
from changbei.notify.recipients import Recipient
from changbei.people.models import Contact, Person


def remind_due(limit: int = 50) -> int:
    """Tell the next of the chain for every notice whose time is up; how many there were."""
    now = clock.now()
    with transaction.atomic():
        due = Notice.objects.select_for_update(skip_locked=True).filter(
            confirm_due_at__lte=now, paused_at=None
        )
        notices = list(due.order_by("confirm_due_at")[:limit])
        for notice in notices:
            _remind(notice, now)
    return len(notices)


def next_due() -> datetime | None:
    due: datetime | None = Notice.objects.filter(confirm_due_at__isnull=False, paused_at=None).aggregate(
        due=Min("confirm_due_at")
    )["due"]
    return due


def _remind(notice: Notice, now: datetime) -> None:
    """One step along the chain. Stopped notices wait for nobody; at the chain's end the journal keeps what is
    missing.
    """
    if notice.stopped_at:
        Notice.objects.filter(pk=notice.pk).update(confirm_due_at=None)
        return
    said, left = confirming.confirmed_by(notice), confirming.missing(notice)
    step = notice.confirm_step
    next_one = _recipient(*notice.confirm_chain[step]) if step < len(notice.confirm_chain) else None
    told = fact(
        "notify.unconfirmed",
        notice,
        None,
        template=notice.template,
        at_least=notice.confirm_at_least,
        by=said,
        missing=left[: confirming.NAMED],
        told=next_one.label if next_one else "",
    )
    append_many([told])
    if next_one is not None:
        _tell(notice, next_one, len(said), left)
    notice.confirm_step = step + 1
    more = notice.confirm_step < len(notice.confirm_chain)
    notice.confirm_due_at = now + timedelta(seconds=notice.confirm_every_seconds) if more else None
    notice.save(update_fields=["confirm_step", "confirm_due_at"])


def _tell(notice: Notice, whom: Recipient, said: int, left: list[str]) -> None:
    title, body = confirming.wording(notice, said, left)
    services.tell(
        services.NewNotice(
            confirming.TEMPLATE,
            title,
            body,
            Urgency.IMMEDIATE,
            incident=notice.incident,
            run=notice.run,
            clause=notice.clause,
            needs_acknowledgement=True,
            drill=notice.drill,
        ),
        [whom],
    )


def _recipient(kind: str, key: int) -> Recipient | None:
    if kind == "person":
        return next(iter(recipients.of_people(Person.objects.filter(pk=key, active=True))), None)
    if kind == "contact":
        contact = Contact.objects.filter(pk=key).first()
        return recipients.of_contact(contact) if contact else None
    return next(iter(recipients.of_retailers(Retailer.objects.filter(pk=key))), None)
