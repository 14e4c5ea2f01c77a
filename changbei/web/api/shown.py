"""Rows of the rooms as the API shows them."""

from __future__ import annotations

from changbei.core import clock
from changbei.delivery import selectors as delivery
from changbei.delivery.models import RecoveryCase
from changbei.incidents.models import Incident, Suspension, Warning
from changbei.notify import selectors as notify
from changbei.notify.models import Message
from changbei.people.models import Person
from changbei.runs import selectors as runs
from changbei.runs.models import Task
from changbei.web import showing
from changbei.web.api import schemas

MESSAGES_SHOWN = 500


def colleague(one: Person) -> schemas.PersonOut:
    return schemas.PersonOut(staff_no=one.staff_no, name=one.name, phone=one.phone)


def person(one: Person | None) -> schemas.PersonOut | None:
    return colleague(one) if one else None


def incident(one: Incident) -> schemas.IncidentOut:
    return schemas.IncidentOut.model_validate(one, from_attributes=True)


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
    return schemas.TaskOut(
        uuid=one.uuid,
        number=one.run.number,
        item=one.item,
        kind=one.kind,
        title=one.title,
        guide=one.guide or {},
        role=one.role,
        holder=person(one.holder),
        clause=one.clause,
        status=one.status,
        options=one.options,
        evidence=one.evidence,
        page=one.page,
        opened_at=one.opened_at,
        acknowledge_due_at=one.acknowledge_due_at,
        due_at=one.due_at,
        acknowledged_at=one.acknowledged_at,
        done_at=one.done_at,
        done_by=person(one.done_by),
        late=showing.is_late(one, clock.now()),
        escalations=one.escalations,
        result=one.result,
    )


def role(one: runs.HeldRole) -> schemas.RoleOut:
    return schemas.RoleOut(
        role=one.role,
        title=dict(one.title),
        clause=one.clause,
        person=person(one.person),
        why=one.why,
        handed_over=one.pinned,
        since=one.since,
    )


def message(one: Message) -> schemas.MessageOut:
    if one.person is not None:
        to, name = "staff", one.person.name
    elif one.retailer is not None:
        to, name = "customer", one.retailer.name
    else:
        to, name = "contact", showing.say(one.contact.organisation) if one.contact else ""
    return schemas.MessageOut(
        uuid=one.uuid,
        to=to,
        name=name,
        channel=one.channel,
        template=one.notice.template,
        state=one.state,
        queued_at=one.queued_at,
        handed_at=one.handed_at,
        delivered_at=one.delivered_at,
        acknowledged_at=one.acknowledged_at,
    )


def recovery(one: RecoveryCase) -> schemas.RecoveryOut:
    options = [
        schemas.OptionOut.model_validate(option, from_attributes=True)
        for option in one.options.order_by("rank")
    ]
    return schemas.RecoveryOut(
        uuid=one.uuid,
        number=one.run.number if one.run else "",
        vehicle=one.breakdown.tour.vehicle.number if one.breakdown else "",
        status=one.status,
        computed_at=one.computed_at,
        computing_seconds=one.computing_seconds,
        stops_stranded=one.stops_stranded,
        options=options,
    )


def warning(one: Warning) -> schemas.WarningOut:
    return schemas.WarningOut(
        uuid=one.uuid,
        verdict=one.verdict,
        status=one.status,
        msg_type=one.msg_type,
        event=one.event,
        headline=one.headline,
        severity=one.severity,
        colour=one.colour,
        sent=one.sent,
        effective_at=one.effective_at,
        expires_at=one.expires_at,
        received_at=one.received_at,
        incident=one.incident.number if one.incident else "",
        reasons=one.reasons,
        texts=one.texts,
    )


def suspension(one: Suspension) -> schemas.SuspensionOut:
    return schemas.SuspensionOut(
        uuid=one.uuid,
        number=one.incident.number,
        scope=one.scope,
        reason=one.reason,
        area=one.area,
        retailers=one.retailers.count(),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        decided_at=one.decided_at,
        resumed_at=one.resumed_at,
    )
