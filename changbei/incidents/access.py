"""Who may see and do what with incidents; the only way to get one for an actor."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from changbei.core.errors import NotAllowed, NotFound, there
from changbei.incidents.models import CommandPost, Incident, Level, Report, Suspension, Warning
from changbei.people import access as people
from changbei.runs import access as runs
from changbei.runs.models import RoleHolding, Task

SEE = "incidents.see"
COMMAND = frozenset(f"incidents.{verb}" for verb in ("command", "suspend", "resume", "restore", "close"))


def may(actor: object, permission: str, incident: Incident | None = None) -> bool:
    """Whether the actor may; whoever commands the incident may do everything in it (E2.1c: full power)."""
    return people.may(actor, permission) or (
        permission in COMMAND and incident is not None and commands(actor, incident)
    )


def require(actor: object, permission: str, incident: Incident | None = None) -> None:
    if not may(actor, permission, incident):
        raise NotAllowed(permission)


def require_command(actor: object, incident: Incident) -> None:
    """Raise NotAllowed unless the actor leads or commands this incident."""
    require(actor, "incidents.command", incident)


def commands(actor: object, incident: Incident) -> bool:
    """Whether the actor is the commander, acting or not, of this incident now."""
    person = people.person_of(actor)
    if person is None:
        return False
    post = CommandPost.objects.filter(incident=incident, stood_down_at__isnull=True, commander=person)
    if post.exists():
        return True
    run = incident.run
    return run is not None and (run.scope.get("command") or {}).get("commander") == person.staff_no


def readable(actor: object) -> QuerySet[Incident]:
    """The incidents that the actor may read: all events, but confidential ones only with a part in them
    (`runs.access`), and everyday matters only for whoever has to do with them.
    """
    if not people.may(actor, SEE):
        return Incident.objects.none()
    found = Incident.objects.exclude(run__in=runs.hidden_runs(actor))
    if people.may(actor, "incidents.see_service"):
        return found
    person = people.person_of(actor)
    taking_part = (
        Q(run__in=RoleHolding.objects.filter(person=person).values("run"))
        | Q(run__in=Task.objects.filter(Q(holder=person) | Q(done_by=person)).values("run"))
        | Q(pk__in=Report.objects.filter(reporter=person).values("incident"))
    )
    return found.filter(~Q(level=Level.SERVICE) | taking_part)


def may_read(actor: object, incident: Incident) -> bool:
    return readable(actor).filter(pk=incident.pk).exists()


def get_incident(actor: object, uuid: UUID | str) -> Incident:
    """An incident for an actor; NotFound when there is none or the actor may not read it."""
    return people.get(actor, SEE, readable(actor).select_related("run__plan_version"), uuid)


def get_suspension(actor: object, uuid: UUID | str) -> Suspension:
    found = people.get(actor, SEE, Suspension.objects.select_related("incident__run__plan_version"), uuid)
    if not may_read(actor, found.incident):
        raise NotFound(str(found.incident.uuid))
    return found


def get_warning(actor: object, uuid: UUID | str) -> Warning:
    return people.get(actor, SEE, Warning.objects.select_related("incident"), uuid)


def get_command_post(actor: object, incident: UUID | str) -> CommandPost:
    """The command post of an incident, by the incident's uuid."""
    return there(CommandPost.objects.filter(incident=get_incident(actor, incident)).first(), incident)
