"""The rota of inspections and what is overdue on it, as pure functions (E2.8, E3.1.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from changbei.core import workdays
from changbei.readiness.rules import names
from changbei.readiness.rules.words import Trouble, trouble

Draw = Callable[[str], int]
"""A number that nobody can foresee, the same for the same words."""


@dataclass(frozen=True)
class InspectionRow:
    planned_on: date
    irregular: bool
    done_on: date | None


@dataclass(frozen=True)
class TargetRow:
    code: str
    name: Mapping[str, str]
    kind: str
    inspections: tuple[InspectionRow, ...]

    def last_done(self, *, irregular: bool) -> date | None:
        return max(
            (one.done_on for one in self.inspections if one.done_on and one.irregular == irregular),
            default=None,
        )


@dataclass(frozen=True)
class Intervals:
    """At most `regular_days` between two regular inspections; an irregular one in each `irregular_days` (0: none)."""

    regular_days: int
    irregular_days: int = 0


def inspection_troubles(
    targets: Sequence[TargetRow], kinds: Sequence[str], intervals: Intervals, today: date
) -> list[Trouble]:
    """Kinds with nothing on the rota, places not inspected in time, irregular inspections that were not made."""
    found = [
        trouble("no-target", kind, kind=names.named(names.PLACES, kind))
        for kind in kinds
        if not any(target.kind == kind for target in targets)
    ]
    for target in targets:
        found += _regular(target, intervals.regular_days, today)
        found += [
            trouble(
                "inspection-missed",
                f"{target.code}:{one.planned_on.isoformat()}",
                name=target.name,
                on=one.planned_on.isoformat(),
            )
            for one in target.inspections
            if one.irregular and one.done_on is None and one.planned_on < today
        ]
    return found + _irregular(targets, kinds, intervals.irregular_days, today)


def _regular(target: TargetRow, limit: int, today: date) -> list[Trouble]:
    last = target.last_done(irregular=False)
    if last is None:
        return [trouble("never-inspected", target.code, name=target.name)]
    days = (today - last).days
    if days <= limit:
        return []
    return [trouble("inspection-due", target.code, name=target.name, days=days, limit=limit)]


def _irregular(targets: Sequence[TargetRow], kinds: Sequence[str], period: int, today: date) -> list[Trouble]:
    """Two neighbouring periods can put two dates almost two periods apart: beyond that something is wrong."""
    found = []
    for kind in kinds if period else ():
        own = [target for target in targets if target.kind == kind]
        last = max((day for one in own if (day := one.last_done(irregular=True))), default=None)
        if own and (last is None or (today - last).days > 2 * period):
            found.append(trouble("no-irregular", kind, kind=names.named(names.PLACES, kind), days=2 * period))
    return found


def rota(target: TargetRow, intervals: Intervals, today: date, draw: Draw) -> list[InspectionRow]:
    """What is to be added to the rota of one place: its next regular date and its irregular ones, on working days.

    Irregular dates are drawn, one in this period and one in the next; a period that has one gets no other.
    """
    added = []
    if not any(not one.irregular and one.done_on is None for one in target.inspections):
        last = target.last_done(irregular=False)
        due = last + timedelta(days=intervals.regular_days) if last else today
        added.append(InspectionRow(_workday_until(due, today), False, None))
    if intervals.irregular_days:
        number = today.toordinal() // intervals.irregular_days
        for period in (number, number + 1):
            day = _drawn(target, period, intervals.irregular_days, today, draw)
            if day is not None:
                added.append(InspectionRow(day, True, None))
    return added


def _workday_until(day: date, today: date) -> date:
    """The last working day up to `day`, and none before today: the first from today on when that is past."""
    while day > today and not workdays.is_workday(day):
        day -= timedelta(days=1)
    day = max(day, today)
    return day if workdays.is_workday(day) else workdays.next_workday(day)


def _drawn(target: TargetRow, period: int, length: int, today: date, draw: Draw) -> date | None:
    days = [date.fromordinal(period * length + step) for step in range(length)]
    if any(one.irregular and days[0] <= one.planned_on <= days[-1] for one in target.inspections):
        return None
    open_days = [day for day in days if day > today and workdays.is_workday(day)]
    return open_days[draw(f"{target.code}:{period}") % len(open_days)] if open_days else None
