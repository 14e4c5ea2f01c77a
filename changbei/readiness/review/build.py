"""What a review holds, gathered once when the incident is closed: JSON, ready for a page and a document.

Moments are ISO 8601 in UTC or null, durations whole seconds, texts maps of languages. Keys:

    number, title, kind, level, drill, place, plan, procedure
    reported_at, reported_by, restored_at, closed_at, closed_by, close_reason
    interruption_seconds      from the report (an outage: its beginning) to service being back, or null
    summary                   counts: tasks, done, cancelled, late, acknowledged_late, escalations, moves
    command                   commander, deputy_commander, acting, set_up_at, stood_down_at, authorised_by, _at
    stages                    [{id, title, opened_at, closed_at}]
    tasks                     [{item, title, clause, role, role_title, kind, status, holder, done_by, opened_at,
                                acknowledge_due_at, acknowledged_at, acknowledge_late_seconds, due_at, done_at,
                                late_seconds, reasons, escalations: [{at, why, to}], moves: [{at, from, to, why}]}]
    vacant_roles, failed_actions
    messages                  told, acknowledged, delivered, unreached, customers: {told, delivered, unreached}
    calls                     total, reached, visited, left; null when nobody was to be phoned
    recoveries, suspensions, supply
    timeline                  [{at, kind, who, item, clause, data}]
    findings                  [{kind, item, clause, role, title, text}]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count

from changbei.core import clock
from changbei.core.texts import LANGUAGES
from changbei.delivery.models import RecoveryCase, RecoveryOption
from changbei.incidents.models import CommandPost, Incident, Suspension, SystemOutage
from changbei.journal.models import Entry
from changbei.journal.services import is_simulated, timeline
from changbei.notify.models import Call, CallList, Message
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack, Procedure
from changbei.readiness import simulations
from changbei.readiness.review import findings
from changbei.readiness.review.findings import Json, Times
from changbei.runs.models import ActionCall, RoleHolding, Run, Task
from changbei.supply.models import SupplyRequest

State = Message.State
ARRIVED = (State.DELIVERED, State.ACKNOWLEDGED)
NOT_REACHED = (State.FAILED, State.UNREACHABLE)


def content_of(incident: Incident) -> Json:
    """The content of the incident's review, as things stand."""
    run = incident.run
    if run is None:
        raise LookupError(f"{incident.number} has no run to review")
    pack = pack_for(run.plan_version)
    procedure = pack.procedures[run.procedure]
    entries = list(timeline(incident.uuid))
    ended_at = incident.closed_at or clock.now()
    content: Json = {
        **_head(incident, pack, procedure, entries),
        "command": _command(incident),
        "stages": _stages(procedure, entries),
        "tasks": _tasks(run, pack, entries, ended_at),
        "vacant_roles": _vacant_roles(run, pack),
        "failed_actions": _failed_actions(run, procedure),
        "messages": _messages(incident),
        "calls": _calls(incident),
        "recoveries": _recoveries(run),
        "suspensions": [_suspension(one) for one in incident.suspensions.order_by("pk")],
        "supply": _supply(run),
        "timeline": [_entry(entry) for entry in entries],
    }
    content["summary"] = _summary(content)
    content["findings"] = findings.findings(content)
    return content


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _name(person: Person | None) -> str:
    return person.name if person else ""


def _head(incident: Incident, pack: Pack, procedure: Procedure, entries: Iterable[Entry]) -> Json:
    first = incident.reports.select_related("reporter").order_by("pk").first()
    closing = next((entry for entry in entries if entry.kind == "incidents.closed"), None)
    outage = SystemOutage.objects.filter(incident=incident).first()
    began = outage.since if outage else incident.reported_at
    interrupted = int((incident.restored_at - began).total_seconds()) if incident.restored_at else None
    return {
        "number": incident.number,
        "title": dict(incident.title),
        "kind": incident.kind,
        "level": incident.level,
        "drill": incident.drill,
        "place": incident.place,
        "plan": {"titles": dict(pack.titles), "version": pack.version, "digest": pack.digest},
        "procedure": dict(procedure.title),
        "reported_at": _at(incident.reported_at),
        "reported_by": _name(first.reporter) if first else "",
        "restored_at": _at(incident.restored_at),
        "closed_at": _at(incident.closed_at),
        "closed_by": _name(incident.closed_by),
        "close_reason": str(closing.data.get("reason", "")) if closing else "",
        "affected": incident.affected_retailers,
        "interruption_seconds": interrupted,
    }


def _command(incident: Incident) -> Json | None:
    post = (
        CommandPost.objects.select_related("commander", "deputy_commander").filter(incident=incident).first()
    )
    if post is None:
        return None
    authorisation = post.authorisations.select_related("granted_by").order_by("pk").last()
    return {
        "commander": _name(post.commander),
        "deputy_commander": _name(post.deputy_commander),
        "acting": authorisation is not None,
        "set_up_at": _at(post.set_up_at),
        "stood_down_at": _at(post.stood_down_at),
        "authorised_by": _name(authorisation.granted_by) if authorisation else "",
        "authorised_at": _at(authorisation.granted_at) if authorisation else None,
    }


