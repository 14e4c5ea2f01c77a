"""Who may see and do what with visits: customer managers their own, heads those of their unit."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.care.models import Photo, Sample, Visit
from changbei.core.errors import NotAllowed, NotFound, there
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.people.models import Person

SEE, RECORD, LEAD = "care.see", "care.record", "care.lead"


def readable(actor: object) -> QuerySet[Visit]:
    """Visits of one's own, to one's own customers, and of the units one answers for."""
    person = people.person_of(actor)
    units = people.units_with(actor, SEE)
    if units is None:
        return Visit.objects.all()
    own = Q(retailer__customer_manager__unit__in=units)
    if person is not None and person.active:
        own |= Q(manager=person) | Q(done_by=person) | Q(retailer__customer_manager=person)
    return Visit.objects.filter(own)


def get_visit(actor: object, uuid: UUID) -> Visit:
    found = readable(actor).select_related(
        "retailer__customer_manager__unit", "retailer__line", "manager", "done_by", "version", "of"
    )
    return there(found.filter(uuid=uuid).first(), uuid)


def get_photo(actor: object, uuid: UUID) -> Photo:
    found = Photo.objects.select_related("visit__retailer__customer_manager").filter(uuid=uuid)
    return there(found.filter(visit__in=readable(actor)).first(), uuid)


def get_sample(actor: object, uuid: UUID) -> Sample:
    found = Sample.objects.select_related("unit", "drawn_by").filter(uuid=uuid).first()
    if found is None or not people.may(actor, SEE, found.unit):
        raise NotFound(str(uuid))
    return found


def get_shop(actor: object, uuid: UUID) -> Retailer:
    """A shop for whoever may see customers; its visits are another question (`readable`)."""
    found = Retailer.objects.select_related("customer_manager__unit", "district", "line", "network_store")
    return people.get(actor, "network.see", found, uuid)


def may_visit(person: Person | None, shop: Retailer) -> bool:
    """Whether the person visits this shop: as its manager, or for a colleague of the same unit."""
    return people.may(person, RECORD, shop.customer_manager)


def may_record(person: Person | None, visit: Visit) -> bool:
    """Who is to go may record it, and who visits the shop anyway; never a spot check of one's own visit."""
    if person is None or (visit.of is not None and visit.of.done_by_id == person.pk):
        return False
    if visit.of is not None:
        return visit.manager_id == person.pk
    return visit.manager_id == person.pk or may_visit(person, visit.retailer)


def may_lead(person: Person | None, shop: Retailer) -> bool:
    return people.may(person, LEAD, shop.customer_manager)


def may_arrange(person: Person | None, visit: Visit) -> bool:
    """Who may move or drop it: whoever may record it, and the heads."""
    return may_record(person, visit) or may_lead(person, visit.retailer)


def require_to_record(person: Person, visit: Visit) -> None:
    if not may_record(person, visit):
        if visit.of is not None and visit.of.done_by_id == person.pk:
            raise NotAllowed(gettext_noop("somebody else than the first visitor looks again"))
        raise NotAllowed(RECORD)


def require_to_arrange(person: Person, visit: Visit) -> None:
    if not may_arrange(person, visit):
        raise NotAllowed(RECORD)


def require_to_visit(person: Person, shop: Retailer) -> None:
    if not may_visit(person, shop) and not may_lead(person, shop):
        raise NotAllowed(RECORD)
