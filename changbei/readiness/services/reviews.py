"""Reviews and what they order to be mended (E2.9)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents.models import Incident
from changbei.incidents.noting import note
from changbei.incidents.services.locking import lock
from changbei.journal import services as journal
from changbei.notify import services as notify
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_people
from changbei.people import access as people
from changbei.people.models import Person
from changbei.people.rules import LEADING_GROUP
from changbei.plans.loading import pack_for
from changbei.readiness import access, rules
from changbei.readiness.models import Experience, Rectification, Review
from changbei.readiness.review import content_of
from changbei.runs.models import RoleHolding, Run

HEADS = (*LEADING_GROUP, "leading-group-office")
"""Whose holders hear of every review: the leading group (E2.1a) and its office."""


@transaction.atomic
def make_review(incident: Incident, *, actor: Person | None) -> Review:
    """Freeze what happened next to what the plan said, with an owner and a date for each finding (E2.9).

    Made once; making it again changes nothing. Raises Conflict for an incident that is not closed.
    """
    incident = lock(incident)
    known = Review.objects.filter(incident=incident).first()
    if known is not None:
        return known
    if incident.status != Incident.Status.CLOSED:
        raise Conflict(f"{incident.number} is not closed")
    review = Review.objects.create(incident=incident, content=content_of(incident), made_at=clock.now())
    owners = _owners(incident)
    due_on = rules.rectify_by(clock.today())
    rows = Rectification.objects.bulk_create(
        Rectification(
            review=review,
            text=finding["text"]["zh-Hans"],
            clause=finding["clause"],
            owner=owners.get(finding["role"]) or owners.get(""),
            due_on=due_on,
            remind_at=rules.first_reminder(due_on),
        )
        for finding in review.content["findings"]
    )
    _journal("readiness.review_made", review, actor, findings=len(rows))
    return review


def _owners(incident: Incident) -> dict[str, Person | None]:
    """Who answers for a finding: the head next above the role, and supervision for what belongs to no role ("").

    The first of the escalation chain of the role's tasks stands above it; a role nobody is above answers itself.
    """
    run = incident.run
    if run is None:
        return {}
    pack = pack_for(run.plan_version)
    holders = _holders(run)
    owners = dict(holders)
    for step in pack.procedures[run.procedure].steps.values():
        if step.task and step.task.chain and (above := holders.get(step.task.chain[0])):
            owners[step.task.role] = above
    owners[""] = holders.get("inspection-head") or incident.closed_by
    return owners


def _holders(run: Run) -> dict[str, Person | None]:
    rows = (
        RoleHolding.objects.filter(run=run, person__isnull=False)
        .select_related("person")
        .order_by("since", "pk")
    )
    return {row.role: row.person for row in rows}


@transaction.atomic
def confirm_review(review: Review, *, remarks: str, actor: Person) -> Review:
    """Supervision and evaluation, or the leading group, confirms a review with its remarks; once."""
    people.require(actor, "readiness.review")
    review = Review.objects.select_for_update(of=("self",)).select_related("incident__run").get(pk=review.pk)
    if review.confirmed_at is not None:
        raise Conflict(gettext_noop("the review is confirmed already"))
    review.remarks, review.confirmed_by, review.confirmed_at = remarks.strip(), actor, clock.now()
    review.save(update_fields=["remarks", "confirmed_by", "confirmed_at"])
    _journal("readiness.review_confirmed", review, actor)
    return review


@transaction.atomic
def add_rectification(
    review: Review, *, text: str, clause: str, owner: Person, due_on: date, actor: Person
) -> Rectification:
    """Order something to be mended (E2.9): what, by whom, until when. Raises Invalid with the field."""
    people.require(actor, "readiness.review")
    if not text.strip():
        raise Invalid("text", gettext_noop("words are needed"))
    if due_on < clock.today():
        raise Invalid("due_on", gettext_noop("must not be in the past"))
    made = Rectification.objects.create(
        review=review,
        text=text.strip(),
        clause=clause[:20],
        owner=owner,
        due_on=due_on,
        remind_at=rules.first_reminder(due_on),
    )
    _journal(
        "readiness.rectification_ordered", review, actor, owner=owner.staff_no, due_on=due_on.isoformat()
    )
    return made


@transaction.atomic
def assign(rectification: Rectification, *, owner: Person, due_on: date, actor: Person) -> Rectification:
    """Give a finding another owner or date. Raises Invalid, Conflict when it is mended."""
    people.require(actor, "readiness.review")
    found = _locked(rectification)
    if found.done_at is not None:
        raise Conflict(gettext_noop("this is mended already"))
    if due_on < clock.today():
        raise Invalid("due_on", gettext_noop("must not be in the past"))
    found.owner, found.due_on = owner, due_on
    found.remind_at = rules.first_reminder(due_on)
    found.save(update_fields=["owner", "due_on", "remind_at"])
    _journal_mending(
        "readiness.rectification_assigned", found, actor, owner=owner.staff_no, due_on=due_on.isoformat()
    )
    return found


@transaction.atomic
def mend(rectification: Rectification, *, actor: Person) -> Rectification:
    """It is done: by its owner, or by whoever supervises."""
    found = _locked(rectification)
    if not access.mendable_by(actor)(found):
        raise NotAllowed("readiness.rectify")
    if found.done_at is not None:
        return found
    found.done_at, found.remind_at = clock.now(), None
    found.save(update_fields=["done_at", "remind_at"])
    _journal_mending("readiness.rectified", found, actor, clause_of_finding=found.clause)
    return found


def _locked(rectification: Rectification) -> Rectification:
    rows = Rectification.objects.select_for_update(of=("self",)).select_related(
        "review__incident__run", "inspection__target", "owner"
    )
    return rows.get(pk=rectification.pk)


def _journal(kind: str, review: Review, actor: Person | None, **data: Any) -> None:
    note(kind, review.incident, actor, clause="E2.9", number=review.incident.number, **data)


def _journal_mending(kind: str, found: Rectification, actor: Person | None, **data: Any) -> None:
    if found.review is not None:
        _journal(kind, found.review, actor, **data)
        return
    target = found.inspection.target.code if found.inspection else ""
    journal.append(kind, actor=actor, clause="E2.9", data={"target": target, **data})


# --- circulation and experience


@transaction.atomic
def circulate(review: Review, *, actor: Person) -> Review:
    """Send a confirmed review's result to the heads and to whoever has to mend something, with receipts (E2.9); once.

    Journals `readiness.review_circulated`. Raises Conflict before it is confirmed and when it was circulated.
    """
    people.require(actor, "readiness.review")
    review = Review.objects.select_for_update(of=("self",)).select_related("incident__run").get(pk=review.pk)
    if review.confirmed_at is None:
        raise Conflict(gettext_noop("the review has to be confirmed first"))
    if review.circulated_at is not None:
        raise Conflict(gettext_noop("the review was circulated already"))
    readers = _readers(review)
    notice = notify.tell(_circular(review), of_people(readers), actor=actor)
    review.circulated_at, review.circulation = clock.now(), notice.uuid
    review.save(update_fields=["circulated_at", "circulation"])
    _journal("readiness.review_circulated", review, actor, readers=[one.staff_no for one in readers])
    return review


def _readers(review: Review) -> list[Person]:
    """Who heads something now, and who took part or has something to mend; each once, by staff number."""
    heads = Q(holdings__until__isnull=True, holdings__rank=1, holdings__post__kind__in=HEADS)
    owners = Q(rectifications__review=review)
    took_part = Q()
    if review.incident.run is not None:
        took_part = Q(pk__in=RoleHolding.objects.filter(run=review.incident.run).values("person_id"))
    found = Person.objects.filter(heads | owners | took_part, active=True)
    return list(found.distinct().order_by("staff_no"))


def _circular(review: Review) -> notify.NewNotice:
    incident, mending = review.incident, review.rectifications.count()
    title = {
        "zh-Hans": f"{incident.number}评估结果通报",
        "zh-Hant": f"{incident.number}評估結果通報",
        "en": f"Result of the review of {incident.number}",
    }
    remarks = f" {review.remarks}" if review.remarks else ""
    body = {
        "zh-Hans": f"{incident.title['zh-Hans']}。整改事项{mending}项。{remarks}".strip(),
        "zh-Hant": f"{incident.title['zh-Hant']}。整改事項{mending}項。{remarks}".strip(),
        "en": f"{incident.title['en']}. To be mended: {mending}.{remarks}",
    }
    return notify.NewNotice(
        template="review-circulated",
        title=title,
        body=body,
        urgency=Urgency.ROUTINE,
        incident=incident.uuid,
        clause="E2.9",
        needs_acknowledgement=True,
        drill=incident.drill,
    )


@transaction.atomic
def keep_experience(
    title: str, text: str, *, clause: str = "", review: Review | None = None, actor: Person
) -> Experience:
    """Keep what was learnt so that others find it (E2.9). Journals `readiness.experience_kept`. Raises Invalid."""
    people.require(actor, "readiness.rectify")
    for name, given in (("title", title), ("text", text)):
        if not given.strip():
            raise Invalid(name, gettext_noop("words are needed"))
    kept = Experience.objects.create(
        title=title.strip()[:120],
        text=text.strip(),
        clause=clause.strip()[:20],
        review=review,
        kept_by=actor,
        kept_at=clock.now(),
    )
    facts = {"experience": str(kept.uuid), "title": kept.title}
    journal.append("readiness.experience_kept", actor=actor, clause=kept.clause or "E2.9", data=facts)
    return kept
