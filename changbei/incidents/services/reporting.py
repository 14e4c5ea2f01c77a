"""A report becomes an incident, or joins the one it is about; the incident is classified and its plan starts.

Everything happens in one transaction: whoever got a number has an incident with a command, a run, open tasks and
queued messages, or else an error and nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.db import transaction

from changbei.core import clock
from changbei.incidents import context, forms, numbers, plan, rules, telling
from changbei.incidents.models import Incident, Report
from changbei.incidents.noting import fact
from changbei.incidents.plan import InForce
from changbei.incidents.services import command, outages
from changbei.journal import locks, prepared
from changbei.journal import services as journal
from changbei.journal.rows import Rows
from changbei.notify import services as notify
from changbei.notify.recipients import of_people
from changbei.people import access as people_access
from changbei.people.models import Person
from changbei.plans import tables
from changbei.plans.model import EVERYDAY, Pack
from changbei.plans.plain import clean_map
from changbei.runs import services as runs
from changbei.runs.models import Run
from changbei.runs.writing import write

UNLIMITED = timedelta(days=3650)
LONGEST_KEY = 200


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
    level: str = "",
) -> ReportAnswer:
    """Report an event of `kind` (a procedure of a plan in force) with the fields of its form.

    `source`: web, cli, api, warning, visit. `level`: what a drill is classified as, whatever the plan's table says.
    Raises NotFound for an unknown kind, Invalid with every wrong field, NotAllowed.
    Two reports of the same thing at the same moment make one incident (E1.4, E2.1b).
    """
    if actor is not None:
        people_access.require(actor, "incidents.report")
    found = plan.procedure_in_force(kind)
    filed = forms.check(found.procedure.form, data)
    with transaction.atomic():
        now = clock.now()
        key = _same_key(found, filed, drill, now)
        known = _known(key, found, now) if _has_open(key) else None
        if known is None:
            # Only who may be the first waits for others: a storm of reports joins side by side.
            locks.hold(key)
            if _has_open(key):
                known = _known(key, found, now)
                if known is None:
                    _release_key(key)
        if known is not None:
            _join(known, filed, now, actor=actor, source=source)
            return ReportAnswer(known, joined=True)
        return ReportAnswer(
            _create(
                found, key, filed, now, actor=actor, source=source, drill=drill, level=level if drill else ""
            ),
            joined=False,
        )


def _has_open(key: str) -> bool:
    """Whether any incident with this key is open: what is asked of every report, most of which are the first."""
    with prepared.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM incidents_incident WHERE same_key = %s AND status <> 'closed' LIMIT 1", [key]
        )
        return cursor.fetchone() is not None


def _known(key: str, found: InForce, now: datetime) -> Incident | None:
    """The open incident that a report with this key is about; nobody closes it before the report is in."""
    incidents = Incident.objects.select_related("run__plan_version").defer(
        "run__state", "run__plan_version__files"
    )
    known = incidents.filter(same_key=key).exclude(status=Incident.Status.CLOSED).first()
    return known if known is not None and _is_same(known, found, now) and _stays_open(known) else None


def _stays_open(known: Incident) -> bool:
    """Shared among all who join: they do not wait for each other, only for somebody who is closing it just now."""
    with prepared.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM incidents_incident WHERE id = %s AND status <> 'closed' FOR SHARE", [known.pk]
        )
        return cursor.fetchone() is not None


def _same_key(found: InForce, filed: Mapping[str, Any], drill: bool, now: datetime) -> str:
    """What makes two reports one: by the plan, from the report and from what the city knows of the van, customer or
    site it names (`incident.district`, say). A drill never joins the real thing.
    """
    same = found.procedure.same
    value: object = None
    if same:
        about = "incident." in same.by.source
        known = context.look_up(filed, found.procedure.form) if about else context.Known()
        facts = clean_map(context.facts_of(known, family=found.procedure.family)) if about else {}
        value, _ = same.by.value({"report": dict(filed), "incident": facts}, now)
    mark = "drill:" if drill else ""
    return _short(f"{mark}{value}" if value else f"{mark}{found.procedure.id}:{uuid4()}")


def _short(key: str) -> str:
    """A key as it is kept: one that is too long ends in a digest of itself, so that its end counts as well."""
    if len(key) <= LONGEST_KEY:
        return key
    digest = sha256(key.encode()).hexdigest()
    return key[: LONGEST_KEY - len(digest)] + digest


def _is_same(known: Incident, found: InForce, now: datetime) -> bool:
    same = found.procedure.same
    within = same.within.after(known.reported_at) - known.reported_at if same else UNLIMITED
    return rules.is_same(
        known.reported_at, within, restored=known.status == Incident.Status.RESTORED, now=now
    )


def _release_key(key: str) -> None:
    """An earlier incident keeps its papers open, but is no longer the one that new reports are about."""
    earlier = Incident.objects.filter(same_key=key).exclude(status=Incident.Status.CLOSED)
    for known in earlier.defer("area"):
        known.same_key = _short(f"{known.number}:{known.same_key}")
        known.save(update_fields=["same_key"])


def _join(
    incident: Incident, filed: dict[str, Any], now: datetime, *, actor: Person | None, source: str
) -> None:
    """A further report of the same thing: kept in its words, and what it adds goes to the run and the reporter."""
    first = incident.reports.filter(joined=False).order_by("pk").first()
    new = rules.added(first.data if first else {}, filed)
    if incident.run and rules.worth_adding(first.data if first else {}, filed):
        _tell_run(incident.run, filed, actor)
    data: dict[str, Any] = {"number": incident.number, "source": source, "adds": new}
    facts = [fact("incidents.report_joined", incident, actor, **data)]
    rows = Rows()
    rows.insert_objects([_report_of(incident, filed, now, actor=actor, source=source, joined=True)])
    notify.tell_many(_answer(incident, plan.of_incident(incident).pack, actor), facts=facts, rows=rows)
    journal.add(facts, rows)
    rows.write()


def _tell_run(run: Run, filed: Mapping[str, Any], actor: Person | None) -> None:
    """What the report adds to all that the run knows from those before, which nobody changes meanwhile."""
    known = runs.lock(run.uuid).state["context"].get("report") or {}
    if worse := rules.worth_adding(known, filed):
        runs.know(run.uuid, "report", worse, actor=actor)


def _report_of(
    incident: Incident,
    filed: dict[str, Any],
    now: datetime,
    *,
    actor: Person | None,
    source: str,
    joined: bool,
) -> Report:
    return Report(incident=incident, source=source, reporter=actor, data=filed, joined=joined, at=now)


def _answer(incident: Incident, pack: Pack, reporter: Person | None) -> list[notify.Order]:
    """Whoever reported gets the number in writing."""
    if reporter is None:
        return []
    return [(telling.compose(incident, pack, "report-received", {}), of_people([reporter]))]


def _create(
    found: InForce,
    key: str,
    filed: dict[str, Any],
    now: datetime,
    *,
    actor: Person | None,
    source: str,
    drill: bool,
    level: str,
) -> Incident:
    procedure = found.procedure
    known = context.look_up(filed, procedure.form)
    level = level or _level(found, filed, known, now)
    number, incident_key, run_key = numbers.next_number()
    incident = Incident(
        id=incident_key,
        number=number,
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
    seen = _seen(incident, filed, known, actor)
    scope = {"site": known.site, "unit": known.unit, "district": known.district, "kind": incident.family}
    roster = runs.roster_of(procedure.id, found.version, seen, scope)
    taken = command.take_command(incident, found.pack, roster, now)
    begun = runs.prepare(
        procedure.id,
        plan_version=found.version,
        incident=incident.uuid,
        number=incident.number,
        title=incident.title,
        context=seen,
        scope={**scope, **command.scope_of(taken.decided)},
        drill=incident.drill,
        actor=actor,
        key=run_key,
        roster=roster,
    )
    incident.run = begun.run
    rows = Rows()
    rows.insert_objects([incident])
    rows.insert_objects([_report_of(incident, filed, now, actor=actor, source=source, joined=False)])
    if outage := outages.of_report(incident, filed, now):
        rows.insert_objects([outage])
    begun.facts[:0] = [*_facts_of_report(incident, found, filed, actor=actor, source=source), *taken.facts]
    begun.afterwards += [
        *command.orders_of(incident, found.pack, taken),
        *_answer(incident, found.pack, actor),
    ]
    taken.put(rows)
    write([begun], rows)
    incident._state.adding = False
    return incident


def _level(found: InForce, filed: Mapping[str, Any], known: context.Known, now: datetime) -> str:
    """What the plan's table says (E2.1b, E2.1d, E2.1e); no report is lost for a hole in a table."""
    level, family = found.procedure.level, found.procedure.family
    if level is None or family == EVERYDAY:
        return rules.level_without_table(family)
    inputs = rules.level_inputs(level.table.inputs, filed, family=family, share=known.share)
    if level.inputs is not None:
        seen = {"report": dict(filed), "incident": clean_map(context.facts_of(known, family=family))}
        given = {name: condition.value(seen, now)[0] for name, condition in level.inputs.items()}
        inputs |= {name: value for name, value in given.items() if value is not None}
    said = tables.evaluate(level.table, inputs).outputs
    return str(said["level"]) if said else rules.level_without_table(family)


