"""Visits to shops: which are planned, what is looked at, what was seen (J2, S2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router, Schema
from pydantic import AwareDatetime

from changbei.care import access, checklists, services
from changbei.care.models import Visit
from changbei.care.services import Seen
from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed, NotFound
from changbei.people import access as people
from changbei.plans.models import PlanVersion
from changbei.web.api import schemas
from changbei.web.api.acting import actor
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["visits"])
MOST_DAYS = 92


class AnswerOut(Schema):
    item: str
    value: Any
    finding: bool
    matter: str


class VisitOut(Schema):
    """`why`: plan, finding, wish, spot_check; `status`: planned, done, dropped."""

    uuid: UUID
    licence_no: str
    shop: str
    manager: str
    why: str
    status: str
    planned_for: date | None
    done_at: AwareDatetime | None
    done_by: str
    version: int | None
    answers: list[AnswerOut]


class ChecklistOut(Schema):
    """`form` is the JSON Schema of `answers`; photos are taken on the page. `version` goes back with the answers."""

    id: str
    version: int
    title: schemas.Text
    form: schemas.Json


class SeenIn(Schema):
    """What was seen. `version`: of the checklist that was filled in; without it the one in force. A place only when the
    visitor sends it.
    """

    answers: schemas.Json
    version: int | None = None
    note: schemas.Words = ""
    longitude: float | None = None
    latitude: float | None = None


@router.get("", response={200: list[VisitOut], **REFUSALS})
def visits(request: HttpRequest, since: date, until: date) -> list[VisitOut]:
    """The visits planned for these days, both included, that the key's person may see; at most three months."""
    if not people.may(request.user, access.RECORD) and not people.may(request.user, access.SEE):
        raise NotAllowed(access.SEE)
    if not timedelta() <= until - since <= timedelta(days=MOST_DAYS):
        raise Invalid("until", gettext_noop("from the first day on, 92 days at most"))
    found = access.readable(request.user).filter(planned_for__range=(since, until))
    found = found.select_related("retailer", "manager", "done_by").prefetch_related("answers")
    return [_out(one) for one in found.order_by("planned_for", "pk")]


@router.get("/checklist", response={200: ChecklistOut, **REFUSALS})
def checklist(request: HttpRequest) -> ChecklistOut:
    """What is looked at on visits now."""
    people.require(request.user, "plans.see")
    looking = checklists.in_force()
    one = looking.checklist
    return ChecklistOut(id=one.id, version=looking.version.pk, title=dict(one.title), form=one.form)


@router.get("/{uuid}", response={200: VisitOut, **REFUSALS})
def visit(request: HttpRequest, uuid: UUID) -> VisitOut:
    return _out(access.get_visit(request.user, uuid))


@router.post("/{uuid}/record", response={200: VisitOut, **REFUSALS})
def record(request: HttpRequest, uuid: UUID, body: SeenIn) -> VisitOut:
    """The visit was made just now. 422 names every wrong answer, 409 says that it is done or dropped already."""
    found = access.get_visit(request.user, uuid)
    looking = checklists.in_force()
    if body.version not in (None, looking.version.pk):
        version = PlanVersion.objects.filter(pk=body.version, pack=looking.version.pack).first()
        if version is None:
            raise NotFound(str(body.version))
        looking = checklists.given(version, looking.checklist.id)
    if (body.longitude is None) != (body.latitude is None):
        raise Invalid("latitude", gettext_noop("longitude and latitude in degrees are needed"))
    place = None
    if body.longitude is not None and body.latitude is not None:
        place = (body.longitude, body.latitude)
    seen = Seen(body.answers, note=body.note, place=place)
    return _out(services.record(found, seen, actor=actor(request), looking=looking))


def _out(found: Visit) -> VisitOut:
    return VisitOut(
        uuid=found.uuid,
        licence_no=found.retailer.licence_no,
        shop=found.retailer.name,
        manager=found.manager.staff_no,
        why=found.why,
        status=found.status,
        planned_for=found.planned_for,
        done_at=found.done_at.astimezone(clock.LOCAL) if found.done_at else None,
        done_by=found.done_by.staff_no if found.done_by else "",
        version=found.version_id,
        answers=[
            AnswerOut(item=one.item, value=one.value, finding=one.finding, matter=one.matter)
            for one in found.answers.all()
        ],
    )
