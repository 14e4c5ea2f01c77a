"""Suspend and resume service to an area, and count whom it concerns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from changbei.incidents import access, services
from changbei.network import selectors as network
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor, checked_area
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["suspensions"])
retailers = Router(tags=["retailers"])
ANSWERS = {200: schemas.SuspensionOut, **REFUSALS}


@retailers.post("/count", response={200: schemas.CountOut, **REFUSALS})
def count(request: HttpRequest, body: schemas.AreaIn) -> schemas.CountOut:
    """How many customers lie inside a polygon."""
    people.require(request.user, "network.see")
    return _count(checked_area(body.area))


@router.post("/preview", response={200: schemas.CountOut, **REFUSALS})
def preview(request: HttpRequest, body: schemas.AreaIn) -> schemas.CountOut:
    """Whom a suspension of this area would concern; nothing is changed."""
    people.require(request.user, "incidents.see")
    return _count(checked_area(body.area))


def _count(area: dict[str, Any]) -> schemas.CountOut:
    share = network.share_of_city(area)
    key = Retailer.objects.filter(pk__in=network.retailer_ids_in(area), is_key=True).count()
    return schemas.CountOut(retailers=share.count, key=key, total=share.total, share=share.fraction)


@router.post("", response={201: schemas.SuspensionOut, **REFUSALS})
def suspend(request: HttpRequest, body: schemas.SuspensionIn) -> Status[schemas.SuspensionOut]:
    """Suspend service; deliveries in the time are held, the customers concerned are frozen as they are now."""
    incident = access.get_incident(request.user, body.incident)
    suspension = services.suspend(
        incident,
        area=checked_area(body.area),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
        scope=body.scope,
        actor=actor(request),
    )
    return Status(201, shown.suspension(suspension))


@router.get("/{uuid}", response=ANSWERS)
def suspension(request: HttpRequest, uuid: UUID) -> schemas.SuspensionOut:
    return shown.suspension(access.get_suspension(request.user, uuid))


@router.post("/{uuid}/extend", response=ANSWERS)
def extend(request: HttpRequest, uuid: UUID, body: schemas.ExtensionIn) -> schemas.SuspensionOut:
    """It is looked at again later than was said."""
    found = access.get_suspension(request.user, uuid)
    return shown.suspension(services.extend(found, body.ends_at, actor=actor(request)))


@router.post("/{uuid}/resume", response=ANSWERS)
def resume(request: HttpRequest, uuid: UUID) -> schemas.SuspensionOut:
    """Service is back; held deliveries are released."""
    found = access.get_suspension(request.user, uuid)
    return shown.suspension(services.resume(found, actor=actor(request)))
