"""What becomes of reviews and of what they order to be mended, as pure functions (E2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from changbei.core import workdays
from changbei.core.clock import LOCAL
from changbei.readiness.rules.words import Trouble, trouble

REMIND_BEFORE_WORKDAYS = 2
REMIND_AT = time(9, 0)  # on the city's wall clock
LONGEST_TEXT = 60


@dataclass(frozen=True)
class ReviewRow:
    number: str
    made_on: date
    confirmed: bool
    circulated: bool


@dataclass(frozen=True)
class MendingRow:
    """Something to be mended; `about`: number of the incident, or the inspected place."""

    key: int
    about: str
    text: str
    owner: str
    due_on: date


def review_troubles(
    reviews: Sequence[ReviewRow], mending: Sequence[MendingRow], confirm_within_days: int, today: date
) -> list[Trouble]:
    """Reviews nobody has confirmed in time or circulated; things to be mended without an owner, or late."""
    found = []
    for one in reviews:
        days = (today - one.made_on).days
        if not one.confirmed and days > confirm_within_days:
            found.append(
                trouble(
                    "unconfirmed-review",
                    one.number,
                    number=one.number,
                    days=days,
                    limit=confirm_within_days,
                )
            )
        elif one.confirmed and not one.circulated:
            found.append(trouble("not-circulated", one.number, number=one.number))
    for row in mending:
        text = row.text if len(row.text) <= LONGEST_TEXT else row.text[: LONGEST_TEXT - 1] + "…"
        if not row.owner:
            found.append(trouble("no-owner", str(row.key), number=row.about, text=text))
        elif row.due_on < today:
            late = (today - row.due_on).days
            found.append(
                trouble("mending-late", str(row.key), number=row.about, days=late, who=row.owner, text=text)
            )
    return found


def first_reminder(due_on: date) -> datetime:
    """The morning two working days before the date."""
    day = due_on
    for _ in range(REMIND_BEFORE_WORKDAYS):
        day = workdays.previous_workday(day)
    return _morning(day)


def next_reminder(due_on: date, today: date) -> datetime:
    """After a reminder of today: the morning after the date has passed, then every working day."""
    return _morning(workdays.next_workday(max(due_on, today)))


def reminded(due_on: date, today: date) -> int:
    """How far a reminder of today reaches: 0 the owner alone, 1 also supervision, 2 also the leading group.

    Supervision hears of it when the date has passed, the leading group three working days later.
    """
    if today <= due_on:
        return 0
    day, passed = due_on, 0
    while day < today:
        day += timedelta(days=1)
        passed += workdays.is_workday(day)
    return 2 if passed > 3 else 1


def _morning(day: date) -> datetime:
    return datetime.combine(day, REMIND_AT, LOCAL)
