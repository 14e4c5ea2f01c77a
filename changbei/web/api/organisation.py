"""Units, posts and people one by one, as a system of personnel keeps them: under the rules of the files. The router is
that of `people`: addresses with several methods have to be in one.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Schema, Status

from changbei.network import organisation
from changbei.people import access, staffing
from changbei.people.models import Person, Unit
from changbei.plans import posts as needed
from changbei.web.api import schemas
from changbei.web.api.acting import actor
from changbei.web.api.people import PostFull, post_full, router
from changbei.web.api.schemas import Words
from changbei.web.api.shown import of
from changbei.web.api.tasks import REFUSALS

__all__ = ["router"]


class UnitOut(Schema):
    code: str
    kind: str
    name: schemas.Text
    parent: str


class UnitIn(Schema):
    """`name` is simplified Chinese; where another language is empty it stands there too. `parent`: the code of the unit
    above, empty for the top."""

    code: Words
    name: Words
    name_hant: Words = ""
    name_en: Words = ""
    kind: Words
    parent: Words = ""


class UnitChange(Schema):
    """What is left out stays; an empty text empties."""

    name: Words = ""
    name_hant: Words = ""
    name_en: Words = ""
    kind: Words = ""
    parent: Words = ""


class PostIn(Schema):
    """`kind`: what plans name under `post:` and `duty:`. `unit`: a code."""

    code: Words
    name: Words
    name_hant: Words = ""
    name_en: Words = ""
    kind: Words
    unit: Words


class PostChange(Schema):
    """What is left out stays; an empty text empties."""

    name: Words = ""
    name_hant: Words = ""
    name_en: Words = ""
    kind: Words = ""
    unit: Words = ""


class ColleagueOut(schemas.PersonOut):
    second_phone: str
    email: str
    language: str
    unit: str
    job: str
    active: bool


class ColleagueIn(Schema):
    """`post` and `rank`: a post to be appointed to, in a rank that nobody has."""

    staff_no: Words
    name: Words
    phone: Words
    second_phone: Words = ""
    email: Words = ""
    language: Words = ""
    unit: Words
    job: Words
    post: Words = ""
    rank: int | None = None


class ColleagueChange(Schema):
    """What is left out stays; an empty text empties. A new `phone` counts as not verified."""

    name: Words = ""
    phone: Words = ""
    second_phone: Words = ""
    email: Words = ""
    language: Words = ""
    unit: Words = ""
    job: Words = ""


@router.get("/units", response={200: list[UnitOut], **REFUSALS})
def units(request: HttpRequest) -> list[UnitOut]:
    """Every unit, each after the one above it."""
    access.require(request.user, "people.see")
    return [_unit(one) for _depth, one in staffing.units_in_order()]


@router.post("/units", response={201: UnitOut, **REFUSALS})
def add_unit(request: HttpRequest, body: UnitIn) -> Status[UnitOut]:
    return Status(201, _unit(organisation.add_unit(body.model_dump(), actor=actor(request))))


@router.patch("/units/{code}", response={200: UnitOut, **REFUSALS})
def change_unit(request: HttpRequest, code: str, body: UnitChange) -> UnitOut:
    return _unit(
        organisation.change_unit(staffing.get_unit(request.user, code), _said(body), actor=actor(request))
    )


@router.delete("/units/{code}", response={204: None, **REFUSALS})
def remove_unit(request: HttpRequest, code: str) -> Status[None]:
    """409 names what uses it."""
    organisation.remove_unit(staffing.get_unit(request.user, code), actor=actor(request))
    return Status(204, None)


@router.post("/posts", response={201: PostFull, **REFUSALS})
def add_post(request: HttpRequest, body: PostIn) -> Status[PostFull]:
    """A post that nobody holds yet."""
    return Status(201, post_full(organisation.add_post(body.model_dump(), actor=actor(request))))


@router.patch("/posts/{code}", response={200: PostFull, **REFUSALS})
def change_post(request: HttpRequest, code: str, body: PostChange) -> PostFull:
    found = staffing.get_post(request.user, code)
    return post_full(needed.change(found, _said(body), actor=actor(request)))


@router.delete("/posts/{code}", response={204: None, **REFUSALS})
def remove_post(request: HttpRequest, code: str) -> Status[None]:
    """409 names who holds it, is on its roster, or which plan needs it."""
    needed.remove(staffing.get_post(request.user, code), actor=actor(request))
    return Status(204, None)


@router.post("", response={201: ColleagueOut, **REFUSALS})
def add_person(request: HttpRequest, body: ColleagueIn) -> Status[ColleagueOut]:
    """A newcomer."""
    given = body.model_dump()
    return Status(201, _colleague(organisation.add_person(given, actor=actor(request))))


@router.patch("/{staff_no}", response={200: ColleagueOut, **REFUSALS})
def change_person(request: HttpRequest, staff_no: str, body: ColleagueChange) -> ColleagueOut:
    found = access.get_person(request.user, staff_no)
    return _colleague(organisation.change_person(found, _said(body), actor=actor(request)))


def _said(body: Schema) -> dict[str, Any]:
    return body.model_dump(exclude_unset=True)


def _unit(one: Unit) -> UnitOut:
    parent = one.parent.code if one.parent else ""
    return of(UnitOut, one, parent=parent)


def _colleague(one: Person) -> ColleagueOut:
    return of(ColleagueOut, one, unit=one.unit.code)
