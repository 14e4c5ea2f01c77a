"""Who closes what: an incident whose plan has been carried out, a while later, by whoever commands."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.people.models import Person
from changbei.runs.models import Run

CLOSE_AFTER = timedelta(minutes=10)


def finished(among: QuerySet[Incident]) -> QuerySet[Incident]:
    """Those that are open though their plan has been carried out."""
    rows = among.filter(run__status=Run.Status.FINISHED).exclude(status=Incident.Status.CLOSED)
    return rows.select_related("run").order_by("pk")


def closing_at(incident: Incident) -> datetime | None:
    """When it is closed; None while its plan goes on."""
    at = incident.run.finished_at if incident.run else None
    return at + CLOSE_AFTER if at else None


def commander(incident: Incident) -> Person | None:
    number = incident.run.scope.get("command", {}).get("commander", "") if incident.run else ""
    return Person.objects.filter(staff_no=number).first()


def close(incident: Incident) -> None:
    if (actor := commander(incident)) is not None:
        incidents.close(incident, actor=actor)
