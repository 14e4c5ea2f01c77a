"""Reading notices and messages for pages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core.errors import there
from changbei.notify.ladders import INBOX
from changbei.notify.models import Message
from changbei.people.models import Person

State = Message.State


def inbox(person: Person) -> QuerySet[Message]:
    """What lies in a person's inbox, the newest first; `answered` says whether the person has acknowledged it, by
    whatever way.
    """
    return (
        Message.objects.filter(person=person, channel=INBOX)
        .exclude(state__in=[State.STOPPED, State.QUEUED])
        .annotate(answered=_answered_by(person))
        .select_related("notice")
        .order_by("-id")
    )


def _answered_by(person: Person) -> Exists:
    return Exists(Message.objects.filter(notice=OuterRef("notice"), person=person, state=State.ACKNOWLEDGED))


def acknowledged_at(message: Message) -> datetime | None:
    """When the recipient acknowledged the message's notice, by this message or another."""
    own = Message.objects.filter(
        notice=message.notice_id,
        person=message.person_id,
        retailer=message.retailer_id,
        contact=message.contact_id,
        state=State.ACKNOWLEDGED,
    )
    return own.order_by("acknowledged_at").values_list("acknowledged_at", flat=True).first()


def message_for(person: Person, message: UUID) -> Message:
    """A message, for its own recipient; NotFound for anybody else."""
    found = Message.objects.select_related("notice").filter(uuid=message, person=person).first()
    return there(found, gettext_noop("no such message"))


def messages(
    *, incident: UUID | None = None, run: UUID | None = None, task: UUID | None = None
) -> QuerySet[Message]:
    """Who was told what, by which way, and what was seen of it; oldest first. One of the three is to be
    given.
    """
    if incident is None and run is None and task is None:
        raise ValueError("an incident, a run or a task has to be named")
    which = Q()
    for name, value in {"incident": incident, "run": run, "task": task}.items():
        if value is not None:
            which &= Q(**{f"notice__{name}": value})
    return (
        Message.objects.filter(which)
        .select_related("notice", "person", "retailer", "contact")
        .order_by("queued_at", "id")
    )


def unsent() -> dict[str, int]:
    """How many messages each channel still has to hand over."""
    return dict(
        Message.objects.filter(due_at__isnull=False).values_list("channel").annotate(count=Count("pk"))
    )
