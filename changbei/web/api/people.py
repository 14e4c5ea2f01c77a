"""Posts, duty and absences, as a system of personnel keeps them: who holds what, appointed, relieved, away, gone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import AwareDatetime, Field

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.people import access, services, staffing
from changbei.people.models import Absence, Person, Post
from changbei.people.staffing import Staffed
from changbei.web.api import schemas
from changbei.web.api.acting import actor
from changbei.web.api.shown import of
from changbei.web.api.tasks import REFUSALS

router = Router(tags=["people"])
Rank = Annotated[int, Field(ge=1, le=services.MOST_RANKS)]


class HolderOut(Schema):
    """`rank` 1 is the holder, 2, 3 … the deputies. `away_until` is null for who is there."""

    person: schemas.PersonOut
    rank: int
    since: datetime
    away_until: datetime | None


class ShiftOut(Schema):
    id: int
    person: schemas.PersonOut
    starts_at: datetime
    ends_at: datetime


class PostOut(Schema):
    """`on_duty`: who is on the roster now, and there. `doing`: who does the post's part now, on duty, holder, deputy or
    substitute; null for nobody.
    """

    code: str
    kind: str
    name: schemas.Text
    unit: str
    holders: list[HolderOut]
    on_duty: list[ShiftOut]
    doing: schemas.PersonOut | None
    why: str


class PostFull(PostOut):
    """With the shifts of the coming fourteen days."""

    roster: list[ShiftOut]


class AppointIn(Schema):
    """`instead_of`: staff numbers of those who are thought to have the rank; 409 when others have it. Left out, nobody
    asks."""

    staff_no: str
    rank: Rank = 1
    instead_of: list[str] | None = None


class WhoIn(Schema):
    staff_no: str


class DutyIn(Schema):
    """Moments are ISO 8601 with an offset. `weeks`: at the same hours in each of so many weeks, all or none."""

    staff_no: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    weeks: Annotated[int, Field(ge=1, le=services.MOST_WEEKS)] = 1


class AbsenceIn(Schema):
    """Moments are ISO 8601 with an offset. `substitute`: the staff number of who stands in."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    out_of_city: bool = False
    reachable: bool = True
    substitute: str = ""


class AbsenceOut(Schema):
    id: int
    staff_no: str
    starts_at: datetime
    ends_at: datetime
    out_of_city: bool
    reachable: bool
    substitute: schemas.PersonOut | None


class LeftOut(Schema):
    staff_no: str
    active: bool


@router.get("/posts", response={200: list[PostOut], **REFUSALS})
def posts(request: HttpRequest) -> list[PostOut]:
    """Every post, unit by unit, with who fills it now."""
    access.require(request.user, "people.see")
    every = staffing.in_order(Post.objects.select_related("unit"))
    return [_post(one) for one in staffing.staffed(every, clock.now())]


@router.get("/posts/{code}", response={200: PostFull, **REFUSALS})
def post(request: HttpRequest, code: str) -> PostFull:
    return post_full(staffing.get_post(request.user, code))


@router.post("/posts/{code}/appoint", response={200: PostFull, **REFUSALS})
def appoint(request: HttpRequest, code: str, body: AppointIn) -> PostFull:
    """Make somebody the holder or a deputy; whoever had the rank, and the person's other rank, end now."""
    found = staffing.get_post(request.user, code)
    person = _colleague(request, body.staff_no)
    services.appoint(found, person, body.rank, instead_of=body.instead_of, actor=actor(request))
    return post_full(found)


@router.post("/posts/{code}/relieve", response={200: PostFull, **REFUSALS})
def relieve(request: HttpRequest, code: str, body: WhoIn) -> PostFull:
    """End somebody's holding of the post."""
    found = staffing.get_post(request.user, code)
    services.relieve(found, _colleague(request, body.staff_no), actor=actor(request))
    return post_full(found)


@router.post("/posts/{code}/duty", response={201: list[ShiftOut], **REFUSALS})
def put_on_duty(request: HttpRequest, code: str, body: DutyIn) -> Status[list[ShiftOut]]:
    """Put somebody on the roster of the post."""
    found = staffing.get_post(request.user, code)
    person = _colleague(request, body.staff_no)
    shifts = services.put_on_duty_weekly(
        found, person, body.starts_at, body.ends_at, body.weeks, actor=actor(request)
    )
    return Status(201, [of(ShiftOut, one) for one in shifts])


@router.post("/posts/{code}/duty/{pk}/off", response={200: PostFull, **REFUSALS})
def take_off_duty(request: HttpRequest, code: str, pk: int) -> PostFull:
    """Take a shift off the roster; what was already served stays."""
    found = staffing.get_post(request.user, code)
    services.take_off_duty(staffing.get_shift(found, pk), actor=actor(request))
    return post_full(found)


@router.post("/{staff_no}/absences", response={201: AbsenceOut, **REFUSALS})
def record_absence(request: HttpRequest, staff_no: str, body: AbsenceIn) -> Status[AbsenceOut]:
    """Somebody is or will be away. The same absence sent again is the one that was recorded."""
    found = access.get_person(request.user, staff_no)
    given = body.model_dump()
    given["substitute"] = _colleague(request, body.substitute, "substitute") if body.substitute else None
    return Status(201, _absence(services.record_absence(found, **given, actor=actor(request))))


@router.post("/{staff_no}/absences/{pk}/end", response={200: list[AbsenceOut], **REFUSALS})
def end_absence(request: HttpRequest, staff_no: str, pk: int) -> list[AbsenceOut]:
    """Back early: the absence ends now, one that had not begun is struck out. Answers with those that are left."""
    found = access.get_person(request.user, staff_no)
    services.end_absence(staffing.get_absence(found, pk), actor=actor(request))
    rest = found.absences.filter(ends_at__gt=clock.now()).select_related("person", "substitute")
    return [_absence(one) for one in rest.order_by("starts_at", "pk")]


@router.post("/{staff_no}/left", response={200: LeftOut, **REFUSALS})
def left(request: HttpRequest, staff_no: str) -> LeftOut:
    """Somebody has left: posts, duty and login end, tasks move."""
    found = access.get_person(request.user, staff_no)
    services.retire(found, actor=actor(request))
    return LeftOut(staff_no=found.staff_no, active=False)


def _colleague(request: HttpRequest, staff_no: str, field: str = "staff_no") -> Person:
    """Whom the body names; Invalid, not NotFound: the address is right."""
    try:
        return access.get_person(request.user, staff_no)
    except NotFound:
        raise Invalid(field, _("There is no such colleague.")) from None


def post_full(found: Post) -> PostFull:
    """The post with who fills it and its roster."""
    now = clock.now()
    turns = (turn.shift for day in staffing.roster(found, now) for turn in day.turns)
    shifts = {one.pk: one for one in turns if one.ends_at > now}
    row = _post(staffing.staffed([found], now)[0])
    return PostFull(**row.model_dump(), roster=[of(ShiftOut, one) for one in shifts.values()])


def _post(one: Staffed) -> PostOut:
    return of(
        PostOut,
        one.post,
        unit=one.post.unit.code,
        holders=[
            of(HolderOut, held.holding, away_until=held.absence.ends_at if held.absence else None)
            for held in one.holders
        ],
        on_duty=[of(ShiftOut, duty.shift) for duty in one.on_duty if duty.absence is None],
        doing=one.doing,
        why=one.why,
    )


def _absence(one: Absence) -> AbsenceOut:
    return of(AbsenceOut, one, staff_no=one.person.staff_no)
