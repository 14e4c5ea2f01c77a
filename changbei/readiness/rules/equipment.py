"""Backups, tapes, standby machines, backup power and spares, as pure functions (E3.1.1, E3.1.2, E3.1.6–E3.1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from changbei.core import clock
from changbei.readiness.rules import names
from changbei.readiness.rules.words import Trouble, trouble

# --- E3.1.2, E2.3


@dataclass(frozen=True)
class BackupRow:
    covers: tuple[str, ...]
    taken_at: datetime


@dataclass(frozen=True)
class RestoreRow:
    on: date
    restore_seconds: int
    complete: bool


@dataclass(frozen=True)
class BackupLimits:
    """covers: what must be in a backup, each; age and restore time in hours and minutes, drill age in days."""

    covers: tuple[str, ...]
    max_age_hours: int
    drill_days: int
    restore_minutes: int


def backup_troubles(
    system: str,
    backups: Sequence[BackupRow],
    drill: RestoreRow | None,
    limits: BackupLimits,
    now: datetime,
) -> list[Trouble]:
    """What is wrong with the backups of one system, and with the last restore drill."""
    called = names.named(names.SYSTEMS, system)
    found = []
    for data in limits.covers:
        newest = max((one.taken_at for one in backups if data in one.covers), default=None)
        covers = names.named(names.COVERED, data)
        if newest is None:
            found.append(trouble("no-backup", f"{system}:{data}", system=called, covers=covers))
        elif now - newest > timedelta(hours=limits.max_age_hours):
            hours = int((now - newest).total_seconds() // 3600)
            found.append(
                trouble(
                    "old-backup",
                    f"{system}:{data}",
                    system=called,
                    covers=covers,
                    hours=hours,
                    limit=limits.max_age_hours,
                )
            )
    return found + _restore_troubles(system, drill, limits, clock.day_of(now))


def _restore_troubles(
    system: str, drill: RestoreRow | None, limits: BackupLimits, today: date
) -> list[Trouble]:
    called = names.named(names.SYSTEMS, system)
    if drill is None:
        return [trouble("no-restore", system, system=called)]
    found = []
    days, minutes = (today - drill.on).days, -(-drill.restore_seconds // 60)
    if days > limits.drill_days:
        found.append(trouble("old-restore", system, system=called, days=days, limit=limits.drill_days))
    if not drill.complete:
        found.append(trouble("incomplete-restore", system, system=called, on=drill.on.isoformat()))
    elif minutes > limits.restore_minutes:
        found.append(
            trouble("slow-restore", system, system=called, minutes=minutes, limit=limits.restore_minutes)
        )
    return found


# --- E3.1.6


@dataclass(frozen=True)
class BatchRow:
    taken_at: datetime
    stored_at: datetime | None


def tape_troubles(system: str, batches: Iterable[BatchRow], days_back: int, today: date) -> list[Trouble]:
    """Days gone by whose batch backup is missing, lies outside the tape library, or came there another day.

    The present day is not over. Days before the first batch on record are nobody's fault.
    """
    by_day: dict[date, list[BatchRow]] = {}
    for batch in batches:
        by_day.setdefault(clock.day_of(batch.taken_at), []).append(batch)
    if not by_day:
        return [_tape_trouble("no-batch", system, today - timedelta(days=1))]
    first = max(today - timedelta(days=days_back), min(by_day))
    found = []
    for ago in range((today - first).days, 0, -1):
        day = today - timedelta(days=ago)
        stored = [clock.day_of(one.stored_at) for one in by_day.get(day, ()) if one.stored_at]
        if day not in by_day:
            found.append(_tape_trouble("no-batch", system, day))
        elif not stored:
            found.append(_tape_trouble("not-on-tape", system, day))
        elif min(stored) != day:
            found.append(_tape_trouble("late-on-tape", system, day, min(stored)))
    return found


def _tape_trouble(kind: str, system: str, day: date, stored: date | None = None) -> Trouble:
    return trouble(
        kind,
        f"{system}:{day.isoformat()}",
        system=names.named(names.SYSTEMS, system),
        on=day.isoformat(),
        stored=stored.isoformat() if stored else "",
    )


# --- E3.1.7


@dataclass(frozen=True)
class PairRow:
    code: str
    name: Mapping[str, str]
    system: str
    tested_on: date | None
    switch_over_seconds: int | None
    took_over: bool | None


def standby_troubles(
    pairs: Sequence[PairRow], systems: Sequence[str], max_age_days: int, within_seconds: int, today: date
) -> list[Trouble]:
    """Systems without a pair; pairs not tested in time, that did not take over, or too slowly."""
    found = [
        trouble("no-pair", system, system=names.named(names.SYSTEMS, system))
        for system in systems
        if not any(pair.system == system for pair in pairs)
    ]
    for pair in pairs:
        if pair.tested_on is None:
            found.append(trouble("untested", pair.code, name=pair.name))
            continue
        found += _too_old(pair.code, pair.name, pair.tested_on, max_age_days, today)
        if not pair.took_over:
            found.append(trouble("failed-test", pair.code, name=pair.name, on=pair.tested_on.isoformat()))
        elif pair.switch_over_seconds is not None and pair.switch_over_seconds > within_seconds:
            seconds = pair.switch_over_seconds
            found.append(
                trouble("slow-test", pair.code, name=pair.name, seconds=seconds, limit=within_seconds)
            )
    return found


def _too_old(code: str, name: Mapping[str, str], tested: date, limit: int, today: date) -> list[Trouble]:
    days = (today - tested).days
    return [trouble("old-test", code, name=name, days=days, limit=limit)] if days > limit else []


# --- E3.1.1


@dataclass(frozen=True)
class PowerRow:
    code: str
    name: Mapping[str, str]
    room: str
    runtime_minutes: int | None
    tested_on: date | None


def power_troubles(
    supplies: Sequence[PowerRow], rooms: Sequence[str], at_least_minutes: int, max_age_days: int, today: date
) -> list[Trouble]:
    """Rooms without backup power; supplies that last too short or were not tested in time."""
    found = [
        trouble("no-ups", room, room=names.named(names.ROOMS, room))
        for room in rooms
        if not any(one.room == room for one in supplies)
    ]
    for one in supplies:
        if one.tested_on is None or one.runtime_minutes is None:
            found.append(trouble("untested", one.code, name=one.name))
            continue
        found += _too_old(one.code, one.name, one.tested_on, max_age_days, today)
        if one.runtime_minutes < at_least_minutes:
            minutes = one.runtime_minutes
            found.append(
                trouble("short-ups", one.code, name=one.name, minutes=minutes, limit=at_least_minutes)
            )
    return found


# --- E3.1.8, E3.1.9, E3.1.12


@dataclass(frozen=True)
class SpareRow:
    site: str
    site_name: Mapping[str, str]
    planned: int
    present: int


def spare_troubles(kind: str, spares: Sequence[SpareRow], at_least: int) -> list[Trouble]:
    """Sites with fewer spares of this kind than planned; else, when the plans are too small, the kind as a whole."""
    called = names.named(names.SPARES, kind)
    found = [
        trouble(
            "spare-gone",
            f"{kind}:{row.site}",
            site=row.site_name,
            kind=called,
            found=row.present,
            wanted=row.planned,
        )
        for row in spares
        if row.present < row.planned
    ]
    there = sum(row.present for row in spares)
    if not found and there < at_least:
        found.append(trouble("few-spares", kind, kind=called, found=there, wanted=at_least))
    return found