def _stages(procedure: Procedure, entries: Iterable[Entry]) -> list[Json]:
    moments: dict[tuple[str, str], datetime] = {}
    for entry in entries:
        if entry.kind in ("runs.stage_opened", "runs.stage_closed"):
            moments.setdefault((entry.kind, str(entry.data["stage"])), entry.at)
    return [
        {
            "id": stage.id,
            "title": dict(stage.title),
            "opened_at": _at(moments.get(("runs.stage_opened", stage.id))),
            "closed_at": _at(moments.get(("runs.stage_closed", stage.id))),
        }
        for stage in procedure.stages
        if ("runs.stage_opened", stage.id) in moments
    ]


def _tasks(run: Run, pack: Pack, entries: Iterable[Entry], ended_at: datetime) -> list[Json]:
    escalations: dict[str, list[Entry]] = defaultdict(list)
    moves: dict[str, list[Entry]] = defaultdict(list)
    answered = [one for one in entries if one.kind in simulations.ANSWERS and one.run == run.uuid]
    simulated = {one.item for one in answered if is_simulated(one)}
    for entry in entries:
        if entry.kind == "runs.escalated":
            escalations[entry.item].append(entry)
        elif entry.kind == "runs.role_moved":
            for item in entry.data.get("tasks", ()):
                moves[item].append(entry)
    names = _names([*escalations.values(), *moves.values()])
    tasks = run.tasks.select_related("holder", "done_by").order_by("opened_at", "pk")
    vacancies = list(RoleHolding.objects.filter(run=run, person__isnull=True))
    return [
        {
            **_task(task, pack, escalations[task.item], moves[task.item], vacancies, names, ended_at),
            "simulated": task.item in simulated,
        }
        for task in tasks
    ]


def _names(groups: Iterable[Iterable[Entry]]) -> dict[str, str]:
    wanted = {
        str(entry.data.get(key) or "")
        for group in groups
        for entry in group
        for key in ("to", "from", "holder")
    }
    return dict(Person.objects.filter(staff_no__in=wanted).values_list("staff_no", "name"))


def _task(
    task: Task,
    pack: Pack,
    escalations: list[Entry],
    moves: list[Entry],
    vacancies: list[RoleHolding],
    names: dict[str, str],
    ended_at: datetime,
) -> Json:
    times = Times(task.acknowledge_due_at, task.acknowledged_at, task.due_at, task.done_at, task.status)
    over = task.done_at or ended_at
    vacant = any(
        one.role == task.role and one.since < over and (one.until is None or one.until > task.opened_at)
        for one in vacancies
    )
    role = pack.roles.get(task.role)
    return {
        "item": task.item,
        "title": dict(task.title),
        "clause": task.clause,
        "role": task.role,
        "role_title": dict(role.title) if role else {},
        "kind": task.kind,
        "status": task.status,
        "holder": _name(task.holder),
        "done_by": _name(task.done_by),
        "opened_at": _at(task.opened_at),
        "acknowledge_due_at": _at(task.acknowledge_due_at),
        "acknowledged_at": _at(task.acknowledged_at),
        "acknowledge_late_seconds": findings.acknowledge_late_seconds(times, ended_at),
        "due_at": _at(task.due_at),
        "done_at": _at(task.done_at),
        "late_seconds": findings.done_late_seconds(times, ended_at),
        "reasons": findings.reasons(times, vacant=vacant, moved=bool(moves), ended_at=ended_at),
        "escalations": [
            {"at": _at(one.at), "why": one.data["why"], "to": names.get(one.data.get("to") or "", "")}
            for one in escalations
        ],
        "moves": [
            {
                "at": _at(one.at),
                "from": names.get(one.data.get("from") or "", ""),
                "to": names.get(one.data.get("to") or "", ""),
                "why": one.data["why"],
            }
            for one in moves
        ],
    }


def _vacant_roles(run: Run, pack: Pack) -> list[Json]:
    """Roles that nobody held while they had something to do."""
    used = set(run.tasks.values_list("role", flat=True))
    rows = RoleHolding.objects.filter(run=run, person__isnull=True, role__in=used)
    roles = sorted(set(rows.values_list("role", flat=True)))
    return [
        {"role": role, "title": dict(pack.roles[role].title), "clause": pack.roles[role].clause}
        for role in roles
        if role in pack.roles
    ]


def _failed_actions(run: Run, procedure: Procedure) -> list[Json]:
    found = []
    for call in ActionCall.objects.filter(run=run, result__isnull=True).exclude(error="").order_by("pk"):
        if call.finished_at is None:
            continue
        spec, step = procedure.task(call.item), procedure.steps.get(call.item)
        found.append(
            {
                "item": call.item,
                "title": dict(spec.title) if spec else dict.fromkeys(LANGUAGES, call.action),
                "clause": step.clause if step else "",
                "role": spec.role if spec else "",
                "action": call.action,
                "error": call.error,
            }
        )
    return found


