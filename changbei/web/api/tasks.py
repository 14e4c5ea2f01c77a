"""Act on tasks: the verbs of the holder, the deputies and the command post."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile

from changbei.people import access as people
from changbei.runs import access, selectors, services
from changbei.runs.models import Task
from changbei.web.api import schemas, shown
from changbei.web.api.acting import actor

router = Router(tags=["tasks"])
REFUSALS = {
    400: schemas.Refusal,
    401: schemas.Refusal,
    403: schemas.Refusal,
    404: schemas.Refusal,
    409: schemas.Refusal,
    422: schemas.Refusal,
    500: schemas.Refusal,
    503: schemas.Refusal,
}
ANSWERS = {200: schemas.TaskOut, **REFUSALS}
NO_FILE: Any = File(None)  # type: ignore[type-arg]


@router.get("", response={200: list[schemas.TaskOut], **REFUSALS})
def my_tasks(request: HttpRequest) -> list[schemas.TaskOut]:
    """The open tasks of the key's person, the one due first on top."""
    found = selectors.my_tasks(actor(request)).select_related("run", "holder", "done_by")
    return [shown.task(one) for one in found]


@router.get("/{uuid}", response=ANSWERS)
def task(request: HttpRequest, uuid: UUID) -> schemas.TaskOut:
    return shown.task(access.task_for(request.user, uuid))


@router.post("/{uuid}/acknowledge", response=ANSWERS)
def acknowledge(request: HttpRequest, uuid: UUID) -> schemas.TaskOut:
    """I have seen it; the reminders stop."""
    found = access.task_for(request.user, uuid)
    services.acknowledge(found, actor=actor(request))
    return _now(found)


@router.post("/{uuid}/complete", response=ANSWERS)
def complete(request: HttpRequest, uuid: UUID, body: schemas.ResultIn) -> schemas.TaskOut:
    """It is done. 422 names missing evidence and wrong fields."""
    found = access.task_for(request.user, uuid)
    services.complete(found, body.result, actor=actor(request))
    return _now(found)


@router.post("/{uuid}/decide", response=ANSWERS)
def decide(request: HttpRequest, uuid: UUID, body: schemas.DecisionIn) -> schemas.TaskOut:
    """Choose one of the task's `options`."""
    found = access.task_for(request.user, uuid)
    services.decide(found, body.option, actor=actor(request), result=body.result)
    return _now(found)


@router.post("/{uuid}/approve", response=ANSWERS)
def approve(request: HttpRequest, uuid: UUID, body: schemas.ApprovalIn) -> schemas.TaskOut:
    """Approve or refuse."""
    found = access.task_for(request.user, uuid)
    services.approve(found, body.approved, actor=actor(request), result=body.result)
    return _now(found)


@router.post("/{uuid}/hand-over", response=ANSWERS)
def hand_over(request: HttpRequest, uuid: UUID, body: schemas.HandOverIn) -> schemas.TaskOut:
    """Give the task's role in this incident to a colleague."""
    to = people.get_person(request.user, body.to)
    found = access.task_for(request.user, uuid)
    services.hand_over(found, to, actor=actor(request))
    return _now(found)


@router.post("/{uuid}/attach", response={201: schemas.EvidenceOut, **REFUSALS})
def attach(
    request: HttpRequest,
    uuid: UUID,
    kind: Form[str],
    note: Form[str] = "",
    file: UploadedFile | None = NO_FILE,
) -> Status[schemas.EvidenceOut]:
    """Attach evidence (multipart): `note` with words, `photo` or `file` with a file."""
    found = access.task_for(request.user, uuid)
    evidence = services.attach(found, kind, actor=actor(request), note=note, file=file)
    return Status(201, shown.of(schemas.EvidenceOut, evidence))


def _now(found: Task) -> schemas.TaskOut:
    return shown.task(access.task_again(found))
