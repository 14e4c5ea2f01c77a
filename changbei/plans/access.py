"""Who may see drafts and reviews of plans; the only way to get one for an actor."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from changbei.core.errors import there
from changbei.people import access as people
from changbei.plans.models import PlanDraft, PlanReview


def get_draft(actor: object, draft: UUID) -> PlanDraft:
    """A draft, for whoever may write or sign drafts; NotFound for others."""
    return there(drafts(actor).filter(uuid=draft).first(), draft)


def drafts(actor: object) -> QuerySet[PlanDraft]:
    """Drafts the actor may see, the newest first."""
    found = PlanDraft.objects.select_related("base", "begun_by", "adopted").order_by("-begun_at", "-pk")
    allowed = people.may(actor, "plans.draft") or people.may(actor, "plans.sign")
    return found if allowed else found.none()


def reviews(actor: object) -> QuerySet[PlanReview]:
    """Reviews that are due or were made, the nearest open one first."""
    found = PlanReview.objects.select_related("version", "owner", "done_by", "draft")
    found = found.order_by("done_at", "due_on", "pk")
    return found if people.may(actor, "plans.see") else found.none()


def get_review(actor: object, review: UUID | str) -> PlanReview:
    """A review, for whoever may see plans; NotFound for others."""
    return people.get(actor, "plans.see", reviews(actor), review)
