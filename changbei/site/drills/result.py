"""What a drill was, as one JSON object an incident: roles, tasks, messages, recovery, service, review."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.core import texts
from changbei.delivery.models import RecoveryCase
from changbei.incidents.models import Incident, Suspension
from changbei.journal import services as journal
from changbei.notify.models import Call, Message
from changbei.readiness.models import Review
from changbei.runs import selectors as runs
from changbei.runs.models import Task
from changbei.supply.models import SupplyRequest

Json = dict[str, Any]


def of_incident(incident: Incident, *, language: str = "zh-Hans") -> Json:
    """Moments are ISO 8601 with zone; texts in `language`; keys as documented in docs/drills.md."""
    run = incident.run
    return {
        "number": incident.number,
        "kind": incident.kind,
        "title": texts.pick(incident.title, language),
        "level": incident.level,
        "drill": incident.drill,
        "reported_at": _at(incident.reported_at),
        "command_post": _command_post(incident),
        "roles": {
            held.role: {"person": held.person.name if held.person else None, "why": held.why}
            for held in (runs.roles_of(run) if run else [])
        },
        "tasks": [_task(task, language) for task in (runs.tasks_of(run) if run else [])],
        "messages": _messages(incident),
        "recovery": _recovery(incident),
        "suspension": _suspension(incident),
        "supply": _supply(incident),
        "service_restored_at": _at(incident.restored_at),
        "closed_at": _at(incident.closed_at),
        "timeline": [
            {
                "at": _at(entry.at),
                "kind": entry.kind,
                "by": entry.actor_label,
                "item": entry.item,
                "clause": entry.clause,
            }
            for entry in journal.timeline(incident.uuid)
        ],
        "review": _review(incident),
    }


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _command_post(incident: Incident) -> Json | None:
    post = getattr(incident, "command_post", None)
    if post is None:
        return None
    granted = post.authorisations.order_by("pk").last()
    return {
        "commander": post.commander.name if post.commander else None,
        "acting": post.acting,
        "set_up_at": _at(post.set_up_at),
        "authorised_by": granted.granted_by.name if granted and granted.granted_by else None,
        "authorised_at": _at(granted.granted_at) if granted else None,
    }


def _task(task: Task, language: str) -> Json:
    late = bool(task.due_at and (task.done_at is None or task.done_at > task.due_at))
    return {
        "item": task.item,
        "title": texts.pick(task.title, language),
        "role": task.role,
        "holder": task.holder.name if task.holder else None,
        "clause": task.clause,
        "opened_at": _at(task.opened_at),
        "acknowledged_at": _at(task.acknowledged_at),
        "due": _at(task.due_at),
        "done": _at(task.done_at),
        "late": late and task.status != Task.Status.CANCELLED,
        "status": task.status,
        "escalations": task.escalations,
    }


def _messages(incident: Incident) -> list[Json]:
    messages = Message.objects.filter(notice__incident=incident.uuid)
    messages = messages.select_related("notice", "person", "retailer", "contact").order_by("pk")
    return [
        {
            "person": _recipient(message),
            "to": "staff" if message.person_id else "customer" if message.retailer_id else "contact",
            "channel": message.channel,
            "template": message.notice.template,
            "state": message.state,
            "queued_at": _at(message.queued_at),
            "handed_at": _at(message.handed_at),
            "delivered_at": _at(message.delivered_at),
            "acknowledged_at": _at(message.acknowledged_at),
        }
        for message in messages
    ]


def _recipient(message: Message) -> str:
    if message.person:
        return message.person.name
    if message.retailer:
        return message.retailer.name
    return message.contact.person if message.contact else ""


def _recovery(incident: Incident) -> Json | None:
    case = RecoveryCase.objects.filter(run=incident.run_id).order_by("pk").last() if incident.run_id else None
    if case is None:
        return None
    options = [
        {
            "kind": option.kind,
            "extra_minutes": round(option.extra_minutes, 1),
            "stops_moved": option.stops_moved,
            "vans_touched": option.vans_touched,
            "arrivals_shifted": option.arrivals_shifted,
            "unserved": option.unserved,
        }
        for option in case.options.order_by("rank")
    ]
    accepted = case.options.filter(accepted_at__isnull=False).first()
    chosen: Mapping[str, Any] = next(
        (one for one in options if accepted and one["kind"] == accepted.kind), {}
    )
    return {
        "stops": case.stops_considered,
        "stranded": case.stops_stranded,
        "seconds": round(case.computing_seconds, 3),
        "vans_touched": chosen.get("vans_touched"),
        "unserved": chosen.get("unserved"),
        "stops_moved": chosen.get("stops_moved"),
        "extra_minutes": chosen.get("extra_minutes"),
        "accepted": accepted.kind if accepted else None,
        "accepted_at": _at(accepted.accepted_at) if accepted else None,
        "options": options,
    }


def _suspension(incident: Incident) -> Json | None:
    suspension = Suspension.objects.filter(incident=incident).order_by("pk").last()
    if suspension is None:
        return None
    calls = (
        Call.objects.filter(call_list__uuid=suspension.call_list)
        if suspension.call_list
        else Call.objects.none()
    )
    return {
        "scope": suspension.scope,
        "starts_at": _at(suspension.starts_at),
        "ends_at": _at(suspension.ends_at),
        "resumed_at": _at(suspension.resumed_at),
        "retailers": suspension.retailers.count(),
        "calls": calls.count(),
        "calls_reached": calls.filter(outcome__in=[Call.Outcome.REACHED, Call.Outcome.VISITED]).count(),
        "replenishments": SupplyRequest.objects.filter(
            run=incident.run_id, path=SupplyRequest.Path.AFTER_SUSPENSION
        ).count(),
    }


def _supply(incident: Incident) -> Json | None:
    request = (
        SupplyRequest.objects.filter(run=incident.run_id)
        .exclude(path=SupplyRequest.Path.AFTER_SUSPENSION)
        .select_related("retailer", "decided_by")
        .order_by("pk")
        .last()
    )
    if request is None:
        return None
    return {
        "number": request.number,
        "retailer": request.retailer.name,
        "path": request.path,
        "cartons": sum(request.lines.values_list("cartons", flat=True)),
        "status": request.status,
        "decided_by": request.decided_by.name if request.decided_by else None,
        "deliver_on": request.deliver_on.isoformat() if request.deliver_on else None,
    }


def _review(incident: Incident) -> Json | None:
    review = Review.objects.filter(incident=incident).first()
    return dict(review.content) if review else None
