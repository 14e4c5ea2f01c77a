"""What comes back from recipients outside our pages: replies to texts, keys pressed in calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce

from changbei.core import clock
from changbei.core.texts import uuid_in
from changbei.network.models import Retailer
from changbei.notify import rules, services
from changbei.notify.channels import Reply as Came
from changbei.notify.ladders import VOICE
from changbei.notify.models import Message, Reply
from changbei.people.models import Contact, Person

State = Message.State
ANSWERABLE = timedelta(days=3)  # a "yes" from a number means what was sent to it within this long
LOOKED_AT = 50  # messages to one number
REPEATED = timedelta(minutes=1)  # the same text from the same number again, where the carrier gives no id


# One that a worker has in hand may arrive before it is noted that it went out.
LAST_OUT = (Coalesce("handed_at", "acknowledged_at", "lease_until").desc(), "-pk")


def take(channel: str, came: Came) -> Message | None:
    """Keep what came, once; the message that it acknowledges, if any."""
    name = f"{came.sender}:{came.carrier_id}"[:80] if came.carrier_id else ""
    with transaction.atomic():
        if _is_repeated(channel, came, name):
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


def _is_repeated(channel: str, came: Came, name: str) -> bool:
    """Whether the carrier says this once more: known by its id, or a text without one by who says what, when."""
    if name:
        return Reply.objects.filter(channel=channel, carrier_id=name).exists()
    lately = Reply.objects.filter(channel=channel, at__gt=clock.now() - REPEATED)
    return channel != VOICE and lately.filter(sender=came.sender, text=came.text, carrier_id="").exists()


def _of_a_call(came: Came) -> Message | None:
    """Any key says that a person listened: no machine presses one."""
    if not came.text.strip():
        return None
    calls = _asked().filter(channel=VOICE, state__in=services.OVER)
    if came.reference:
        key = uuid_in(came.reference)
        return calls.filter(uuid=key).first() if key else None
    return calls.filter(carrier_id=came.carrier_id).first() if came.carrier_id else None


def _of_a_text(channel: str, came: Came) -> Message | None:
    meant = rules.reply_means(came.text)
    if not meant:
        return None
    sent = _sent_to(channel, rules.digits(came.sender))
    answered = next((one for one in sent if meant in {"yes", rules.code_of(one.pk)}), None)
    return answered if answered and answered.state in services.OVER else None


def _sent_to(channel: str, number: str) -> Iterator[Message]:
    """What this number was asked to acknowledge, done or not, the last one to go out first. Staff before contacts
    before customers.
    """
    if not number:
        return
    for kind, keys in (
        ("person", _having(Person, "phone", number) | _having(Person, "second_phone", number)),
        ("contact", _having(Contact, "phone", number)),
        ("retailer", _having(Retailer, "phone", number)),
    ):
        messages = (
            _asked().filter(channel=channel, **{f"{kind}__in": keys}) if keys else Message.objects.none()
        )
        went = messages.filter(state__in=(*services.OVER, State.ACKNOWLEDGED)).order_by(*LAST_OUT)
        yield from (one for one in went[:LOOKED_AT] if rules.digits(one.address) == number)


def _having(kind: type[Person | Contact | Retailer], column: str, number: str) -> set[int]:
    """The keys of those with this number, however it is written."""
    digits = Func(
        F(column), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=TextField()
    )
    rows = kind._default_manager.annotate(digits=digits).filter(digits__in=[number, f"86{number}"])
    return set(rows.values_list("pk", flat=True))


def _asked() -> QuerySet[Message]:
    return Message.objects.filter(
        notice__needs_acknowledgement=True, queued_at__gt=clock.now() - ANSWERABLE
    ).select_related("notice", "person", "retailer", "contact")
