"""Recording a visit: what was seen, photos, what was found and what that begins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.care import access, checklists
from changbei.care.checklists import Looking
from changbei.care.models import Answer, Photo, Visit
from changbei.care.pictures import without_place
from changbei.care.services.planning import append, lock
from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotFound, Problem
from changbei.core.texts import pick
from changbei.journal import services as journal
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans import forms
from changbei.plans.model import PHOTO, CheckItem
from changbei.runs.services.evidence import content_of, ending_of, keep_file

MOST_PHOTOS = 6
YES = {"zh-Hans": "是", "zh-Hant": "是", "en": "yes"}
NO = {"zh-Hans": "否", "zh-Hant": "否", "en": "no"}
CLAUSE = "J2"
Why, Status = Visit.Why, Visit.Status


@dataclass(frozen=True)
class Seen:
    """What somebody brings home from a visit: `answers` by the keys of the checklist's form, and what else.

    `place`: longitude and latitude, only when the person sends them.
    """

    answers: Mapping[str, Any]
    photos: Mapping[str, Sequence[UploadedFile[Any] | ContentFile[bytes]]] = field(
        default_factory=dict
    )  # by the key of the item
    note: str = ""
    place: tuple[float, float] | None = None


@transaction.atomic
def record(visit: Visit, seen: Seen, *, actor: Person, looking: Looking | None = None) -> Visit:
    """A planned visit was made just now. `looking`: the checklist that was open, else the one in force.

    Every finding is kept, and journalled where something begins with it. Raises NotAllowed, Conflict when it is done or
    dropped already, Invalid with every wrong answer.
    """
    visit = lock(visit)
    access.require_to_record(actor, visit)
    if visit.status != Status.PLANNED:
        raise Conflict(gettext_noop("this visit is done or dropped already"))
    return fill(visit, seen, looking or checklists.in_force(), actor)


@transaction.atomic
def record_unplanned(
    retailer: Retailer, seen: Seen, *, actor: Person, why: str = Why.WISH, looking: Looking | None = None
) -> Visit:
    """A visit that nobody had planned. As `record`."""
    access.require_to_visit(actor, retailer)
    if why not in (Why.WISH, Why.FINDING):
        raise Invalid("why", gettext_noop("one of wish, finding"))
    visit = Visit(retailer=retailer, manager=actor, why=why)
    return fill(visit, seen, looking or checklists.in_force(), actor)


def fill(visit: Visit, seen: Seen, looking: Looking, actor: Person) -> Visit:
    """The visit with what was seen, whatever it was before; inside the transaction of whoever calls."""
    items = {item.key: item for item in looking.checklist.items.values()}
    answers = {key: value for key, value in seen.answers.items() if value not in (None, "")}
    if wrong := _problems(looking, items, answers, seen):
        raise Invalid(problems=wrong)
    visit.status, visit.done_at, visit.done_by = Status.DONE, clock.now(), actor
    visit.version, visit.checklist = looking.version, looking.checklist.id
    visit.note = seen.note.strip()
    visit.longitude, visit.latitude = seen.place or (None, None)
    visit.save()
    rows = [
        Answer(visit=visit, item=items[key].id, value=value, finding=items[key].is_finding(value))
        for key, value in answers.items()
    ]
    Answer.objects.bulk_create(rows)
    for key, several in seen.photos.items():
        for upload in several:
            _keep(visit, key, upload, actor)
    findings = [row.item for row in rows if row.finding]
    append("care.visit_done", visit, actor, CLAUSE, findings=len(findings), why=visit.why)
    for item in findings:
        found = looking.checklist.items[item]
        if found.begins is not None and visit.of is None:
            append("care.finding_made", visit, actor, found.clause, item=item)
    return visit


def _problems(
    looking: Looking, items: Mapping[str, CheckItem], answers: Mapping[str, Any], seen: Seen
) -> list[Problem]:
    form = looking.checklist.form
    pictures = {key for key, item in items.items() if item.answer == PHOTO}
    asked = {
        "type": "object",
        "required": [key for key in form["required"] if key not in pictures],
        "properties": {key: one for key, one in form["properties"].items() if key not in pictures},
    }
    found = forms.problems(asked, answers)
    for key in sorted(pictures & set(form["required"])):
        if not seen.photos.get(key):
            found.append(Problem(key, gettext_noop("photo is missing")))
    if len([one for several in seen.photos.values() for one in several]) > MOST_PHOTOS:
        found.append(Problem(next(iter(seen.photos)), gettext_noop("at most 6 photos are kept with a visit")))
    if len(seen.note.strip()) > 500:
        found.append(Problem("note", gettext_noop("at most 500 characters")))
    if seen.place and not (-180 <= seen.place[0] <= 180 and -90 <= seen.place[1] <= 90):
        found.append(Problem("place", gettext_noop("longitude and latitude in degrees are needed")))
    return found


def _keep(visit: Visit, key: str, upload: UploadedFile[Any] | ContentFile[bytes], actor: Person) -> None:
    try:
        content = without_place(content_of(PHOTO, "", upload))
    except Invalid as error:
        raise Invalid(key, error.problems[0].message) from error
    photo = Photo(
        uuid=uuid4(), visit=visit, sha256=hashlib.sha256(content).hexdigest(), by=actor, at=clock.now()
    )
    keep_file(photo.file, f"{visit.uuid}/{photo.uuid}{ending_of(PHOTO, upload, content)}", content)
    photo.save()


# ---- what a finding begins


@dataclass(frozen=True)
class Matter:
    """A finding as the report of an everyday matter."""

    answer: Answer
    procedure: str
    report: dict[str, Any]
    reporter: Person


def matter_of(visit: str, item: str) -> Matter | None:
    """What the finding of a visit begins; None when that has begun already, or the visit is no longer kept."""
    rows = Answer.objects.select_related("visit__retailer", "visit__done_by", "visit__version")
    answer = rows.filter(visit__uuid=visit, item=item).first()
    if answer is None or answer.incident is not None:
        return None
    of = answer.visit
    if of.version is None or of.done_by is None:
        raise NotFound(visit)
    asked = checklists.given(of.version, of.checklist).checklist.items[item]
    if asked.begins is None:
        return None
    language = of.done_by.language
    what = f"{pick(asked.label, language)}: {said(asked, answer.value, language)}"
    report = {**asked.begins.report, asked.begins.customer: of.retailer.licence_no, "what": what}
    return Matter(answer, asked.begins.procedure, report, of.done_by)


def said(item: CheckItem, value: Any, language: str) -> str:
    """An answer in words."""
    if isinstance(value, bool):
        return pick(YES if value else NO, language)
    if isinstance(value, int | float):
        return f"{value:g} {pick(item.unit, language)}"
    return next((pick(one.title, language) for one in item.options if one.id == value), str(value))


def matter_begun(answer: Answer, number: str, incident: UUID) -> None:
    """The matter has this number; a finding of before may have begun it."""
    answer.matter, answer.incident = number, incident
    answer.save(update_fields=["matter", "incident"])
    at = answer.visit.done_at
    on = clock.day_of(at).isoformat() if at else ""
    journal.append("care.matter_begun", actor=None, incident=incident, clause="S3", data={"on": on})
