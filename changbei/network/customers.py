"""What the departments put right in the register of customers."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid
from changbei.core.texts import PHONE, joined
from changbei.journal import services as journal
from changbei.network.models import Retailer
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
