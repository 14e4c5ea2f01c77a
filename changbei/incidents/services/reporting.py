"""A report becomes an incident, or joins the one it is about; the incident is classified and its plan starts.

Everything happens in one transaction: whoever got a number has an incident with a command, a run, open tasks and
queued messages, or else an error and nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction

from changbei.core import clock
from changbei.incidents import context, forms, numbers, plan, rules, telling
from changbei.incidents.models import Incident, Report
from changbei.incidents.plan import InForce
from changbei.incidents.services import command, outages
from changbei.journal import services as journal
from changbei.people import access as people_access
from changbei.people.models import Person
from changbei.plans.plain import clean_map
from changbei.runs import services as runs

UNLIMITED = timedelta(days=3650)


@dataclass(frozen=True)
class ReportAnswer:
    """What the reporter is told: the incident, and whether somebody had reported it before."""

    incident: Incident
    joined: bool


def report(
    kind: str,
    data: Mapping[str, Any],
    *,
    actor: Person | None,
    source: str,
    drill: bool = False,
) -> ReportAnswer:
    """Report an event of `kind` (a procedure of a plan in force) with the fields of its form.

    `source`: web, cli, api, warning. Raises NotFound for an unknown kind, Invalid with every wrong field, NotAllowed.
    Two reports of the same thing at the same moment make one incident (E1.4, E2.1b).
    """
    if actor is not None:
        people_access.require(actor, "incidents.report")
    found = plan.procedure_in_force(kind)
    filed = forms.check(found.procedure.form, data)
    with transaction.atomic():
        now = clock.now()
        key = _same_key(found, filed, drill, now)
        numbers.lock_cause(key)
        known = Incident.objects.select_related("run").filter(same_key=key).exclude(status="closed").first()
        if known and _is_same(known, found, now):
            _join(known, filed, now, actor=actor, source=source)
            return ReportAnswer(known, joined=True)
        if known:
            _release_key(known)
        return ReportAnswer(
            _create(found, key, filed, now, actor=actor, source=source, drill=drill), joined=False
        )


def _same_key(found: InForce, filed: Mapping[str, Any], drill: bool, now: datetime) -> str:
    """What makes two reports one. A drill never joins the real thing."""
    same = found.procedure.same
    value, _ = same.by.value({"report": dict(filed), "incident": {}}, now) if same else (None, "")
    mark = "drill:" if drill else ""
    return f"{mark}{value}"[:200] if value else f"{mark}{found.procedure.id}:{uuid4()}"


def _is_same(known: Incident, found: InForce, now: datetime) -> bool:
    same = found.procedure.same
    within = same.within.after(known.reported_at) - known.reported_at if same else UNLIMITED
    return rules.is_same(
        known.reported_at, within, restored=known.status == Incident.Status.RESTORED, now=now
    )


def _release_key(known: Incident) -> None:
    """The earlier incident keeps its papers open, but is no longer the one that new reports are about."""
    known.same_key = f"{known.number}:{known.same_key}"[:200]
    known.save(update_fields=["same_key"])


def _join(
    incident: Incident, filed: dict[str, Any], now: datetime, *, actor: Person | None, source: str
) -> None:
    """A further report of the same thing: kept in its words, and what it adds goes to the run and the reporter."""
    first = incident.reports.filter(joined=False).order_by("pk").first()
    new = rules.added(first.data if first else {}, filed)
    Report.objects.create(incident=incident, source=source, reporter=actor, data=filed, joined=True, at=now)
    journal.append(
        "incidents.report_joined",
        actor=actor,
        incident=incident.uuid,
        run=incident.run.uuid if incident.run else None,
        drill=incident.drill,
        data={"number": incident.number, "source": source, "adds": new},
    )
    if incident.run and (worse := rules.worth_adding(first.data if first else {}, filed)):
        runs.know(incident.run.uuid, "report", worse, actor=actor)
    _answer(incident, actor)


def _answer(incident: Incident, reporter: Person | None) -> None:
    if reporter is not None:
        pack = plan.of_incident(incident).pack
        telling.tell_people(incident, pack, "report-received", [reporter], actor=None)


def _create(
    found: InForce,
    key: str,
    filed: dict[str, Any],
    now: datetime,
    *,
    actor: Person | None,
    source: str,
    drill: bool,
) -> Incident:
    procedure = found.procedure
    known = context.look_up(filed, procedure.form)
    level = _level(found, filed, known, now)
    incident = Incident.objects.create(
        number=numbers.next_number(),
        kind=procedure.id,
        family=procedure.family,
        title=rules.title(procedure.title, known.detail),
        level=level,
        drill=drill,
        place=known.place[:160],
        longitude=known.longitude,
        latitude=known.latitude,
        area=known.area or None,
        affected_retailers=known.affected,
        same_key=key,
        reported_at=now,
    )
    Report.objects.create(incident=incident, source=source, reporter=actor, data=filed, joined=False, at=now)
    _journal_report(incident, filed, actor=actor, source=source)
    outages.record(incident, filed, now)
    decided = command.take_command(incident, found.pack, now)
    _start(found, incident, filed, known, decided, actor=actor)
    command.tell_command(incident, found.pack)
    _answer(incident, actor)
    return incident


def _level(found: InForce, filed: Mapping[str, Any], known: context.Known, now: datetime) -> str:
    """What the plan's table says (E2.1b, E2.1d, E2.1e); a plan without one is local."""
    level = found.procedure.level
    if level is None:
        return "LOCAL"
    family = found.procedure.family
    inputs = rules.level_inputs(level.table.inputs, filed, family=family, share=known.share)
    if level.inputs is not None:
        seen = {"report": dict(filed), "incident": clean_map(context.facts_of(known, family=family))}
        given = {name: condition.value(seen, now)[0] for name, condition in level.inputs.items()}
        inputs |= {name: value for name, value in given.items() if value is not None}
    return str(plan.ask(found.pack, level.table.id, inputs)["level"])


