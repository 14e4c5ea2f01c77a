"""What is put right in the register of customers: a number, who has joined the network stores, who needs care."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid
from changbei.core.texts import PHONE, joined
from changbei.journal import services as journal
from changbei.network.models import NetworkStore, Retailer
from changbei.people import access
from changbei.people.models import Person

MAY_CORRECT = "network.correct_phone"


@transaction.atomic
def correct_phone(retailer: Retailer, phone: str, *, actor: Person) -> Retailer:
    """A customer has another number (E3.2.7). Journals `network.phone_corrected`. Raises NotAllowed, Invalid(phone)."""
    access.require(actor, MAY_CORRECT, retailer.customer_manager)
    number = joined(phone)
    if not PHONE.fullmatch(number):
        raise Invalid("phone", gettext_noop("A telephone number has 5 to 15 digits."))
    Retailer.objects.filter(pk=retailer.pk).update(phone=number)
    retailer.phone = number
    facts = {"licence_no": retailer.licence_no}
    journal.append("network.phone_corrected", actor=actor, clause="E3.2.7", data=facts)
    return retailer


@transaction.atomic
def join_network_stores(
    retailer: Retailer, *, since: date, agreement: str, run: UUID, drill: bool, actor: Person | None
) -> NetworkStore:
    """The agreement is signed (S11). Who is a network store already stays it, by the newer agreement."""
    store, _ = NetworkStore.objects.update_or_create(
        retailer=retailer, defaults={"since": since, "agreement": agreement}
    )
    facts = {"licence_no": retailer.licence_no, "agreement": agreement}
    journal.append("network.store_joined", actor=actor, run=run, clause="S11", drill=drill, data=facts)
    return store


@transaction.atomic
def set_care(retailer: Retailer, *, needed: bool, run: UUID, drill: bool, actor: Person | None) -> Retailer:
    """It was assessed whether the customer needs special service (S6); why stays with the assessment."""
    Retailer.objects.filter(pk=retailer.pk).update(is_vulnerable=needed)
    retailer.is_vulnerable = needed
    facts = {"licence_no": retailer.licence_no, "needed": needed}
    journal.append("network.care_assessed", actor=actor, run=run, clause="S6", drill=drill, data=facts)
    return retailer
