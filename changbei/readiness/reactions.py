"""What the room does when it hears of a fact; the table of the house says of which."""

from __future__ import annotations

from changbei.incidents.models import Incident
from changbei.journal.models import Entry
from changbei.readiness import services


def review_closed_incident(entry: Entry) -> None:
    """An incident was closed: its review is made from what is on record (E2.9)."""
    incident = Incident.objects.filter(uuid=entry.incident).first() if entry.incident else None
    if incident is not None and incident.run_id is not None:
        services.make_review(incident, actor=None)
