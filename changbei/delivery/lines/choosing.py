"""Deciding about planned lines: drive them, drive the lines so far, take it back until the first van drives (E2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, NotAllowed, NotFound
from changbei.delivery import bulk, changing, expecting
from changbei.delivery.lines import questions, shown
from changbei.delivery.models import DeliveryDay, LineQuestion, Stop, Tour
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs.noting import note

Status = LineQuestion.Status
TO_DECIDE = (Status.ANSWERED, Status.KEPT)


@transaction.atomic
def accept(question: LineQuestion, *, actor: Person) -> int:
    """Drive the planned lines; how many customers change vans. Raises NotAllowed, and Conflict when the lines have
    changed since it was asked, when stops that have a van would be left out, when it was not answered, or vans have
    left."""
    day, question = _locked(question, actor)
    if question.status not in TO_DECIDE or question.answer is None:
        raise Conflict(gettext_noop("these lines are not planned yet, or already accepted"))
    if questions.is_stale(question, day):
        raise Conflict(gettext_noop("the day has changed since its lines were planned; plan them anew"))
    if shown.lost(question.answer):
        raise Conflict(gettext_noop("not all customers fit into these lines"))
    questions.refuse_begun(day, question.site)
    question.before = _as_it_is(day, question.answer)
    moved = _write(day, question.answer)
    _decided(question, Status.ACCEPTED, actor)
    changing.changed(day)
    _note("delivery.lines_planned", question, actor, moved=moved)
    return moved


@transaction.atomic
def keep(question: LineQuestion, *, actor: Person) -> None:
    """The lines so far are driven; the proposal may still be accepted later. Raises NotAllowed, Conflict."""
    _day, question = _locked(question, actor)
    if question.status != Status.ANSWERED:
        raise Conflict(gettext_noop("there is nothing to decide about these lines"))
    _decided(question, Status.KEPT, actor)
    _note("delivery.lines_kept", question, actor)


@transaction.atomic
def undo(question: LineQuestion, *, actor: Person) -> None:
    """The lines of before, with their times; the proposal waits for a decision again. Raises NotAllowed, and Conflict
    when the first van has left or the lines were changed since."""
    day, question = _locked(question, actor)
    if question.status != Status.ACCEPTED or question.before is None or question.answer is None:
        raise Conflict(gettext_noop("these lines are not in force"))
    questions.refuse_begun(day, question.site)
    if not is_as_written(question):
        raise Conflict(gettext_noop("the lines were changed again since, so this cannot be undone any more"))
    _put_back(question.before)
    question.before = None
    _decided(question, Status.ANSWERED, None)
    changing.changed(day)
    _note("delivery.lines_undone", question, actor)


def is_as_written(question: LineQuestion) -> bool:
    """Whether the vans still have the stops that accepting gave them, in that sequence."""
    answer = question.answer or {"tours": [], "lines": []}
    found: dict[int, list[int]] = {tour: [] for tour in answer["tours"]}
    rows = Stop.objects.filter(tour__in=found, status=Stop.Status.PLANNED).order_by("sequence", "pk")
    for pk, tour in rows.values_list("pk", "tour_id"):
        found[tour or 0].append(pk)
    lists: list[list[int]] = answer["lines"]
    return list(found.values()) == lists


def _locked(question: LineQuestion, actor: Person) -> tuple[DeliveryDay, LineQuestion]:
    if not people.may(actor, "delivery.accept"):
        raise NotAllowed(gettext_noop("dispatchers and the head of the delivery centre accept lines"))
    if question.day_id is None:
        raise NotFound(gettext_noop("these are another city's lines"))
    day = changing.locked_day(question.day_id)
    return day, LineQuestion.objects.select_for_update().get(pk=question.pk)


def _decided(question: LineQuestion, status: str, actor: Person | None) -> None:
    question.status, question.decided_by = status, actor
    question.decided_at = clock.now() if actor else None
    question.save(update_fields=["status", "decided_by", "decided_at", "before"])


def _note(kind: str, question: LineQuestion, actor: Person, **data: Any) -> None:
    site = question.site.code if question.site else ""
    note(kind, None, actor, clause="E2.6", date=question.date.isoformat(), site=site, **data)


def _as_it_is(day: DeliveryDay, answer: Mapping[str, Any]) -> list[list[Any]]:
    pks = [pk for line in answer["lines"] for pk in line]
    fields = ("pk", "tour_id", "sequence", "planned_at", "expected_at", "tour__departs_at")
    rows = Stop.objects.filter(day=day, pk__in=pks).order_by("pk").values_list(*fields)
    return [[*row[:3], *(at.isoformat() if at else None for at in row[3:])] for row in rows]


def _put_back(before: list[list[Any]]) -> None:
    """The lists and times of before; a van that leaves at another time meanwhile is expected by that."""
    stops = Stop.objects.in_bulk([row[0] for row in before])
    tours = Tour.objects.select_related("site").in_bulk({row[1] for row in before if row[1]})
    later: dict[int, Tour] = {}
    for pk, tour, sequence, planned_at, expected_at, *departed_at in before:
        stop = stops[pk]
        stop.tour_id, stop.sequence = tour, sequence
        stop.planned_at = datetime.fromisoformat(planned_at)
        stop.expected_at = datetime.fromisoformat(expected_at) if expected_at else None
        if tour and departed_at and tours[tour].departs_at != datetime.fromisoformat(departed_at[0]):
            later[tour] = tours[tour]
    bulk.update(stops.values(), ["tour", "sequence", "planned_at", "expected_at"])
    for one in later.values():
        expecting.expect_from(one, one.site, one.departs_at)


def _write(day: DeliveryDay, answer: Mapping[str, Any]) -> int:
    stops = Stop.objects.filter(day=day).in_bulk()
    tours = Tour.objects.filter(day=day).select_related("site").in_bulk()
    changed: list[Stop] = []
    moved = 0
    for pk, line in zip(answer["tours"], answer["lines"], strict=True):
        for number, one in enumerate(line, start=1):
            stop = stops[one]
            moved += stop.tour_id != pk
            stop.tour, stop.sequence = tours[pk], number
            changed.append(stop)
    bulk.update(changed, ["tour", "sequence"])
    expecting.timetable(tours[pk] for pk in answer["tours"])
    return moved
