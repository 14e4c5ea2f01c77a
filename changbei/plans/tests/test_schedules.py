"""When procedures begin by themselves; and that "within one working day" is exact over holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from changbei.core import durations
from changbei.core.clock import LOCAL
from changbei.core.workdays import is_workday
from changbei.plans.model import Place, Schedule
from changbei.plans.schedules import next_start, shape_of

HERE = Place("procedures/x.yaml", 1, 1)


def _schedule(every: str, **given: Any) -> Schedule:
    usual = {
        "at": time(7, 30),
        "weekday": 0,
        "day": 0,
        "months": (),
        "random": False,
        "report": {},
        "place": HERE,
    }
    return Schedule(every=every, **{**usual, **given})


def _next(schedule: Schedule, after: str, seed: str = "s", times: int = 3) -> list[str]:
    now, found = datetime.fromisoformat(after).replace(tzinfo=LOCAL), []
    for _ in range(times):
        moment = next_start(schedule, now, seed)
        assert moment is not None
        assert moment.tzinfo is UTC
        found.append(moment.astimezone(LOCAL).strftime("%m-%d %H:%M"))
        now = moment
    return found


def test_every_day_and_every_working_day() -> None:
    assert _next(_schedule("day"), "2026-09-30 07:30") == ["10-01 07:30", "10-02 07:30", "10-03 07:30"]
    # National Day 2026: holiday 1–7 October; 20 September and 10 October are made up for
    assert _next(_schedule("workday"), "2026-09-30 08:00") == ["10-08 07:30", "10-09 07:30", "10-10 07:30"]
    assert _next(_schedule("workday"), "2026-09-30 07:29", times=1) == ["09-30 07:30"]


def test_every_week_and_every_month() -> None:
    assert _next(_schedule("week", weekday=1), "2026-11-23 07:30") == [
        "11-30 07:30",
        "12-07 07:30",
        "12-14 07:30",
    ]
    assert _next(_schedule("month", day=31), "2027-01-31 12:00") == [
        "02-28 07:30",
        "03-31 07:30",
        "04-30 07:30",
    ]
    quarters = _schedule("month", day=1, months=(3, 6, 9, 12))
    assert _next(quarters, "2026-11-23 09:00") == ["12-01 07:30", "03-01 07:30", "06-01 07:30"]


def test_irregular_dates_are_one_working_day_of_each_period() -> None:
    schedule = _schedule("month", random=True)
    now = datetime(2026, 1, 1, tzinfo=LOCAL)
    drawn = []
    for _ in range(12):
        now = next_start(schedule, now, "secret") or now
        drawn.append(now.astimezone(LOCAL).date())
    assert [day.month for day in drawn] == list(range(1, 13))
    assert all(is_workday(day) for day in drawn)
    assert len({day.day for day in drawn}) > 4
    assert _next(schedule, "2026-01-01 00:00", "secret", 5) == _next(
        schedule, "2026-01-01 00:00", "secret", 5
    )
    assert _next(schedule, "2026-01-01 00:00", "secret", 5) != _next(schedule, "2026-01-01 00:00", "other", 5)


def test_a_week_of_nothing_but_holidays_has_no_irregular_date() -> None:
    weeks = _schedule("week", random=True)
    found = next_start(weeks, datetime(2026, 9, 27, 23, 0, tzinfo=LOCAL), "x")
    assert found is not None
    assert found.astimezone(LOCAL).date() in {date(2026, 9, 28), date(2026, 9, 29), date(2026, 9, 30)}
    after = next_start(weeks, datetime(2026, 9, 30, 23, 0, tzinfo=LOCAL), "x")
    assert after is not None
    assert after.astimezone(LOCAL).date() in {date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 10)}


def test_what_says_the_same_is_the_same() -> None:
    assert shape_of(_schedule("month", day=5, months=(3, 6))) == "month 07:30 0/5 [3,6]"
    assert shape_of(_schedule("week", random=True)) == "week 07:30 0/0 [] random"


# --- working days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "limit", "end"),
    [
        ("2026-11-23 15:00", "1wd", "2026-11-24 15:00"),  # Monday
        ("2026-11-27 15:00", "1wd", "2026-11-30 15:00"),  # Friday → Monday
        ("2026-11-28 10:00", "1wd", "2026-12-01 00:00"),  # Saturday: the Monday is granted in full
        ("2026-09-30 15:00", "1wd", "2026-10-08 15:00"),  # the day before National Day
        ("2026-10-09 15:00", "1wd", "2026-10-10 15:00"),  # Friday → the Saturday that is made up for
        ("2026-10-10 15:00", "1wd", "2026-10-12 15:00"),  # that Saturday → Monday
        ("2026-10-10 15:00", "2wd", "2026-10-13 15:00"),
        ("2026-10-03 11:00", "1wd", "2026-10-09 00:00"),  # in the holidays: the first working day in full
        ("2026-09-19 11:00", "1wd", "2026-09-21 00:00"),  # Saturday before the Sunday that is made up for
        ("2026-09-20 11:00", "1wd", "2026-09-21 11:00"),  # that Sunday is a working day like others
        ("2026-02-14 09:00", "1wd", "2026-02-24 09:00"),  # a made-up Saturday before the Spring Festival
        ("2026-11-23 15:00", "0wd", "2026-11-23 15:00"),
    ],
)
def test_within_working_days_is_exact(begin: str, limit: str, end: str) -> None:
    start = datetime.fromisoformat(begin).replace(tzinfo=LOCAL)
    assert durations.parse(limit).after(start) == datetime.fromisoformat(end).replace(tzinfo=LOCAL)
    utc = start.astimezone(UTC)
    assert durations.parse(limit).after(utc) == datetime.fromisoformat(end).replace(tzinfo=LOCAL)


def test_a_working_day_is_never_shorter_than_a_day_of_work() -> None:
    start = datetime(2026, 1, 1, 9, 0, tzinfo=LOCAL)
    for hours in range(0, 365 * 24, 7):
        begin = start + timedelta(hours=hours)
        end = durations.parse("1wd").after(begin)
        assert end >= begin + timedelta(hours=24)
        assert is_workday((end - timedelta(seconds=1)).date())
