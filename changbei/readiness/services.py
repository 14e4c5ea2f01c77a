"""The verbs of the room: run the checks, look at a reserve van, make and confirm a review, mend a finding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.network.models import Vehicle
from changbei.notify import services as notify
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_people
from changbei.people import access as people
from changbei.people.models import Person
from changbei.people.resolution import resolve_many
from changbei.plans.loading import pack_for
from changbei.plans.model import Check, Pack
from changbei.plans.models import PlanVersion
from changbei.readiness import checks, rules
from changbei.readiness.models import CheckDue, Finding, Rectification, Review, VehicleCheck
from changbei.readiness.review import content_of
from changbei.runs.models import RoleHolding, Run
from changbei.runs.roles import spec_of

# --- checks ---


def run_checks(*, actor: Person | None) -> tuple[int, int]:
    """Run every check of the plans in force; how many findings were opened and how many are mended.

    A check of a kind the product does not know is left out: the plan's own checking has said so. Idempotent.
    """
    if actor is not None:
        people.require(actor, "readiness.check")
    opened = mended = 0
    for version in PlanVersion.objects.filter(in_force=True).order_by("pack"):
        pack = pack_for(version)
        for check in pack.checks.values():
            if checks.is_known(check):
                more, fewer = _run(check, pack, actor)
                opened, mended = opened + more, mended + fewer
    return opened, mended


def run_due_checks() -> int:
    """Run the checks whose time has come, as often as each one's plan says; how many findings changed.

    A check that has never run is due now. Several workers share the checks.
    """
    now, changed = clock.now(), 0
    for version in PlanVersion.objects.filter(in_force=True).order_by("pack"):
        pack = pack_for(version)
        waiting = set(CheckDue.objects.filter(due_at__gt=now).values_list("check_id", flat=True))
        for check in pack.checks.values():
            if check.id not in waiting and checks.is_known(check):
                changed += _run_if_due(check, pack)
    return changed


@transaction.atomic
def _run_if_due(check: Check, pack: Pack) -> int:
    _lock(check)
    now = clock.now()
    if CheckDue.objects.filter(check_id=check.id, due_at__gt=now).exists():
        return 0
    CheckDue.objects.update_or_create(check_id=check.id, defaults={"due_at": check.every.after(now)})
    return sum(_run(check, pack, None))


def _lock(check: Check) -> None:
    """One at a time for each check, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"check:{check.id}"])


@transaction.atomic
def _run(check: Check, pack: Pack, actor: Person | None) -> tuple[int, int]:
    """Open what is new, mend what holds again; what stays is left as it was found."""
    _lock(check)
    now = clock.now()
    found = {trouble.subject: trouble for trouble in checks.troubles(check, pack, now)}
    known = {
        finding.subject: finding
        for finding in Finding.objects.filter(check_id=check.id, mended_at__isnull=True)
    }
    new = [trouble for subject, trouble in found.items() if subject not in known]
    Finding.objects.bulk_create(
        Finding(check_id=check.id, clause=check.clause, subject=one.subject, text=one.text, found_at=now)
        for one in new
    )
    gone = [finding for subject, finding in known.items() if subject not in found]
    Finding.objects.filter(pk__in=[finding.pk for finding in gone]).update(mended_at=now)
    if new:
        _tell(check, pack, new, actor)
    facts = [("readiness.finding_opened", one.subject, one.text) for one in new]
    facts += [("readiness.finding_mended", one.subject, one.text) for one in gone]
    journal.append_many(
        [
            journal.NewEntry(
                kind, actor, clause=check.clause, data={"check": check.id, "subject": subject, "text": text}
            )
            for kind, subject, text in facts
        ]
    )
    return len(new), len(gone)


def _tell(check: Check, pack: Pack, new: Sequence[rules.Trouble], actor: Person | None) -> None:
    """Tell the roles the check names what was found, all of it in one notice, with what to do."""
    specs = {role: spec_of(pack, role) for role in check.tell if role in pack.roles}
    holders = resolve_many(specs, {}, clock.now())
    told = {holder.person.pk: holder.person for holder in holders.values() if holder.person is not None}
    body = {
        language: " ".join([*(one.text[language] for one in new), check.mend.get(language, "")])
        for language in check.title
    }
    notice = notify.NewNotice(
        template="readiness-finding",
        title=dict(check.title),
        body=body,
        urgency=Urgency.ROUTINE,
        clause=check.clause,
        needs_acknowledgement=True,
    )
    notify.tell(notice, of_people(told.values()), actor=actor)


