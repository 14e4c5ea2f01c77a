"""Weather warnings pushed in as CAP 1.2 files."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router, Status
from pydantic import Field

from changbei.core.errors import Invalid, Problem
from changbei.incidents import access, services
from changbei.incidents.models import Warning
from changbei.people import access as people
from changbei.web import showing
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["warnings"])
LARGEST_BYTES = 2 * 1024 * 1024

CAP_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/cap+xml": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "", response={200: schemas.ReceivedOut, 201: schemas.ReceivedOut, **REFUSALS}, openapi_extra=CAP_BODY
)
def push(request: HttpRequest) -> Status[schemas.ReceivedOut]:
    """Take in one CAP file, which is the body itself; also EDXL-DE or a feed, of which every alert is taken in.

    It is read strictly, unless the source set up for this key says otherwise. Whatever it is, it is kept.
    201 for one that is new, 200 for one that had come in before, 422 with the reasons (`field`: element and
    line) for one that is refused.
    """
    person = actor(request)
    people.require(person, "incidents.receive_warning")
    if not request.body or len(request.body) > LARGEST_BYTES:
        raise Invalid("body", gettext_noop("a CAP file of at most 2 MB is needed"))
    every = services.pushed(request.body, actor=person)
    if all(one.action == "refused" for one in every):
        raise Invalid(problems=[_problem(reason) for one in every for reason in one.warning.reasons])
    first, *others = [
        schemas.ReceivedOut(action=one.action, warning=shown.warning(one.warning)) for one in every
    ]
    first.others = others
    return Status(200 if all(one.action == "duplicate" for one in every) else 201, first)


def _problem(reason: dict[str, object]) -> Problem:
    """`alert/info/expires:12`: the element and its line."""
    place = f"{reason.get('element') or 'body'}:{reason['line']}" if reason.get("line") else "body"
    message = reason.get("message")
    return Problem(place, showing.say(message if isinstance(message, dict) else str(message)))


@router.get("", response={200: list[schemas.WarningOut], **REFUSALS})
def warnings(
    request: HttpRequest, limit: Annotated[int, Field(ge=1, le=200)] = 50
) -> list[schemas.WarningOut]:
    """What came in, refused ones included, the newest first."""
    people.require(request.user, "incidents.see")
    found = Warning.objects.select_related("incident").defer("raw").order_by("-received_at", "-pk")
    return [shown.warning(one) for one in found[:limit]]


@router.post("/{uuid}/start", response={201: schemas.ReceivedOut, **REFUSALS})
def start(request: HttpRequest, uuid: UUID) -> Status[schemas.ReceivedOut]:
    """Start the plan for a warning that was only proposed or noted."""
    received = services.start_from_warning(access.get_warning(request.user, uuid), actor=actor(request))
    found = access.get_warning(request.user, received.warning.uuid)
    return Status(201, schemas.ReceivedOut(action=received.action, warning=shown.warning(found)))
