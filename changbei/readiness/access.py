"""Who may see reviews and findings; the only way to get one for an actor."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet

from changbei.core.errors import NotFound
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness.models import Finding, Rectification, Review


def get_review(actor: object, incident: UUID | str) -> Review:
    """The review of an incident, by the incident's uuid; NotFound when there is none or the actor may see none."""
    if not people.may(actor, "readiness.see"):
        raise NotFound(str(incident))
    try:
        key = incident if isinstance(incident, UUID) else UUID(incident)
    except ValueError:
        raise NotFound(str(incident)) from None
    found = Review.objects.select_related("incident__run", "confirmed_by").filter(incident__uuid=key).first()
    if found is None:
        raise NotFound(str(incident))
    return found


def open_findings(actor: object) -> QuerySet[Finding]:
    """What the checks found and nobody has mended, the oldest first."""
    found = Finding.objects.filter(mended_at__isnull=True).order_by("found_at", "pk")
    return found if people.may(actor, "readiness.see") else found.none()


def rectifications_of(person: Person) -> QuerySet[Rectification]:
    """What a person still has to mend, the most urgent first."""
    open_ones = Rectification.objects.filter(owner=person, done_at__isnull=True)
    return open_ones.select_related("review__incident").order_by("due_on", "pk")


def mendable_by(person: Person | None) -> Callable[[Rectification], bool]:
    """Whether the person may say that something is mended: its owner, whoever supervises, and of a unit what is
    with its people.
    """
    led = people.units_with(person, "readiness.rectify")

    def may_mend(found: Rectification) -> bool:
        if person is None or led is None:
            return led is None
        return found.owner is not None and (found.owner_id == person.pk or found.owner.unit_id in led)

    return may_mend