@transaction.atomic
def check_vehicle(vehicle: Vehicle, *, fit: bool, note: str = "", actor: Person) -> VehicleCheck:
    """A van was looked at today (E3.2.6); it counts as fit or goes to repair. A van in use keeps its state."""
    people.require(actor, "readiness.check")
    vehicle = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
    today = clock.local_now().date()
    vehicle.checked_on = today
    if not fit:
        vehicle.state = Vehicle.State.UNDER_REPAIR
    elif vehicle.state in (Vehicle.State.BROKEN_DOWN, Vehicle.State.UNDER_REPAIR):
        vehicle.state = Vehicle.State.FIT
    vehicle.save(update_fields=["checked_on", "state"])
    done = VehicleCheck.objects.create(vehicle=vehicle, on=today, fit=fit, by=actor, note=note.strip()[:200])
    journal.append(
        "readiness.vehicle_checked",
        actor=actor,
        clause="E3.2.6",
        data={"vehicle": vehicle.number, "fit": fit, "note": done.note},
    )
    return done


# --- reviews ---


@transaction.atomic
def make_review(incident: Incident, *, actor: Person | None) -> Review:
    """Freeze what happened next to what the plan said, with an owner and a date for each finding (E2.9).

    Made once; making it again changes nothing. Raises Conflict for an incident that is not closed.
    """
    incident = (
        Incident.objects.select_for_update(of=("self",))
        .select_related("run__plan_version")
        .get(pk=incident.pk)
    )
    known = Review.objects.filter(incident=incident).first()
    if known is not None:
        return known
    if incident.status != Incident.Status.CLOSED:
        raise Conflict(f"{incident.number} is not closed")
    review = Review.objects.create(incident=incident, content=content_of(incident), made_at=clock.now())
    owners = _owners(incident)
    due_on = rules.rectify_by(clock.local_now().date())
    rows = Rectification.objects.bulk_create(
        Rectification(
            review=review,
            text=finding["text"]["zh-Hans"],
            clause=finding["clause"],
            owner=owners.get(finding["role"]) or owners.get(""),
            due_on=due_on,
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
    if due_on < clock.local_now().date():
        raise Invalid("due_on", gettext_noop("must not be in the past"))
    made = Rectification.objects.create(
        review=review, text=text.strip(), clause=clause[:20], owner=owner, due_on=due_on
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
    if due_on < clock.local_now().date():
        raise Invalid("due_on", gettext_noop("must not be in the past"))
    found.owner, found.due_on = owner, due_on
    found.save(update_fields=["owner", "due_on"])
    _journal(
        "readiness.rectification_assigned",
        found.review,
        actor,
        owner=owner.staff_no,
        due_on=due_on.isoformat(),
    )
    return found


@transaction.atomic
def mend(rectification: Rectification, *, actor: Person) -> Rectification:
    """It is done: by its owner, or by whoever supervises."""
    found = _locked(rectification)
    if found.owner_id != actor.pk:
        people.require(actor, "readiness.rectify")
    if found.done_at is not None:
        return found
    found.done_at = clock.now()
    found.save(update_fields=["done_at"])
    _journal("readiness.rectified", found.review, actor, clause_of_finding=found.clause)
    return found


def _locked(rectification: Rectification) -> Rectification:
    rows = Rectification.objects.select_for_update(of=("self",)).select_related("review__incident__run")
    return rows.get(pk=rectification.pk)


def _journal(kind: str, review: Review, actor: Person | None, **data: Any) -> None:
    incident = review.incident
    journal.append(
        kind,
        actor=actor,
        incident=incident.uuid,
        run=incident.run.uuid if incident.run else None,
        clause="E2.9",
        drill=incident.drill,
        data={"number": incident.number, **data},
    )
