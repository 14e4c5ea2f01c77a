"""Whom a notice goes to: a light value, so that tens of thousands of them cost little."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.db.models import QuerySet

from changbei.network.models import Retailer
from changbei.notify import personal
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
    values: Mapping[str, Any] | None = None  # for placeholders that differ from recipient to recipient

    def with_values(self, **own: Any) -> Recipient:
        """The same recipient, with these values for placeholders as well."""
        return replace(self, values={**(self.values or {}), **own})

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


def of_retailers(retailers: QuerySet[Retailer], own: Collection[str] = ()) -> list[Recipient]:
    """One query, a few columns a row; with the values of the placeholders `own` of each."""
    return list(each_retailer(retailers, own))


def each_retailer(retailers: QuerySet[Retailer], own: Collection[str] = ()) -> Iterator[Recipient]:
    """As `of_retailers`, one after the other: for tens of thousands."""
    fields, declared = personal.sources(own)
    more = {name: find(retailers) for name, find in declared.items()}
    rows = retailers.values_list("pk", "contact_name", "phone", "licence_no", *fields.values())
    for pk, contact, phone, licence, *rest in rows.iterator(chunk_size=5_000):
        values: dict[str, Any] | None = None
        if own:
            values = dict(zip(fields, rest, strict=True))
            values |= {name: found[pk] for name, found in more.items() if pk in found}
        yield Recipient("retailer", pk, contact, phone, label=licence, values=values)
