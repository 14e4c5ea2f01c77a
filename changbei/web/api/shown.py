"""Rows of the rooms as the API shows them."""

from __future__ import annotations

from typing import Any, TypeVar

from ninja import Schema

from changbei.core import clock
from changbei.delivery import selectors as delivery
from changbei.delivery.models import RecoveryCase
from changbei.incidents.models import Incident, Suspension, Warning
from changbei.notify import selectors as notify
from changbei.notify.models import Message
from changbei.runs import selectors as runs
from changbei.runs.models import Task
from changbei.web import showing
from changbei.web.api import schemas

Shape = TypeVar("Shape", bound=Schema)
MESSAGES_SHOWN = 500


def of(shape: type[Shape], one: object, **given: Any) -> Shape:
    """`one` in this shape: a field that is not given is its attribute of that name."""
    own = {name: getattr(one, name) for name in shape.model_fields.keys() - given.keys()}
    return shape(**own, **given)


def incident(one: Incident) -> schemas.IncidentOut:
    return of(schemas.IncidentOut, one)


def incident_with_everything(one: Incident) -> schemas.IncidentFull:
    messages = notify.messages(incident=one.uuid)
    count = messages.count()
    newest = list(messages.order_by("-queued_at", "-id")[:MESSAGES_SHOWN])
    run = one.run
    return schemas.IncidentFull(
        **incident(one).model_dump(),
        tasks=[task(found) for found in runs.tasks_of(run).select_related("run")] if run else [],
        roles=[role(found) for found in runs.roles_of(run)] if run else [],
        messages=[message(found) for found in reversed(newest)],
        messages_count=count,
        suspensions=[
            suspension(found) for found in one.suspensions.select_related("incident").order_by("pk")
        ],
        recoveries=[found.uuid for found in delivery.cases_of_run(run.uuid)] if run else [],
    )


def task(one: Task) -> schemas.TaskOut:
    late = showing.is_late(one, clock.now())
    return of(schemas.TaskOut, one, number=one.run.number, guide=one.guide or {}, late=late)


def role(one: runs.HeldRole) -> schemas.RoleOut:
    return of(schemas.RoleOut, one, title=dict(one.title), handed_over=one.pinned)


def message(one: Message) -> schemas.MessageOut:
    if one.person is not None:
        to, name = "staff", one.person.name
    elif one.retailer is not None:
        to, name = "customer", one.retailer.name
    else:
        to, name = "contact", showing.say(one.contact.organisation) if one.contact else ""
    return of(schemas.MessageOut, one, to=to, name=name, template=one.notice.template)


def recovery(one: RecoveryCase) -> schemas.RecoveryOut:
    return of(
        schemas.RecoveryOut,
        one,
        number=one.run.number if one.run else "",
        vehicle=one.breakdown.tour.vehicle.number if one.breakdown else "",
        options=list(one.options.order_by("rank")),
    )


def warning(one: Warning) -> schemas.WarningOut:
    return of(schemas.WarningOut, one, incident=one.incident.number if one.incident else "")


def suspension(one: Suspension) -> schemas.SuspensionOut:
    return of(schemas.SuspensionOut, one, number=one.incident.number, retailers=one.retailers.count())
