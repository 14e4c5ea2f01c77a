"""The plan is looked at again: after its period, each drill, and each event that found it wanting (E2.2, E2.9)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.journal import services as journal
from changbei.people import access as people
from changbei.people.models import Person
from changbei.people.resolution import RoleSpec, resolve
from changbei.plans import rules
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanReview, PlanVersion

OWNER = RoleSpec(post="leading-group-office")  # prepares what the group decides on
Reason = PlanReview.Reason


@transaction.atomic
def ask(
    version: PlanVersion,
    reason: str,
    *,
    due_on: date,
    source: UUID | None = None,
    number: str = "",
) -> PlanReview | None:
    """Have the plan looked at by `due_on`; None when that was asked for the same reason before and is still open."""
    PlanVersion.objects.select_for_update().get(pk=version.pk)
    same = PlanReview.objects.filter(version=version, reason=reason, source=source)
    if same.filter(done_at__isnull=True).exists() or (source is not None and same.exists()):
        return None
    review = PlanReview.objects.create(
        version=version,
        reason=reason,
        source=source,
        number=number,
        owner=resolve(OWNER, {}, clock.now()).person,
        due_on=due_on,
        made_at=clock.now(),
    )
    _journal("plans.review_due", review, None)
    return review


def ask_after(version: PlanVersion, reason: str, *, source: UUID, number: str) -> PlanReview | None:
    """After a drill or an event: within the time that a review may take."""
    due_on = clock.today() + rules.REVIEW_WITHIN
    return ask(version, reason, due_on=due_on, source=source, number=number)


def ask_for_periods() -> int:
    """For every plan in force whose review period ends soon; how many reviews were asked for."""
    today, asked = clock.today(), 0
    for version in PlanVersion.objects.filter(in_force=True).order_by("pk"):
        period = pack_for(version).review_period
        days = period.seconds // 86400 or period.working_days
        done = version.reviews.filter(reason=Reason.PERIOD).aggregate(at=Max("done_at"))["at"]
        since = max(version.effective_on, clock.day_of(done)) if done else version.effective_on
        due_on = rules.review_due_on(since, days)
        if days and due_on - rules.REVIEW_AHEAD <= today:
            asked += ask(version, Reason.PERIOD, due_on=max(due_on, today)) is not None
    return asked


@transaction.atomic
def finish(review: PlanReview, *, outcome: str, actor: Person) -> PlanReview:
    """The plan was looked at and stays as it is, or what came of it; a signed draft finishes its review by itself."""
    people.require(actor, "plans.draft")
    if not outcome.strip():
        raise Invalid("outcome", gettext_noop("say what came of it"))
    review = PlanReview.objects.select_for_update(of=("self",)).select_related("version").get(pk=review.pk)
    if review.done_at is not None:
        raise Conflict(gettext_noop("this review is finished already"))
    review.done_at, review.done_by, review.outcome = clock.now(), actor, outcome.strip()
    review.save(update_fields=["done_at", "done_by", "outcome"])
    _journal("plans.review_done", review, actor)
    return review


def is_overdue(review: PlanReview) -> bool:
    return review.done_at is None and review.due_on < clock.today()


def _journal(kind: str, review: PlanReview, actor: Person | None) -> None:
    data = {
        "review": str(review.uuid),
        "pack": review.version.pack,
        "version": review.version.version,
        "reason": review.reason,
        "number": review.number,
        "owner": review.owner.staff_no if review.owner else "",
        "due_on": review.due_on.isoformat(),
    }
    journal.append(kind, actor=actor, clause="E2.2", data=data)


__all__ = ["ask", "ask_after", "ask_for_periods", "finish", "is_overdue"]
