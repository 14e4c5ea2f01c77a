"""Running the checks of the plans in force, and looking at a reserve van."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from changbei.core import clock
from changbei.delivery.models import RepairOrder
from changbei.journal import locks
from changbei.journal import services as journal
from changbei.network.models import Vehicle
from changbei.notify import services as notify
from changbei.notify.models import Urgency
from changbei.notify.recipients import of_people
from changbei.people import access as people
from changbei.people.models import Person
from changbei.people.resolution import resolve_many
from changbei.plans.model import Check, Pack
from changbei.plans.selectors import packs_in_force
from changbei.readiness import checks, rules
from changbei.readiness.models import CheckDue, Finding, VehicleCheck
from changbei.runs.roles import spec_of


def run_checks(*, actor: Person | None) -> tuple[int, int]:
    """Run every check of the plans in force; how many findings were opened and how many are mended.

    A check of a kind the product does not know is left out: the plan's own checking has said so. What was found by a
    check that no plan in force has any more is mended. Idempotent.
    """
    if actor is not None:
        people.require(actor, "readiness.check")
    opened = mended = 0
    for pack in packs_in_force():
        for check in pack.checks.values():
            if checks.is_known(check):
                more, fewer = _run(check, pack, actor)
                opened, mended = opened + more, mended + fewer
    return opened, mended + _mend_what_no_plan_asks_for(actor)


def run_due_checks() -> int:
    """Run the checks whose time has come, as often as each one's plan says; how many findings changed.

    A check that has never run is due now. What was found by a check that no plan in force has any more is mended.
    Several workers share the checks.
    """
    now, changed = clock.now(), 0
    for pack in packs_in_force():
        waiting = set(CheckDue.objects.filter(due_at__gt=now).values_list("check_id", flat=True))
        for check in pack.checks.values():
            if check.id not in waiting and checks.is_known(check):
                changed += _run_if_due(check, pack)
    return changed + _mend_what_no_plan_asks_for(None)


@transaction.atomic
def _mend_what_no_plan_asks_for(actor: Person | None) -> int:
    """Close the findings of checks that are in no plan in force; how many. A check that comes back begins anew."""
    asked = {check for pack in packs_in_force() for check in pack.checks}
    CheckDue.objects.exclude(check_id__in=asked).delete()
    left = Finding.objects.filter(mended_at__isnull=True).exclude(check_id__in=asked)
    found = list(left.select_for_update().order_by("pk"))
    _mend(found, clock.now())
    journal.append_many(
        [_fact("readiness.finding_mended", one.check_id, one.clause, one, actor) for one in found]
    )
    return len(found)


@transaction.atomic
def _run_if_due(check: Check, pack: Pack) -> int:
    locks.hold(f"check:{check.id}")
    now = clock.now()
    if CheckDue.objects.filter(check_id=check.id, due_at__gt=now).exists():
        return 0
    return sum(_run(check, pack, None))


@transaction.atomic
def _run(check: Check, pack: Pack, actor: Person | None) -> tuple[int, int]:
    """Open what is new, mend what holds again; what stays is left as it was found."""
    locks.hold(f"check:{check.id}")
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
    _mend(gone, now)
    _note(check, now, holds=not found)
    if new:
        _tell(check, pack, new, actor)
    facts = [_fact("readiness.finding_opened", check.id, check.clause, one, actor) for one in new]
    facts += [_fact("readiness.finding_mended", check.id, check.clause, one, actor) for one in gone]
    journal.append_many(facts)
    return len(new), len(gone)


def _mend(findings: Sequence[Finding], now: datetime) -> None:
    Finding.objects.filter(pk__in=[finding.pk for finding in findings]).update(mended_at=now)


def _fact(
    kind: str, check: str, clause: str, one: rules.Trouble | Finding, actor: Person | None
) -> journal.NewEntry:
    return journal.NewEntry(
        kind, actor, clause=clause, data={"check": check, "subject": one.subject, "text": one.text}
    )


def _note(check: Check, now: datetime, *, holds: bool) -> None:
    """How the check was found, since when it is so, and when it is looked at next."""
    state, _new = CheckDue.objects.get_or_create(check_id=check.id, defaults={"due_at": now})
    if state.holds is not holds:
        state.holds, state.since = holds, now
    state.looked_at, state.due_at = now, check.every.after(now)
    state.save()


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
    today = clock.today()
    vehicle.checked_on = today
    if not fit:
        vehicle.state = Vehicle.State.UNDER_REPAIR
    elif vehicle.state in Vehicle.OUT:
        vehicle.state = Vehicle.State.FIT
        RepairOrder.objects.filter(vehicle=vehicle, finished_at=None).update(finished_at=clock.now())
    vehicle.save(update_fields=["checked_on", "state"])
    done = VehicleCheck.objects.create(vehicle=vehicle, on=today, fit=fit, by=actor, note=note.strip()[:200])
    journal.append(
        "readiness.vehicle_checked",
        actor=actor,
        clause="E3.2.6",
        data={"vehicle": vehicle.number, "fit": fit, "note": done.note},
    )
    return done
