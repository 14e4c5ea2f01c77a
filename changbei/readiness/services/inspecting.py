"""The rota of inspections, and what was found (E2.8, E3.1.10)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid, there
from changbei.journal import services as journal
from changbei.people import access as people
from changbei.people.models import Person, PostHolding
from changbei.readiness import rules, selectors
from changbei.readiness.models import Inspection, InspectionTarget, Rectification


def plan_rota() -> int:
    """Put the next inspections of every place on the rota, as the checks of the plans in force say; how many.

    Irregular dates are drawn with a key that only the server knows, so nobody can foresee them. Idempotent.
    """
    today = clock.today()
    new = []
    for kinds, intervals in selectors.inspection_intervals():
        for row in selectors.inspection_targets(kinds):
            new += [
                Inspection(target_id=row.pk, planned_on=one.planned_on, irregular=one.irregular)
                for one in rules.rota(row.rule, intervals, today, _draw)
            ]
    return len(Inspection.objects.bulk_create(new, ignore_conflicts=True))


def _draw(words: str) -> int:
    digest = hmac.new(settings.SECRET_KEY.encode(), f"inspection:{words}".encode(), hashlib.sha256)
    return int.from_bytes(digest.digest()[:8])


@transaction.atomic
def record_inspection(
    target: str,
    *,
    irregular: bool = False,
    findings: Sequence[str] = (),
    note: str = "",
    owner: Person | None = None,
    due_on: date | None = None,
    run: UUID | None = None,
    drill: bool = False,
    actor: Person | None,
) -> Inspection | None:
    """A place or equipment (its code) was inspected today; each finding is ordered to be mended (E2.8, E2.9).

    It counts for the open inspection of the rota that is due, else as one more. The owner of findings is `owner`,
    else the head of the place's unit, else the head of security; the date `due_on`, else ten working days. Journals
    `readiness.inspected`. With `run` the same run records a place only once; in a drill nothing is kept (None).
    """
    if actor is not None:
        people.require(actor, "readiness.record")
    place = InspectionTarget.objects.select_for_update(of=("self",)).select_related("site__unit")
    found = there(place.filter(code=target, active=True).first(), f"there is no place {target} on the rota")
    today = clock.today()
    if due_on is not None and due_on < today:
        raise Invalid("due_on", gettext_noop("must not be in the past"))
    known = Inspection.objects.filter(target=found, run=run).first() if run else None
    if known is not None:
        return known
    words = [one.strip() for one in findings if one.strip()]
    inspection = None if drill else _done(found, irregular, today, note, run, actor)
    if inspection is not None:
        _order(inspection, words, owner or _responsible(found), due_on or rules.rectify_by(today))
    facts = {"target": found.code, "kind": found.kind, "irregular": irregular, "findings": words}
    journal.append("readiness.inspected", actor=actor, run=run, clause="E2.8", drill=drill, data=facts)
    return inspection


def _done(
    target: InspectionTarget, irregular: bool, today: date, note: str, run: UUID | None, actor: Person | None
) -> Inspection:
    """The open inspection that is due, the oldest first (a regular one may be made early), marked as done."""
    open_ones = target.inspections.filter(done_on__isnull=True, irregular=irregular)
    if irregular:
        open_ones = open_ones.filter(planned_on__lte=today)
    due = open_ones.order_by("planned_on", "pk").first()
    inspection = due or _one_more(target, irregular, today)
    inspection.done_on, inspection.by, inspection.run = today, actor, run
    inspection.note = note.strip()[:400]
    inspection.save()
    return inspection


def _one_more(target: InspectionTarget, irregular: bool, today: date) -> Inspection:
    """Not on the rota; a second one on the same day joins the first."""
    same_day = target.inspections.filter(planned_on=today, irregular=irregular).first()
    return same_day or Inspection(target=target, planned_on=today, irregular=irregular)


def _order(inspection: Inspection, words: Sequence[str], owner: Person | None, due_on: date) -> None:
    clause = "E3.1.10" if inspection.target.kind == "network-equipment" else "E2.8"
    Rectification.objects.bulk_create(
        Rectification(
            inspection=inspection,
            text=one,
            clause=clause,
            owner=owner,
            due_on=due_on,
            remind_at=rules.first_reminder(due_on),
        )
        for one in words
    )


def _responsible(target: InspectionTarget) -> Person | None:
    held = PostHolding.objects.filter(until__isnull=True, rank=1, person__active=True).select_related(
        "person"
    )
    if target.site is not None:
        own = held.filter(post__unit=target.site.unit, post__kind__endswith="-head").order_by("pk").first()
        if own is not None:
            return own.person
    kind = "info-center-head" if target.kind in {"server-room", "network-equipment"} else "security-head"
    head = held.filter(post__kind=kind).order_by("pk").first()
    return head.person if head else None