def _journal_report(incident: Incident, filed: dict[str, Any], *, actor: Person | None, source: str) -> None:
    data = {
        "number": incident.number,
        "kind": incident.kind,
        "source": source,
        "report": _without_area(filed),
    }
    classified = {"level": incident.level, "affected": incident.affected_retailers}
    journal.append_many(
        [
            journal.NewEntry("incidents.reported", actor, incident.uuid, drill=incident.drill, data=data),
            journal.NewEntry(
                "incidents.classified",
                None,
                incident.uuid,
                clause={"MAJOR": "E2.1b", "LOCAL": "E2.1d", "DEMAND": "E2.1e"}[incident.level],
                drill=incident.drill,
                data=classified,
            ),
        ]
    )


def _without_area(filed: Mapping[str, Any]) -> dict[str, Any]:
    """The report in the journal names the area, the incident holds its many points."""
    return {
        name: value
        for name, value in filed.items()
        if not (isinstance(value, dict) and "coordinates" in value)
    }


def _start(
    found: InForce,
    incident: Incident,
    filed: dict[str, Any],
    known: context.Known,
    decided: rules.Command,
    *,
    actor: Person | None,
) -> None:
    facts = clean_map(
        context.facts_of(
            known,
            number=incident.number,
            kind=incident.kind,
            family=incident.family,
            level=incident.level,
            drill=incident.drill,
            reported_at=incident.reported_at.isoformat(),
            reporter=actor.staff_no if actor else "",
        )
    )
    seen = {"report": filed, "incident": facts}
    scope = {
        "site": known.site,
        "unit": known.unit,
        "district": known.district,
        "kind": incident.family,
        **command.scope_of(decided),
    }
    incident.run = runs.start(
        found.procedure.id,
        plan_version=found.version,
        incident=incident.uuid,
        number=incident.number,
        title=incident.title,
        context=seen,
        scope=scope,
        drill=incident.drill,
        actor=actor,
    )
    incident.save(update_fields=["run"])
