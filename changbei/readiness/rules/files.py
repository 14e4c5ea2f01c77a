"""Customer files, numbers, reserve goods, manufacturers: pure (E3.2.7, E3.2.8, E3.4.4, E3.5.3, E3.5.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from changbei.readiness.rules import names
from changbei.readiness.rules.words import Trouble, listed, trouble

MOST_NAMED = 5


# --- E3.2.7


@dataclass(frozen=True)
class CopyRow:
    made_on: date
    retailers: int
    keep_until: date
    destroyed: bool


@dataclass(frozen=True)
class ManagerRow:
    """A customer manager with so many customers, and the copies of their files, destroyed ones included."""

    staff_no: str
    name: str
    customers: int
    copies: tuple[CopyRow, ...]


def file_troubles(managers: Sequence[ManagerRow], max_age_days: int, today: date) -> list[Trouble]:
    """Managers without a safe copy that is young and whole; copies that should have been destroyed."""
    found = []
    for one in managers:
        there = [copy for copy in one.copies if not copy.destroyed]
        found += _copy_troubles(one, there, max_age_days, today) if one.customers else []
        found += [
            trouble(
                "kept-too-long",
                f"{one.staff_no}:{copy.made_on.isoformat()}",
                who=one.name,
                on=copy.made_on.isoformat(),
            )
            for copy in there
            if copy.keep_until < today
        ]
    return found


def _copy_troubles(manager: ManagerRow, there: Sequence[CopyRow], limit: int, today: date) -> list[Trouble]:
    newest = max(there, key=lambda copy: copy.made_on, default=None)
    if newest is None:
        return [trouble("no-copy", manager.staff_no, who=manager.name)]
    days, lacking = (today - newest.made_on).days, manager.customers - newest.retailers
    found = []
    if days > limit:
        found.append(trouble("old-copy", manager.staff_no, who=manager.name, days=days, limit=limit))
    if lacking > 0:
        found.append(trouble("lacking-copy", manager.staff_no, who=manager.name, count=lacking))
    return found


# --- E3.2.8


@dataclass(frozen=True)
class StaffRow:
    staff_no: str
    name: str
    phone: str
    verified_on: date | None


def phone_troubles(
    units: Sequence[tuple[str, Mapping[str, str], Sequence[StaffRow]]], max_age_days: int, today: date
) -> list[Trouble]:
    """One finding per unit: who has no number, or one that nobody has verified in time. `units`: code, name, people."""
    found = []
    for code, name, staff in units:
        wrong = [
            one
            for one in staff
            if not one.phone or one.verified_on is None or (today - one.verified_on).days > max_age_days
        ]
        if wrong:
            who = "、".join(one.name for one in wrong[:MOST_NAMED]) + ("…" if len(wrong) > MOST_NAMED else "")
            found.append(trouble("unverified", code, unit=name, count=len(wrong), of=len(staff), who=who))
    return found


# --- E3.4.4


@dataclass(frozen=True)
class ReserveRow:
    code: str
    name: Mapping[str, str]
    common: bool
    held: int
    floor: int


def goods_troubles(goods: Sequence[ReserveRow], at_least: int) -> list[Trouble]:
    """Products below their floor (cartons), products that may not be on the list, and a list that is too short."""
    found = [
        trouble("below-floor", one.code, product=one.name, found=one.held, wanted=one.floor)
        for one in goods
        if one.common and one.held < one.floor
    ]
    found += [trouble("not-common", one.code, product=one.name) for one in goods if not one.common]
    common = sum(one.common for one in goods)
    if common < at_least:
        found.append(trouble("few-goods", "list", found=common, wanted=at_least))
    return found


# --- E3.5.3, E3.5.4


@dataclass(frozen=True)
class MakerRow:
    """A manufacturer's file: which of the seven parts are there, and which groups of contacts."""

    code: str
    name: Mapping[str, str]
    parts: frozenset[str]
    reviewed_on: date | None
    groups: frozenset[str] = frozenset()


def brand_file_troubles(makers: Sequence[MakerRow], max_age_days: int, today: date) -> list[Trouble]:
    """Files that lack a part, or were not reviewed in time."""
    found = []
    for one in makers:
        lacking = [words for part, words in names.BRAND_FILE.items() if part not in one.parts]
        if lacking:
            found.append(trouble("brand-file", one.code, name=one.name, what=listed(lacking)))
        days = (today - one.reviewed_on).days if one.reviewed_on else None
        if days is None:
            found.append(trouble("old-brand-file", one.code, name=one.name, days="—", limit=max_age_days))
        elif days > max_age_days:
            found.append(trouble("old-brand-file", one.code, name=one.name, days=days, limit=max_age_days))
    return found


def factory_contact_troubles(makers: Sequence[MakerRow], groups: Sequence[str]) -> list[Trouble]:
    """Manufacturers of whom a group of contacts is missing."""
    return [
        trouble(
            "no-factory-contact",
            f"{one.code}:{group}",
            name=one.name,
            group=names.named(names.FACTORY, group),
        )
        for one in makers
        for group in groups
        if group not in one.groups
    ]
