"""When a procedure begins by itself: the next moment of a `schedule:` entry. Pure.

Irregular dates (`random: true`) are drawn from a secret seed, one working day for every week or month; the
same seed draws the same dates, and without it nobody can tell them ahead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.workdays import is_workday
from changbei.plans.model import Schedule

_FURTHEST_DAYS = 800  # twice a year and more: whoever finds nothing until then finds nothing at all


def next_start(schedule: Schedule, after: datetime, seed: str) -> datetime | None:
    """The first moment later than `after` (aware); None when the entry names no day at all."""
    begin = clock.day_of(after)
    for day in _days(begin, begin + timedelta(days=_FURTHEST_DAYS)):
        if _is_on(schedule, day, seed):
            moment = datetime.combine(day, schedule.at, LOCAL).astimezone(UTC)
            if moment > after:
                return moment
    return None


def shape_of(schedule: Schedule) -> str:
    """The entry in a line: equal for entries that mean the same days and times."""
    months = ",".join(str(month) for month in schedule.months)
    day = f"{schedule.weekday}/{schedule.day}"
    return f"{schedule.every} {schedule.at:%H:%M} {day} [{months}]{' random' if schedule.random else ''}"


def _is_on(schedule: Schedule, day: date, seed: str) -> bool:
    if schedule.months and day.month not in schedule.months:
        return False
    if schedule.random:
        return day == _drawn(schedule, day, seed)
    match schedule.every:
        case "day":
            return True
        case "workday":
            return is_workday(day)
        case "week":
            return day.isoweekday() == schedule.weekday
    return day.day == min(schedule.day, _last_of_month(day).day)


def _drawn(schedule: Schedule, day: date, seed: str) -> date | None:
    """The irregular date of the week or month in which `day` lies; None in a period without a working day."""
    first, last = _period(schedule.every, day)
    months = schedule.months
    open_days = [one for one in _days(first, last) if is_workday(one) and (not months or one.month in months)]
    if not open_days:
        return None
    hashed = hashlib.sha256(f"{seed}:{first.isoformat()}".encode()).digest()
    return open_days[int.from_bytes(hashed[:8], "big") % len(open_days)]


def _period(every: str, day: date) -> tuple[date, date]:
    if every == "week":
        monday = day - timedelta(days=day.isoweekday() - 1)
        return monday, monday + timedelta(days=6)
    return day.replace(day=1), _last_of_month(day)


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
