"""What comes back from recipients outside our pages: replies to texts, keys pressed in calls."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Func, QuerySet, TextField, Value

from changbei.core import clock
from changbei.network.models import Retailer
from changbei.notify import rules, services
from changbei.notify.channels import Reply as Came
from changbei.notify.ladders import VOICE
from changbei.notify.models import Message, Reply
from changbei.people.models import Contact, Person

ANSWERABLE = timedelta(days=3)  # a "yes" from a number means what was sent to it within this long
LOOKED_AT = 50  # messages to one number


def take(channel: str, came: Came) -> Message | None:
    """Keep what came, once; the message that it acknowledges, if any."""
    name = f"{came.sender}:{came.carrier_id}"[:80] if came.carrier_id else ""
    with transaction.atomic():
        if name and Reply.objects.filter(channel=channel, carrier_id=name).exists():
            return None
        message = _of_a_call(came) if channel == VOICE else _of_a_text(channel, came)
        kept = Reply(
            channel=channel,
            sender=came.sender,
            text=came.text,
            carrier_id=name,
            at=clock.now(),
            message=message,
        )
        # A carrier that repeats itself at the same moment: the database keeps one.
        Reply.objects.bulk_create([kept], ignore_conflicts=True)
        if message is not None:
            services.acknowledge_from_outside(message, by="key" if channel == VOICE else "reply")
    return message


def _of_a_call(came: Came) -> Message | None:
    """Any key says that a person listened: no machine presses one."""
    if not came.text.strip():
        return None
    calls = _answerable().filter(channel=VOICE)
    if came.reference:
        try:
            return calls.filter(uuid=UUID(came.reference)).first()
        except ValueError:
            return None
    return calls.filter(carrier_id=came.carrier_id).first() if came.carrier_id else None


def _of_a_text(channel: str, came: Came) -> Message | None:
    meant = rules.reply_means(came.text)
    if not meant:
        return None
    sent = _sent_to(channel, rules.digits(came.sender))
    if meant == "yes":
        return sent[0] if sent else None
    return next((message for message in sent if rules.code_of(message.pk) == meant), None)


def _sent_to(channel: str, number: str) -> list[Message]:
    """What this number was asked to acknowledge, the newest first. Staff before contacts before customers."""
    if not number:
        return []
    for kind, keys in (
        ("person", _having(Person, "phone", number) | _having(Person, "second_phone", number)),
        ("contact", _having(Contact, "phone", number)),
        ("retailer", _having(Retailer, "phone", number)),
    ):
        messages = (
            _answerable().filter(channel=channel, **{f"{kind}__in": keys}) if keys else Message.objects.none()
        )
        if found := [
            one for one in messages.order_by("-pk")[:LOOKED_AT] if rules.digits(one.address) == number
        ]:
            return found
    return []


def _having(kind: type[Person | Contact | Retailer], column: str, number: str) -> set[int]:
    """The keys of those with this number, however it is written."""
    digits = Func(
        F(column), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=TextField()
    )
    rows = kind._default_manager.annotate(digits=digits).filter(digits__in=[number, f"86{number}"])
    return set(rows.values_list("pk", flat=True))


def _answerable() -> QuerySet[Message]:
    return Message.objects.filter(
        notice__needs_acknowledgement=True,
        queued_at__gt=clock.now() - ANSWERABLE,
        state__in=services.OVER,
    ).select_related("notice", "person", "retailer", "contact")
