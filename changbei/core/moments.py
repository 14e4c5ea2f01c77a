"""Moments as plans write them, and as messages say them, read off the city's wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime

from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.core.texts import text

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(on: date) -> dict[str, str]:
    """11月23日, 23 Nov."""
    chinese = f"{on.month}月{on.day}日"
    return text(chinese, chinese, f"{on.day} {MONTHS[on.month - 1]}")


def moment(at: datetime) -> dict[str, str]:
    """11月23日10:05, 23 Nov 10:05."""
    local = at.astimezone(LOCAL)
    of_day, time = day(local.date()), f"{local:%H:%M}"
    return text(of_day["zh-Hans"] + time, of_day["zh-Hant"] + time, f"{of_day['en']} {time}")


def read(text: str, field: str) -> datetime:
    """The moment, in UTC, that a field says in ISO 8601 with its zone. Raises Invalid."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(field, f"{text!r} is no time") from None
    if at.tzinfo is None:
        raise Invalid(field, f"{text!r} has no zone")
    return at.astimezone(UTC)


def end(begin: datetime, at: datetime) -> dict[str, str]:
    """The end of what begins at `begin`, after which it is said: 当日15:41 on the same day."""
    if begin.astimezone(LOCAL).date() != at.astimezone(LOCAL).date():
        return moment(at)
    time = f"{at.astimezone(LOCAL):%H:%M}"
    return text(f"当日{time}", f"當日{time}", f"{time} the same day")


def period(begin: datetime, at: datetime) -> dict[str, str]:
    """From one moment to another: 11月23日10:00至当日20:00."""
    since, until = moment(begin), end(begin, at)
    return text(
        f"{since['zh-Hans']}至{until['zh-Hans']}",
        f"{since['zh-Hant']}至{until['zh-Hant']}",
        f"{since['en']} to {until['en']}",
    )
