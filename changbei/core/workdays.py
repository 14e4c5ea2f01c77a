"""The Chinese working-day calendar, with make-up working days.

Holiday data come from the `chinesecalendar` package, which learns a year only when the State Council has
published it. Beyond the data Monday to Friday count as working days.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import chinese_calendar

from changbei.core.clock import LOCAL


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def next_workday(day: date) -> date:
    """The first working day after `day`."""
    day += timedelta(days=1)
    while not is_workday(day):
        day += timedelta(days=1)
    return day


def previous_workday(day: date) -> date:
    """The last working day before `day`."""
    day -= timedelta(days=1)
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def after(start: datetime, days: int) -> datetime:
    """`days` working days after `start`: the same wall-clock time on the n-th working day that follows.

    "Within one working day" of Friday 15:00 is Monday 15:00; of a Saturday it is the end of Monday, since the
    working day that is granted only begins then.
    """
    local = start.astimezone(LOCAL)
    day = local.date()
    began_on_workday = is_workday(day)
    for _ in range(days):
        day = next_workday(day)
    if began_on_workday:
        return datetime.combine(day, local.timetz()).astimezone(start.tzinfo)
    end_of_day = datetime.combine(day + timedelta(days=1), datetime.min.time(), LOCAL)
    return end_of_day.astimezone(start.tzinfo)
