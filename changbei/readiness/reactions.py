"""What the room does when it hears of a fact; the table of the house says of which."""

from __future__ import annotations

from changbei.incidents.models import Incident
from changbei.journal.models import Entry
from changbei.plans import reviews as plan_reviews
from changbei.readiness import services
from changbei.readiness.models import Review


def review_closed_incident(entry: Entry) -> None:
    """An incident was closed: its review is made from what is on record (E2.9)."""
    incident = Incident.objects.filter(uuid=entry.incident).first() if entry.incident else None
    if incident is not None and incident.run_id is not None:
        services.make_review(incident, actor=None)


def review_plan(entry: Entry) -> None:
    """After each drill, and after an event whose review found something wanting, the plan is looked at (E2.2)."""
    reviews = Review.objects.select_related("incident__run__plan_version")
    review = reviews.filter(incident__uuid=entry.incident).first() if entry.incident else None
    if review is None or review.incident.run is None:
        return
    incident = review.incident
    if not incident.drill and not review.content["findings"]:
        return
    reason = plan_reviews.Reason.DRILL if incident.drill else plan_reviews.Reason.EVENT
    plan_reviews.ask_after(
        review.incident.run.plan_version, reason, source=incident.uuid, number=incident.number
    )
