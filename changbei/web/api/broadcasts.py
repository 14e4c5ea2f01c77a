"""Notices in bulk: look at an audience, send, follow, hold, stop, try again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status

from changbei.core.errors import Invalid
from changbei.notify import audiences, bulk, steering
from changbei.notify.models import Notice, Urgency
from changbei.runs.access import notice_for
from changbei.web.api.acting import actor
from changbei.web.api.shown import of
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["notices"])


class AudienceIn(Schema):
    """`query` as `changbei.notify.audiences.Query` has it: area, lines, tier_from, managers, everybody …"""

    query: dict[str, Any]
    channels: list[str] = ["sms"]


class AudienceOut(Schema):
    count: int
    unreachable: int
    managers: int
    sample: list[str]


class NoticeIn(AudienceIn):
    title: dict[str, str]
    body: dict[str, str]
    urgency: str = "bulk"
    needs_acknowledgement: bool = False
    confirm_at_least: int = 0
    confirm_within_seconds: int = 1_800
    drill: bool = False
    outside_in_drill: bool = False
    key: UUID | None = None  # of your own: sent again with it, it is the same notice


class NoticeOut(Schema):
    uuid: UUID
    total: int
    left: int
    out: int
    arrived: int
    failed: int
    unreachable: int
    stopped: int
    paused: bool
    cancelled: bool
    states: dict[str, int]


ANSWERS = {200: NoticeOut, **REFUSALS}


@router.post("/preview", response={200: AudienceOut, **REFUSALS})
def preview(request: HttpRequest, body: AudienceIn) -> AudienceOut:
    """How many the query names, how many of them no channel reaches, and a few of them. Changes nothing."""
    found = bulk.preview(audiences.read(body.query), body.channels, actor=request.user)
    names = [one.name for one in found.sample]
    return of(AudienceOut, found, sample=names)


@router.post("", response={201: NoticeOut, **REFUSALS})
def send(request: HttpRequest, body: NoticeIn) -> Status[NoticeOut]:
    """Freeze the audience and queue a message for each. An audience of nobody is refused."""
    try:
        urgency = Urgency[body.urgency.upper()]
    except KeyError:
        raise Invalid("urgency", f"one of {', '.join(one.name.lower() for one in Urgency)}") from None
    read = {
        "query": audiences.read(body.query),
        "channels": tuple(body.channels),
        "urgency": urgency,
    }
    draft = bulk.Draft(**{**body.model_dump(), **read})
    return Status(201, _shown(bulk.send(draft, actor=actor(request))))


@router.get("/{uuid}", response=ANSWERS)
def show(request: HttpRequest, uuid: UUID) -> NoticeOut:
    """How far a notice has come."""
    return _shown(notice_for(request.user, uuid))


@router.post("/{uuid}/pause", response=ANSWERS)
def pause(request: HttpRequest, uuid: UUID) -> NoticeOut:
    """What has not been handed over waits."""
    steering.pause(notice_for(request.user, uuid), actor=actor(request))
    return _shown(notice_for(request.user, uuid))


@router.post("/{uuid}/resume", response=ANSWERS)
def resume(request: HttpRequest, uuid: UUID) -> NoticeOut:
    """What was paused goes out again."""
    steering.resume(notice_for(request.user, uuid), actor=actor(request))
    return _shown(notice_for(request.user, uuid))


@router.post("/{uuid}/cancel", response=ANSWERS)
def cancel(request: HttpRequest, uuid: UUID) -> NoticeOut:
    """Nothing more of it is handed over."""
    steering.cancel(notice_for(request.user, uuid), actor=actor(request))
    return _shown(notice_for(request.user, uuid))


@router.post("/{uuid}/retry", response=ANSWERS)
def retry(request: HttpRequest, uuid: UUID) -> NoticeOut:
    """Failed messages, and those whose number has been mended, go out once more."""
    steering.retry_failed(notice_for(request.user, uuid), actor=actor(request))
    return _shown(notice_for(request.user, uuid))


def _shown(notice: Notice) -> NoticeOut:
    found = steering.progress(notice)
    paused, cancelled = notice.paused_at is not None, notice.stopped_at is not None
    return of(NoticeOut, found, uuid=notice.uuid, paused=paused, cancelled=cancelled)
