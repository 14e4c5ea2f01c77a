"""Backups and restores, tapes, standby machines, backup power and spares (E3.1.1, E3.1.2, E3.1.6–E3.1.9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from changbei.core import clock
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.models import Backup, RestoreDrill, Spare, StandbyPair, Ups
from changbei.readiness.params import length, names, number, params, seconds, whole
from changbei.readiness.rules import Trouble


@check_kind(
    "backups",
    params=params(
        names("systems", "Systems that must have backups."),
        names("covers", "What must be in them: customers, sales."),
        whole("max_age_hours", "How old the newest backup may be.", minimum=1),
        whole("drill_days", "How long ago the last restore drill may be.", minimum=1),
        length("restore_within", "How long restoring may take."),
        required=("systems",),
    ),
    registry="backups",
)
def backups(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """The data are backed up, and were restored in time when it was tried (E2.3, E3.1.2)."""
    limits = rules.BackupLimits(
        covers=tuple(given.get("covers", ("customers", "sales"))),
        max_age_hours=number(given, "max_age_hours", pack, 36),
        drill_days=number(given, "drill_days", pack, 92),
        restore_minutes=seconds(given, "restore_within", pack, "4h") // 60,
    )
    found = []
    for system in given["systems"]:
        made = [
            rules.BackupRow(tuple(covers), taken_at)
            for covers, taken_at in Backup.objects.filter(system=system, taken_at__lte=now).values_list(
                "covers", "taken_at"
            )
        ]
        drill = RestoreDrill.objects.filter(system=system).order_by("-on", "-pk").first()
        row = rules.RestoreRow(drill.on, drill.restore_seconds, drill.complete) if drill else None
        found += rules.backup_troubles(system, made, row, limits, now)
    return found


@check_kind(
    "backup_on_tape",
    params=params(
        names("systems", "Systems whose daily batch is backed up."),
        whole("days_back", "How many days gone by are looked at.", minimum=1),
        required=("systems",),
    ),
    registry="backups",
)
def backup_on_tape(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """The backup of each day's batch came to the tape library the same calendar day (E3.1.6)."""
    days_back, today = number(given, "days_back", pack, 7), clock.day_of(now)
    found = []
    for system in given["systems"]:
        batches = Backup.objects.filter(
            system=system, kind=Backup.Kind.DAILY_BATCH, taken_at__gte=now - timedelta(days=days_back + 2)
        )
        rows = [rules.BatchRow(*row) for row in batches.values_list("taken_at", "stored_at")]
        found += rules.tape_troubles(system, rows, days_back, today)
    return found


@check_kind(
    "hot_standby",
    params=params(
        names("systems", "Systems that must run on two machines."),
        whole("max_age_days", "How long ago the last test may be.", minimum=1),
        length("within", "How long taking over may last."),
        required=("systems",),
    ),
    registry="standby",
)
def hot_standby(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Each system has its pair, which took over when it was last tested, in time (E3.1.7)."""
    rows = [
        rules.PairRow(one.code, one.name, one.system, one.tested_on, one.switch_over_seconds, one.took_over)
        for one in StandbyPair.objects.order_by("code")
    ]
    limit = number(given, "max_age_days", pack, 92)
    within = seconds(given, "within", pack, "5m")
    return rules.standby_troubles(rows, given["systems"], limit, within, clock.day_of(now))


@check_kind(
    "backup_power",
    params=params(
        names("rooms", "Rooms that must have it."),
        length("runtime", "How long it must last."),
        whole("max_age_days", "How long ago the last test may be.", minimum=1),
        required=("rooms",),
    ),
    registry="power",
)
def backup_power(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Server room and order department can run on backup power for long enough (E3.1.1)."""
    rows = [
        rules.PowerRow(one.code, one.name, one.room, one.runtime_minutes, one.tested_on)
        for one in Ups.objects.order_by("code")
    ]
    minutes = seconds(given, "runtime", pack, "5h") // 60
    limit = number(given, "max_age_days", pack, 184)
    return rules.power_troubles(rows, given["rooms"], minutes, limit, clock.day_of(now))


@check_kind(
    "spares",
    params=params(
        {"kind": {"type": "string", "description": "The kind of spare, e.g. voice-board."}},
        whole("at_least", "How many must be there in all.", minimum=1),
        required=("kind",),
    ),
    registry="spares",
)
def spares(given: Mapping[str, Any], pack: Pack, _now: datetime) -> list[Trouble]:
    """As many spares as planned lie at each site (E3.1.8, E3.1.9, E3.1.12)."""
    kept = Spare.objects.filter(kind=given["kind"]).select_related("site").order_by("site_id")
    rows = [rules.SpareRow(one.site.code, one.site.name, one.planned, one.present) for one in kept]
    return rules.spare_troubles(given["kind"], rows, number(given, "at_least", pack, 1))