def _messages(incident: Incident) -> Json:
    """How far the notices went; a recipient of several channels counts once a notice, by the best that happened."""
    rows = Message.objects.filter(notice__incident=incident.uuid).values_list(
        "notice_id", "person_id", "retailer_id", "contact_id", "state"
    )
    best: dict[tuple[Any, ...], str] = {}
    for *who, state in rows.iterator(chunk_size=5_000):
        key = tuple(who)
        if key not in best or _RANK[state] > _RANK[best[key]]:
            best[key] = state
    staff = Counter(state for key, state in best.items() if key[2] is None)
    customers = Counter(state for key, state in best.items() if key[2] is not None)
    return {
        "told": _told(staff),
        "acknowledged": staff[State.ACKNOWLEDGED],
        "delivered": sum(staff[state] for state in ARRIVED),
        "unreached": sum(staff[state] + customers[state] for state in NOT_REACHED),
        "customers": {
            "told": _told(customers),
            "delivered": sum(customers[state] for state in ARRIVED),
            "unreached": sum(customers[state] for state in NOT_REACHED),
        },
    }


_RANK: dict[str, int] = {
    State.STOPPED: 0,
    State.UNREACHABLE: 1,
    State.FAILED: 2,
    State.QUEUED: 3,
    State.SENDING: 4,
    State.HANDED: 5,
    State.DELIVERED: 6,
    State.ACKNOWLEDGED: 7,
}


def _told(states: Counter[str]) -> int:
    return sum(number for state, number in states.items() if state not in (*NOT_REACHED, State.STOPPED))


def _calls(incident: Incident) -> Json | None:
    lists = CallList.objects.filter(incident=incident.uuid)
    if not lists.exists():
        return None
    rows = (
        Call.objects.filter(call_list__in=lists)
        .order_by()
        .values_list("outcome")
        .annotate(number=Count("pk"))
    )
    outcomes = Counter(dict(rows))
    done = outcomes[Call.Outcome.REACHED] + outcomes[Call.Outcome.VISITED]
    return {
        "total": outcomes.total(),
        "reached": outcomes[Call.Outcome.REACHED],
        "visited": outcomes[Call.Outcome.VISITED],
        "left": outcomes.total() - done,
    }


def _recoveries(run: Run) -> list[Json]:
    found = []
    for case in RecoveryCase.objects.filter(run=run).order_by("pk"):
        options = list(case.options.select_related("accepted_by").order_by("rank"))
        taken = next((option for option in options if option.accepted_at), None)
        found.append(
            {
                "at": _at(case.computed_at),
                "stranded": case.stops_stranded,
                "considered": case.stops_considered,
                "computing_seconds": round(case.computing_seconds, 2),
                "options": len(options),
                "status": case.status,
                **_option(taken),
            }
        )
    return found


def _option(taken: RecoveryOption | None) -> Json:
    return {
        "kind": taken.kind if taken else "",
        "rank": taken.rank if taken else None,
        "extra_minutes": round(taken.extra_minutes, 1) if taken else None,
        "stops_moved": taken.stops_moved if taken else 0,
        "vans_touched": taken.vans_touched if taken else 0,
        "arrivals_shifted": taken.arrivals_shifted if taken else 0,
        "unserved": taken.unserved if taken else 0,
        "accepted_by": _name(taken.accepted_by) if taken else "",
        "accepted_at": _at(taken.accepted_at) if taken else None,
    }


def _suspension(suspension: Suspension) -> Json:
    over = suspension.resumed_at or clock.now()
    return {
        "scope": suspension.scope,
        "reason": suspension.reason,
        "decided_by": _name(suspension.decided_by),
        "starts_at": _at(suspension.starts_at),
        "ends_at": _at(suspension.ends_at),
        "resumed_at": _at(suspension.resumed_at),
        "seconds": max(0, int((over - suspension.starts_at).total_seconds())),
        "retailers": suspension.retailers.count(),
    }


def _supply(run: Run) -> Json | None:
    requests = SupplyRequest.objects.filter(run=run)
    if not requests.exists():
        return None
    states = dict(requests.order_by().values_list("status").annotate(number=Count("pk")))
    cartons = sum(
        requests.exclude(status=SupplyRequest.Status.REFUSED).values_list("lines__cartons", flat=True)
    )
    return {"requests": sum(states.values()), "states": states, "cartons": cartons}


def _entry(entry: Entry) -> Json:
    return {
        "at": _at(entry.at),
        "kind": entry.kind,
        "who": entry.actor_label,
        "item": entry.item,
        "clause": entry.clause,
        "data": entry.data,
    }


def _summary(content: Json) -> Json:
    tasks = content["tasks"]
    own = [task for task in tasks if not task["simulated"]]  # how fast who was answered for is nobody's time
    return {
        "tasks": len(tasks),
        "done": sum(task["status"] == "done" for task in tasks),
        "cancelled": sum(task["status"] == "cancelled" for task in tasks),
        "late": sum(bool(task["late_seconds"]) for task in own),
        "acknowledged_late": sum(bool(task["acknowledge_late_seconds"]) for task in own),
        "simulated": len(tasks) - len(own),
        "escalations": sum(len(task["escalations"]) for task in tasks),
        "moves": sum(len(task["moves"]) for task in tasks),
    }
