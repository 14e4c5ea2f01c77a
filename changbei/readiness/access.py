"""Who may see reviews and findings; the only way to get one for an actor."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from changbei.core.errors import NotFound
from changbei.core.texts import uuid_in
from changbei.incidents import access as incidents
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness.models import Rectification, Review


def get_review(actor: object, incident: UUID | str) -> Review:
    """The review of an incident, by the incident's uuid; NotFound when there is none or the actor may see none."""
    if not people.may(actor, "readiness.see"):
        raise NotFound(str(incident))
    rows = Review.objects.select_related("incident__run", "confirmed_by")
    found = rows.filter(incident__uuid=key).first() if (key := uuid_in(incident)) else None
    if found is None or not incidents.may_read(actor, found.incident):
        raise NotFound(str(incident))
    return found


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
