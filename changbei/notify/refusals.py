"""Numbers that a carrier says are none, or that want nothing from us: somebody has to put them right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from changbei.core import clock
from changbei.network.models import Retailer
from changbei.notify.ladders import BY_PHONE
from changbei.notify.models import Message
from changbei.notify.rules import digits
from changbei.people.models import Person

State = Message.State
LOOKED_BACK = timedelta(days=180)
ARRIVED = (State.DELIVERED, State.READ, State.ACKNOWLEDGED)


@dataclass(frozen=True)
class Refused:
    """Somebody's number, still on file, that was refused on a day and has taken nothing since."""

    code: str  # staff number, or the contact's code
    name: str
    ending: str  # the number's last four digits
    since: datetime


def of_staff() -> list[Refused]:
    """Active members of staff, one entry a number, in the order of their numbers."""
    rows = _refused().filter(person__active=True).select_related("person").order_by("person__staff_no", "pk")
    found: dict[tuple[str, str], Refused] = {}
    for message in rows:
        person = message.person
        if person is None or _taken_since(message, person=person.pk):
            continue
        if digits(message.address) in {digits(person.phone), digits(person.second_phone)}:
            one = Refused(person.staff_no, person.name, digits(message.address)[-4:], message.queued_at)
            found.setdefault((one.code, digits(message.address)), one)
    return list(found.values())


def of_contacts() -> list[Refused]:
    """Outside contacts, one entry each."""
    rows = _refused().filter(contact__isnull=False).select_related("contact").order_by("contact__code", "pk")
    found: dict[str, Refused] = {}
    for message in rows:
        contact = message.contact
        if contact is None or _taken_since(message, contact=contact.pk):
            continue
        if digits(message.address) == digits(contact.phone):
            name = contact.person or contact.code
            found.setdefault(
                contact.code, Refused(contact.code, name, digits(message.address)[-4:], message.queued_at)
            )
    return list(found.values())


@dataclass(frozen=True)
class OfCustomer:
    """A customer whose number, still on file, was refused and has taken nothing since."""

    retailer: Retailer  # with district, line and customer manager
    since: datetime


def of_customers(*, manager: Person | None = None) -> list[OfCustomer]:
    """Active customers, of one customer manager or of all, district by district along the lines."""
    later = Message.objects.filter(
        retailer=OuterRef("retailer"),
        channel__in=BY_PHONE,
        address=OuterRef("address"),
        state__in=ARRIVED,
        pk__gt=OuterRef("pk"),
    )
    rows = _refused().filter(~Exists(later), retailer__active=True)
    if manager is not None:
        rows = rows.filter(retailer__customer_manager=manager)
    rows = rows.select_related("retailer__district", "retailer__line", "retailer__customer_manager")
    found: dict[int, OfCustomer] = {}
    for message in rows.order_by(
        "retailer__district__code", "retailer__line__code", "retailer__line_sequence", "retailer", "pk"
    ):
        shop = message.retailer
        if shop is not None and digits(message.address) == digits(shop.phone):
            found.setdefault(shop.pk, OfCustomer(shop, message.queued_at))
    return list(found.values())


def _refused() -> QuerySet[Message]:
    return Message.objects.filter(
        state=State.REFUSED, channel__in=BY_PHONE, queued_at__gt=clock.now() - LOOKED_BACK
    )


def _taken_since(message: Message, **whose: int) -> bool:
    later = Message.objects.filter(channel__in=BY_PHONE, address=message.address, state__in=ARRIVED, **whose)
    return later.filter(pk__gt=message.pk).exists()