def _clause_of(level: str, found: InForce) -> str:
    """Which clause of the plan says what this level is: the city's plan has one for each."""
    clause = {"MAJOR": "E2.1b", "LOCAL": "E2.1d", "DEMAND": "E2.1e"}.get(level, "")
    if clause in found.pack.clauses:
        return clause
    return found.procedure.level.table.clause if found.procedure.level else ""


def _facts_of_report(
    incident: Incident, found: InForce, filed: dict[str, Any], *, actor: Person | None, source: str
) -> list[journal.NewEntry]:
    data = {
        "number": incident.number,
        "kind": incident.kind,
        "source": source,
        "report": _without_area(filed),
    }
    classified = {"level": incident.level, "affected": incident.affected_retailers}
    return [
        journal.NewEntry("incidents.reported", actor, incident.uuid, drill=incident.drill, data=data),
        journal.NewEntry(
            "incidents.classified",
            None,
            incident.uuid,
            clause=_clause_of(incident.level, found),
            drill=incident.drill,
            data=classified,
        ),
    ]


def _without_area(filed: Mapping[str, Any]) -> dict[str, Any]:
    """The report in the journal names the area, the incident holds its many points."""
    return {
        name: value
        for name, value in filed.items()
        if not (isinstance(value, dict) and "coordinates" in value)
    }


def _seen(
    incident: Incident, filed: dict[str, Any], known: context.Known, reporter: Person | None
) -> dict[str, Any]:
    """What the plan's conditions see when the run begins."""
    facts = clean_map(
        context.facts_of(
            known,
            number=incident.number,
            kind=incident.kind,
            family=incident.family,
            level=incident.level,
            drill=incident.drill,
            reported_at=incident.reported_at.isoformat(),
            reporter=reporter.staff_no if reporter else "",
        )
    )
    return {"report": filed, "incident": facts}
