"""Report an event, follow incidents."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from changbei.core import faults
from changbei.incidents import access, services
from changbei.incidents.models import Incident
from changbei.people import access as people
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["incidents"])
MOST = 200


@router.post("", response={200: schemas.ReportOut, 201: schemas.ReportOut, **REFUSALS})
def report(request: HttpRequest, body: schemas.ReportIn) -> Status[schemas.ReportOut]:
    """Report an event: 201 with a new incident, 200 when it joined one that had been reported."""
    faults.point("report.before_accept")
    answer = services.report(body.kind, body.data, actor=actor(request), source="api")
    faults.point("report.accepted")
    found = schemas.ReportOut(joined=answer.joined, incident=shown.incident(answer.incident))
    return Status(200 if answer.joined else 201, found)


@router.get("", response={200: schemas.IncidentList, **REFUSALS})
def incidents(
    request: HttpRequest,
    status: Literal["open", "restored", "closed", "not_closed", "all"] = "not_closed",
    number: str = "",
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50,
    offset: Annotated[int, Field(ge=0)] = 0,
) -> schemas.IncidentList:
    """Incidents, the newest first; by `number` whatever its state."""
    people.require(request.user, "incidents.see")
    found = access.visible(request.user).order_by("-reported_at", "-pk")
    if number:
        found = found.filter(number=number)
    elif status == "not_closed":
        found = found.exclude(status=Incident.Status.CLOSED)
    elif status != "all":
        found = found.filter(status=status)
    page = found[offset : offset + limit]
    return schemas.IncidentList(count=found.count(), items=[shown.incident(one) for one in page])


@router.get("/{uuid}", response={200: schemas.IncidentFull, **REFUSALS})
def incident(request: HttpRequest, uuid: UUID) -> schemas.IncidentFull:
    """One incident with its tasks, roles, messages, suspensions and recoveries."""
    return shown.incident_with_everything(access.get_incident(request.user, uuid))
