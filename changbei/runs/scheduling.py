"""Procedures that begin by themselves (`schedule:`): their next moments are rows, claimed as all that is due.

A scheduled run has no incident; people call it PRO-0007. Whoever was asleep when it was due begins it once,
late, and not once for every time that was missed.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from changbei.core import clock
from changbei.journal import locks
from changbei.journal.services import append
from changbei.network.models import Site
from changbei.plans.facts import Json
from changbei.plans.loading import pack_for
from changbei.plans.model import Procedure, Schedule
from changbei.plans.models import PlanVersion
from changbei.plans.schedules import next_start, shape_of
from changbei.plans.selectors import packs_in_force
from changbei.runs import services
from changbei.runs.models import Run, ScheduledStart

logger = logging.getLogger(__name__)

PREFIX = "PRO-"
TRY_AGAIN = timedelta(minutes=5)
Key = tuple[str, str, int]  # pack, procedure, position


def look_at_schedules() -> int:
    """Bring the rows in line with the plans in force; how many were made, changed or taken away.

    An entry that still says the same keeps its moment and its secret dates, whatever else of the plan changed.
    """
    wanted = {} if settings.DRILL_GROUND else _in_force()
    with transaction.atomic():
        locks.hold("runs.scheduling")
        rows = {(row.pack, row.procedure, row.position): row for row in ScheduledStart.objects.all()}
        changed = [
            _align(key, schedule, rows.get(key))
            for key, schedule in wanted.items()
            if key not in rows or rows[key].shape != shape_of(schedule)
        ]
        gone = [row.pk for key, row in rows.items() if key not in wanted]
        if gone:
            ScheduledStart.objects.filter(pk__in=gone).delete()
    return len(changed) + len(gone)


def start_due(limit: int = 20) -> int:
    """Begin what is due, each in a transaction of its own together with its next moment; how many began."""
    begun = 0
    while begun < limit and _begin_one():
        begun += 1
    return begun


def next_due() -> datetime | None:
    """When the next procedure begins by itself."""
    found: datetime | None = ScheduledStart.objects.aggregate(due=Min("due_at"))["due"]
    return found


def coming() -> list[ScheduledStart]:
    """What will begin by itself, the next first. The moments of irregular ones are not for showing."""
    return list(ScheduledStart.objects.filter(due_at__isnull=False).order_by("due_at", "pk"))


def _in_force() -> dict[Key, Schedule]:
    found: dict[Key, Schedule] = {}
    for pack in packs_in_force():
        for procedure in pack.procedures.values():
            for position, schedule in enumerate(procedure.schedules):
                found[(pack.id, procedure.id, position)] = schedule
    return found


def _align(key: Key, schedule: Schedule, row: ScheduledStart | None) -> ScheduledStart:
    pack, procedure, position = key
    row = row or ScheduledStart(pack=pack, procedure=procedure, position=position, seed=secrets.token_hex(16))
    row.shape, row.error = shape_of(schedule), ""
    row.due_at = next_start(schedule, clock.now(), row.seed)
    row.save()
    return row


def _begin_one() -> bool:
    """Begin one that is due; whether there was one. What cannot begin is told and tried again in a while."""
    with transaction.atomic():
        row = _due()
        if row is None:
            return False
        try:
            with transaction.atomic():
                _begin(row)
        except Exception as error:  # one that cannot begin must not stop the others
            _put_off(row, error)
    return True


def _due() -> ScheduledStart | None:
    rows = ScheduledStart.objects.select_for_update(skip_locked=True).filter(due_at__lte=clock.now())
    return rows.order_by("due_at", "pk").first()


def _begin(row: ScheduledStart) -> None:
    now = clock.now()
    version = PlanVersion.objects.filter(pack=row.pack, in_force=True).first()
    found = _in_version(version, row) if version else None
    if version is None or found is None:
        row.delete()  # the plan has changed since, and the rows have not been looked at yet
        return
    procedure, schedule = found
    report, troubles = _report(schedule, now)
    run = services.start(
        procedure.id,
        plan_version=version,
        incident=None,
        number=_next_number(),
        title=dict(procedure.title),
        context={"report": report, "incident": {}},
        scope=_scope(procedure, report),
        drill=False,
        actor=None,
    )
    data = {
        "number": run.number,
        "procedure": procedure.id,
        "late_seconds": _late(row, now),
        "troubles": troubles,
    }
    append("runs.begun_by_schedule", actor=None, run=run.uuid, data=data)
    row.due_at, row.last_at, row.last_run, row.error = next_start(schedule, now, row.seed), now, run, ""
    row.save()


def _put_off(row: ScheduledStart, error: Exception) -> None:
    logger.warning("%s of %s could not begin: %s", row.procedure, row.pack, error)
    row.refresh_from_db()
    if row.error != str(error):
        append("runs.schedule_failed", actor=None, data={"procedure": row.procedure, "error": str(error)})
    row.due_at, row.error = clock.now() + TRY_AGAIN, str(error)
    row.save()


def _in_version(version: PlanVersion, row: ScheduledStart) -> tuple[Procedure, Schedule] | None:
    procedure = pack_for(version).procedures.get(row.procedure)
    if procedure is None or row.position >= len(procedure.schedules):
        return None
    return procedure, procedure.schedules[row.position]


def _report(schedule: Schedule, now: datetime) -> tuple[Json, list[str]]:
    """What the form would say; a value that cannot be computed is left out and told."""
    report: Json = {}
    troubles: list[str] = []
    for name, expression in schedule.report.items():
        value, trouble = expression.value({}, now)
        if trouble:
            troubles.append(f"{name}: {trouble}")
        else:
            report[name] = value
    return report, troubles


def _scope(procedure: Procedure, report: Json) -> Json:
    """A procedure about a site looks its roles up there."""
    fields: Json = procedure.form.get("properties", {})
    codes = [report.get(name) for name, field in fields.items() if field.get("x-widget") == "site"]
    site = Site.objects.select_related("unit").filter(code__in=[code for code in codes if code]).first()
    return {"kind": procedure.family} | ({"site": site.unit.code, "unit": site.unit.code} if site else {})


def _late(row: ScheduledStart, now: datetime) -> int:
    return int((now - row.due_at).total_seconds()) if row.due_at else 0


def _next_number() -> str:
    locks.hold("runs.scheduling")
    last = Run.objects.filter(number__startswith=PREFIX, caller=None).order_by("-pk").first()
    return f"{PREFIX}{int(last.number[len(PREFIX) :]) + 1 if last else 1:04d}"
