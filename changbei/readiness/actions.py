"""What plans may call: the `readiness.*` capabilities — spares, backups, restore drills, rounds of inspections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from changbei.core import clock, moments
from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, Invalid
from changbei.people import access as people
from changbei.people.models import Absence, Person, PostHolding
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, FLAG, LIST, MAP, TEXT, object_
from changbei.readiness import services
from changbei.readiness.models import Backup, InspectionTarget, Rectification
from changbei.runs.context import ActionContext
from changbei.runs.models import Task

INSPECTORS = "security-desk"  # the post whose holders go round (E2.8)
NEVER_IRREGULAR = "network-equipment"  # looked at on regular dates only (E3.1.10)
LOOK_AGAIN = time(9)  # of the day after a finding was to be mended


SPARES = object_(kind=TEXT, site=TEXT, taken=COUNT, left=COUNT, planned=COUNT)


# --- spares (E3.1.8, E3.1.9, E3.1.12)


@action("readiness.use_spare", params=object_(kind=TEXT, site=TEXT, count=COUNT), returns=SPARES)
def use_spare(context: ActionContext) -> dict[str, Any]:
    """Count off a spare that was fitted; final when the register says that none is there: a person counts then."""
    given = context.params
    taken = services.use_spare(
        given["kind"],
        given["count"],
        given["site"],
        run=context.run.uuid,
        item=context.item,
        drill=context.run.drill,
        actor=None,
    )
    if not taken.taken:
        raise Invalid("count", f"the register has no {taken.kind} left at {taken.site}")
    return asdict(taken)


@action("readiness.return_spare", params=object_(kind=TEXT, site=TEXT, count=COUNT), returns=SPARES)
def return_spare(context: ActionContext) -> dict[str, Any]:
    """The spares of this run, or new ones in their place, lie there again."""
    given = context.params
    try:
        back = services.return_spare(
            given["kind"],
            given["count"],
            given["site"],
            run=context.run.uuid,
            item=context.item,
            drill=context.run.drill,
            actor=None,
        )
    except Conflict as error:  # none of them is out: trying again would change nothing
        raise Invalid("count", str(error)) from None
    return asdict(back)


# --- backups (E2.3, E3.1.2, E3.1.6)


@action(
    "readiness.record_backup",
    params=object_("megabytes", system=TEXT, taken_at=TEXT, stored_at=TEXT, medium=TEXT, megabytes=COUNT),
    returns=object_(day=TEXT, same_day=FLAG),
)
def record_backup(context: ActionContext) -> dict[str, Any]:
    """The backup of the daily batch is in the tape library; `same_day`: on the calendar day it was made (E3.1.6)."""
    given = context.params
    taken_at, stored_at = (
        moments.read(given["taken_at"], "taken_at"),
        moments.read(given["stored_at"], "stored_at"),
    )
    if not context.run.drill:
        services.record_backup(
            given["system"],
            kind=Backup.Kind.DAILY_BATCH,
            taken_at=taken_at,
            stored_at=stored_at,
            medium=given["medium"],
            megabytes=given.get("megabytes") or None,
            actor=None,
        )
    made_on, stored_on = (clock.day_of(moment) for moment in (taken_at, stored_at))
    return {"day": made_on.isoformat(), "same_day": made_on == stored_on}


@action(
    "readiness.record_restore_drill",
    params=object_(system=TEXT, backup_taken_at=TEXT, started_at=TEXT, restored_at=TEXT, complete=FLAG),
    returns=object_(restore_seconds=COUNT, complete=FLAG),
)
def record_restore_drill(context: ActionContext) -> dict[str, Any]:
    """How long a restore took, and whether everything was there."""
    given = context.params
    started_at, restored_at = (moments.read(given[name], name) for name in ("started_at", "restored_at"))
    if restored_at < started_at:
        raise Invalid("restored_at", "must be after the beginning")
    seconds = int((restored_at - started_at).total_seconds())
    if not context.run.drill:
        services.record_restore_drill(
            given["system"],
            on=clock.day_of(restored_at),
            restore_seconds=seconds,
            complete=given["complete"],
            backup_taken_at=moments.read(given["backup_taken_at"], "backup_taken_at"),
            actor=None,
        )
    return {"restore_seconds": seconds, "complete": given["complete"]}


# --- rounds of inspections (E2.8, E3.1.10)


@action("readiness.inspection_round", params=object_(irregular=FLAG), returns=object_(places=LIST))
def inspection_round(context: ActionContext) -> dict[str, Any]:
    """Every place on the rota with somebody who looks at it; nobody is sent to the same places each time."""
    targets = InspectionTarget.objects.filter(active=True).order_by("code")
    if context.params["irregular"]:
        targets = targets.exclude(kind=NEVER_IRREGULAR)
    crew, turn = _crew(context.now), context.now.astimezone(LOCAL).toordinal()
    return {
        "places": [
            {
                "code": target.code,
                "kind": target.kind,
                "label": str(target.name.get("zh-Hans", target.code)),
                "inspector": crew[(number + turn) % len(crew)] if crew else "",
            }
            for number, target in enumerate(targets)
        ]
    }


def _crew(now: datetime) -> list[str]:
    """Staff numbers of the security desk's holders who are not away."""
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("person_id")
    held = PostHolding.objects.filter(post__kind=INSPECTORS, until__isnull=True, person__active=True)
    return sorted(set(held.exclude(person__in=away).values_list("person__staff_no", flat=True)))


