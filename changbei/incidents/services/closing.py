"""The level changes, service is back, the incident is closed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Problem, Words
from changbei.incidents import access, plan
from changbei.incidents.models import Incident, Level
from changbei.incidents.noting import note
from changbei.incidents.services import command, lines, outages
from changbei.incidents.services.locking import lock, lock_open
from changbei.people.models import Person
from changbei.runs import services as runs
from changbei.runs.models import OPEN, Task


@transaction.atomic
def change_level(incident: Incident, level: str, *, reason: str, actor: Person) -> Incident:
    """A person classifies the incident anew. To MAJOR the command post is set up, from MAJOR it stands down (E2.1b).

    Raises Invalid for another level or a missing reason, Conflict for a closed incident, NotAllowed.
    """
    access.require_command(actor, incident)
    levels = [one for one in Level.values if one != Level.SERVICE]
    problems = [] if level in levels else [Problem("level", f"one of {', '.join(levels)}")]
    problems += [] if reason.strip() else [Problem("reason", gettext_noop("a reason is needed"))]
    if problems:
        raise Invalid(problems=problems)
    incident = lock_open(incident)
    before = incident.level
    if before == level:
        return incident
    if before == Level.SERVICE:
        raise Conflict(
            gettext_noop("an everyday matter has no level; report the emergency as an event of its own")
        )
    incident.level = level
    incident.save(update_fields=["level"])
    note(
        "incidents.level_changed",
        incident,
        actor,
        clause="E2.1b",
        before=before,
        level=level,
        reason=reason.strip(),
    )
    if before == Level.MAJOR:
        command.stand_down(incident, actor=actor)
    if level == Level.MAJOR:
        command.set_up_again(incident, plan.of_incident(incident).pack)
    if incident.run:
        runs.know(incident.run.uuid, "incident", {"level": level}, actor=actor)
    return incident


@transaction.atomic
def restored(incident: Incident, *, actor: Person | None, at: datetime | None = None) -> Incident:
    """Service is back at `at` (now when not given); papers may be left. Saying so twice changes nothing."""
    if actor is not None:
        access.require(actor, "incidents.restore", incident)
    incident = lock(incident)
    if incident.restored_at is not None or incident.status == Incident.Status.CLOSED:
        return incident
    incident.restored_at = at or clock.now()
    incident.status = Incident.Status.RESTORED
    incident.save(update_fields=["restored_at", "status"])
    outages.back(incident, incident.restored_at)
    note(
        "incidents.restored",
        incident,
        actor,
        number=incident.number,
        restored_at=incident.restored_at.isoformat(),
        seconds=int((incident.restored_at - incident.reported_at).total_seconds()),
    )
    return incident


@transaction.atomic
def close(incident: Incident, *, reason: str = "", actor: Person) -> Incident:
    """The incident is over. With tasks open it is refused, unless a reason is given: then they are cancelled.

    No suspension that has not been resumed is left behind, and no line on hold. Raises Conflict, NotAllowed. The
    review is made from the fact `incidents.closed` (E2.9).
    """
    access.require(actor, "incidents.close", incident)
    incident = lock_open(incident)
    if incident.suspensions.filter(resumed_at__isnull=True).exists():
        raise Conflict(gettext_noop("service is still suspended; resume it first"))
    if lines.on_hold(incident).exists():
        raise Conflict(
            gettext_noop(
                "lines are still on hold; first let them go or put their goods on the next delivery day"
            )
        )
    open_tasks = Task.objects.filter(run__incident=incident.uuid, status__in=OPEN).count()
    if open_tasks and not reason.strip():
        words = gettext_noop("%(number)s: %(tasks)d tasks are open; finish them or give a reason")
        raise Conflict(Words(words, number=incident.number, tasks=open_tasks))
    if incident.run:
        runs.end_by_incident(incident.run.uuid, actor=actor)
    command.stand_down(incident, actor=actor)
    return _closed(incident, tasks_cancelled=open_tasks, reason=reason.strip(), actor=actor)


@transaction.atomic
def close_finished(incident: Incident) -> Incident:
    """An everyday matter whose procedure has come to its end is closed with it: nobody commands who could."""
    incident = lock(incident)
    if incident.level != Level.SERVICE or incident.status == Incident.Status.CLOSED:
        return incident
    return _closed(incident, tasks_cancelled=0, reason="", actor=None)


def _closed(incident: Incident, *, tasks_cancelled: int, reason: str, actor: Person | None) -> Incident:
    incident.status, incident.closed_at, incident.closed_by = Incident.Status.CLOSED, clock.now(), actor
    incident.save(update_fields=["status", "closed_at", "closed_by"])
    note(
        "incidents.closed",
        incident,
        actor,
        number=incident.number,
        tasks_cancelled=tasks_cancelled,
        reason=reason,
    )
    return incident


@transaction.atomic
def declare_all_clear(incident: Incident, *, actor: Person) -> None:
    """The office says that the weather is over, without waiting for the weather service (E3.2)."""
    access.require(actor, "incidents.resume", incident)
    incident = lock_open(incident)
    all_clear(incident, "declared", actor=actor)


def all_clear(incident: Incident, why: str, *, actor: Person | None) -> None:
    """What the plan was started for is over or eases: cancel, expired, eased or declared.

    The run hears of it from the journal, which is to propose that service resumes.
    """
    note("incidents.all_clear", incident, actor, clause="E3.2", why=why, at=clock.now().isoformat())
