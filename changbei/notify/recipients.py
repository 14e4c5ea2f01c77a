"""Whom a notice goes to: a light value, so that tens of thousands of them cost little."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.db.models import QuerySet

from changbei.network.models import Retailer
from changbei.people.models import Contact, Person


@dataclass(frozen=True, slots=True)
class Recipient:
    kind: Literal["person", "retailer", "contact"]
    id: int
    name: str
    phone: str = ""
    second_phone: str = ""
    email: str = ""
    language: str = "zh-Hans"
    label: str = ""  # staff number or licence number: how the journal names the recipient

    @property
    def has_inbox(self) -> bool:
        return self.kind == "person"


def of_person(person: Person) -> Recipient:
    return Recipient(
        "person",
        person.pk,
        person.name,
        person.phone,
        person.second_phone,
        person.email,
        person.language,
        person.staff_no,
    )


def of_people(people: Iterable[Person]) -> list[Recipient]:
    return [of_person(person) for person in people]


def of_contact(contact: Contact) -> Recipient:
    return Recipient(
        "contact", contact.pk, contact.person, contact.phone, "", contact.email, label=contact.code
    )


def of_retailers(retailers: QuerySet[Retailer]) -> list[Recipient]:
    """One query, four columns a row."""
    rows = retailers.values_list("pk", "contact_name", "phone", "licence_no").iterator(chunk_size=5_000)
    return [Recipient("retailer", pk, name, phone, label=licence) for pk, name, phone, licence in rows]
