"""What the room does when it hears of a fact; the table of the house says of which."""

from __future__ import annotations

from uuid import UUID

from changbei.incidents.models import Incident, Level
from changbei.journal.models import Entry
from changbei.plans import reviews as plan_reviews
from changbei.plans.models import PlanDraft
from changbei.readiness import services
from changbei.readiness.models import Review
from changbei.readiness.services import signing


def review_closed_incident(entry: Entry) -> None:
    """An incident was closed: its review is made from what is on record (E2.9). Everyday service needs none."""
    incident = Incident.objects.filter(uuid=entry.incident).first() if entry.incident else None
    if incident is None or incident.run_id is None:
        return
    if incident.drill or incident.level != Level.SERVICE:
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


def ask_to_sign(entry: Entry) -> None:
    """A draft of a plan is put before the leading group: its members hear of it (E2.2, E4)."""
    signing.ask_to_sign(_draft(entry))


def tell_refused(entry: Entry) -> None:
    signing.tell_refused(_draft(entry), entry.data["words"])


def tell_adopted(entry: Entry) -> None:
    """With the last signature the draft has become a version."""
    draft = _draft(entry)
    if draft.state == PlanDraft.State.ADOPTED:
        signing.tell_adopted(draft)


def _draft(entry: Entry) -> PlanDraft:
    return PlanDraft.objects.select_related("begun_by", "submitted_by").get(uuid=UUID(entry.data["draft"]))
