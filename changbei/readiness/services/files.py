"""Customer files taken out for use without the network (E3.2.7): who took them, what for, until when is on record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.journal import services as journal
from changbei.network.models import City, Retailer
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness import filebook
from changbei.readiness.models import CustomerFileCopy

LONGEST_KEPT_DAYS = 366


@dataclass(frozen=True)
class Exported:
    """The record, and the file itself, which is not kept here: one HTML page that needs nothing else."""

    copy: CustomerFileCopy
    name: str
    data: bytes


@transaction.atomic
def export_files(
    manager: Person, *, purpose: str, kept_at: str, keep_days: int, language: str, actor: Person
) -> Exported:
    """The files of all customers of a customer manager. Journals `readiness.customer_files_exported`.

    Customer managers take out their own; those of others their heads may. Raises NotAllowed, Invalid with the field.
    """
    _require(manager, actor)
    for field, words in (("purpose", purpose), ("kept_at", kept_at)):
        if not words.strip():
            raise Invalid(field, gettext_noop("words are needed"))
    if not 1 <= keep_days <= LONGEST_KEPT_DAYS:
        raise Invalid("keep_days", gettext_noop("from 1 to 366 days"))
    retailers = list(
        Retailer.objects.filter(customer_manager=manager, active=True)
        .select_related("district", "place", "line")
        .order_by("order_weekday", "line_id", "line_sequence", "pk")
    )
    if not retailers:
        raise Conflict(gettext_noop("this person has no customers"))
    now, today = clock.now(), clock.today()
    city = City.objects.first()
    head = filebook.Head(
        city=city.name if city else {},
        manager=manager.name,
        exported_by=actor.name,
        exported_at=now,
        purpose=purpose.strip(),
        keep_until=today + timedelta(days=keep_days),
    )
    data = filebook.page(head, retailers, language)
    copy = CustomerFileCopy.objects.create(
        manager=manager,
        made_at=now,
        made_by=actor,
        purpose=head.purpose[:200],
        kept_at=kept_at.strip()[:120],
        retailers=len(retailers),
        sha256=hashlib.sha256(data).hexdigest(),
        keep_until=head.keep_until,
    )
    facts = {
        "manager": manager.staff_no,
        "purpose": copy.purpose,
        "retailers": copy.retailers,
        "sha256": copy.sha256,
        "keep_until": copy.keep_until.isoformat(),
    }
    journal.append("readiness.customer_files_exported", actor=actor, clause="E3.2.7", data=facts)
    return Exported(copy, f"customer-files-{manager.staff_no}-{today.isoformat()}.html", data)


def _require(manager: Person, actor: Person) -> None:
    people.require(actor, "network.export_customer_files", manager)
    if actor.pk != manager.pk:
        people.require(actor, "network.export_files_of_others", manager)


@transaction.atomic
def destroy_copy(copy: CustomerFileCopy, *, actor: Person) -> CustomerFileCopy:
    """Say that a copy was destroyed; once. Journals `readiness.customer_files_destroyed`."""
    copy = CustomerFileCopy.objects.select_for_update(of=("self",)).select_related("manager").get(pk=copy.pk)
    _require(copy.manager, actor)
    if copy.destroyed_on is None:
        copy.destroyed_on = clock.today()
        copy.save(update_fields=["destroyed_on"])
        facts = {"manager": copy.manager.staff_no, "sha256": copy.sha256}
        journal.append("readiness.customer_files_destroyed", actor=actor, clause="E3.2.7", data=facts)
    return copy
