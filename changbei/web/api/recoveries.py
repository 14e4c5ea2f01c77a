"""Ways to recover the stops of a broken van, and the choice among them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from changbei.delivery import access, selectors, services
from changbei.incidents import access as incidents
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["recoveries"])


@router.get("", response={200: list[schemas.RecoveryOut], **REFUSALS})
def recoveries(request: HttpRequest, incident: UUID) -> list[schemas.RecoveryOut]:
    """What was computed for an incident, oldest first; a newer one makes the earlier stale."""
    run = incidents.get_incident(request.user, incident).run
    if run is None:
        return []
    return [shown.recovery(one) for one in selectors.cases_of_run(run.uuid).select_related("run")]


@router.get("/{uuid}", response={200: schemas.RecoveryOut, **REFUSALS})
def recovery(request: HttpRequest, uuid: UUID) -> schemas.RecoveryOut:
    return shown.recovery(access.get_case(request.user, uuid))


@router.post("/{uuid}/accept", response={200: schemas.RecoveryOut, **REFUSALS})
def accept(request: HttpRequest, uuid: UUID, body: schemas.AcceptIn) -> schemas.RecoveryOut:
    """Drive by this option from now on. 409 when the day has changed since it was computed."""
    option = access.get_option(request.user, access.get_case(request.user, uuid), body.rank)
    services.accept(option, actor=actor(request))
    return shown.recovery(access.get_case(request.user, uuid))


@router.post("/{uuid}/undo", response={200: schemas.RecoveryOut, **REFUSALS})
def undo(request: HttpRequest, uuid: UUID) -> schemas.RecoveryOut:
    """Take the accepted option back. 409 names the vans that have driven on it."""
    services.undo(access.get_case(request.user, uuid), actor=actor(request))
    return shown.recovery(access.get_case(request.user, uuid))