@action(
    "readiness.record_inspections",
    params=object_(irregular=FLAG, results=MAP),
    returns=object_("look_again_at", inspected=COUNT, count=COUNT, look_again_at=TEXT),
)
def record_inspections(context: ActionContext) -> dict[str, Any]:
    """What was found at each place; findings get an owner and a date. `look_again_at`: after the last of the dates."""
    found = 0
    for code, result in sorted(context.params["results"].items()):
        words = _finding(result)
        found += len(words)
        services.record_inspection(
            code,
            irregular=context.params["irregular"],
            findings=words,
            owner=_person(result.get("owner")),
            due_on=_day(result.get("due_on"), context.now),
            run=context.run.uuid,
            drill=context.run.drill,
            actor=_inspector(context, code),
        )
    answer: dict[str, Any] = {"inspected": len(context.params["results"]), "count": found}
    dates = Rectification.objects.filter(inspection__run=context.run.uuid).values_list("due_on", flat=True)
    if dates:
        after = datetime.combine(max(dates) + timedelta(days=1), LOOK_AGAIN, LOCAL)
        answer["look_again_at"] = after.astimezone(UTC).isoformat()
    return answer


@action("readiness.unmended_findings", params=object_(), returns=object_(count=COUNT, findings=LIST))
def unmended_findings(context: ActionContext) -> dict[str, Any]:
    """Findings of this run's round that are not mended."""
    rows = Rectification.objects.filter(inspection__run=context.run.uuid, done_at__isnull=True)
    findings = [
        {
            "key": str(row.pk),
            "text": row.text[:100],
            "place": row.inspection.target.code if row.inspection else "",
            "owner": row.owner.staff_no if row.owner else "",
            "due_on": row.due_on.isoformat(),
        }
        for row in rows.select_related("owner", "inspection__target").order_by("pk")
    ]
    return {"count": len(findings), "findings": findings}


def _finding(result: Mapping[str, Any]) -> Sequence[str]:
    if result.get("state") != "finding":
        return ()
    return (str(result.get("finding") or "").strip() or "检查发现问题，未填写说明",)


def _inspector(context: ActionContext, code: str) -> Person | None:
    """Who looked at the place, if they may record it; the register then names them."""
    done = Task.objects.filter(run=context.run, item__endswith=f"@{code}", status=Task.Status.DONE)
    task = done.select_related("done_by").first()
    person = task.done_by if task else None
    return person if person and people.may(person, "readiness.record") else None


def _person(staff_no: Any) -> Person | None:
    return Person.objects.filter(staff_no=str(staff_no), active=True).first() if staff_no else None


def _day(text: Any, now: datetime) -> date | None:
    """The date that was given; one that has passed meanwhile counts as today."""
    if not text:
        return None
    try:
        return max(date.fromisoformat(str(text)), clock.day_of(now))
    except ValueError:
        raise Invalid("due_on", f"{text!r} is no date") from None
