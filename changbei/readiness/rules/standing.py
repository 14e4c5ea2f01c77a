"""Technicians, contacts and reserve vans, as pure functions (E3.1.11, E3.1.13, E3.2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from changbei.core import workdays
from changbei.readiness.rules.words import Trouble, trouble

WORKING_HOURS = (8, 18)  # of the city's wall clock
RECTIFY_WITHIN_WORKING_DAYS = 10


# --- E3.2.6 ---


@dataclass(frozen=True)
class ReserveVan:
    number: str
    fit: bool
    checked_on: date | None


@dataclass(frozen=True)
class SiteReserve:
    """A site with its reserve vans."""

    code: str
    name: Mapping[str, str]
    vans: tuple[ReserveVan, ...] = field(default_factory=tuple)


def reserve_troubles(sites: Sequence[SiteReserve], wanted: int, today: date) -> list[Trouble]:
    """Sites with too few fit reserve vans, and fit vans nobody looked at since the working day before today.

    On the morning of a working day the check of the last working day still counts.
    """
    oldest = workdays.previous_workday(today)
    found = []
    for site in sites:
        fit = [van for van in site.vans if van.fit]
        if len(fit) < wanted:
            found.append(trouble("no-reserve", site.code, site=site.name, found=len(fit), wanted=wanted))
        for van in fit:
            if van.checked_on is None or van.checked_on < oldest:
                since = van.checked_on.isoformat() if van.checked_on else "—"
                found.append(trouble("unchecked", van.number, number=van.number, site=site.name, since=since))
    return found


@dataclass(frozen=True)
class SiteHistory:
    """On which days a reserve van of the site was found fit, and since when anything is on record."""

    code: str
    name: Mapping[str, str]
    fit_days: frozenset[date]
    since: date | None


def history_troubles(sites: Sequence[SiteHistory], days_back: int, today: date) -> list[Trouble]:
    """Sites that had no reserve van found fit on some of the last working days, today left out (E3.2.6)."""
    days: list[date] = []
    day = today
    while len(days) < days_back:
        day = workdays.previous_workday(day)
        days.append(day)
    found = []
    for site in sites:
        missing = [
            one for one in reversed(days) if site.since and one >= site.since and one not in site.fit_days
        ]
        if missing:
            listed_days = ", ".join(f"{one:%m-%d}" for one in missing)
            found.append(
                trouble(
                    "unfit-days",
                    site.code,
                    site=site.name,
                    days=len(missing),
                    of=days_back,
                    list=listed_days,
                )
            )
    return found


# --- E3.1.11 ---


def working_hours(now_local: datetime, days: int) -> list[datetime]:
    """The beginnings of the working hours of the next `days` days, from the present hour on."""
    begin = now_local.replace(minute=0, second=0, microsecond=0)
    hours = [begin + timedelta(hours=number) for number in range(24 * days)]
    first, last = WORKING_HOURS
    return [hour for hour in hours if workdays.is_workday(hour.date()) and first <= hour.hour < last]


def unreachable_hours(
    hours: Sequence[datetime], reachable: Mapping[datetime, int], at_least: int
) -> list[tuple[datetime, int]]:
    """The first hour of each stretch without enough reachable technicians, and how many there are then."""
    found: list[tuple[datetime, int]] = []
    inside = False
    for hour in hours:
        short = reachable.get(hour, 0) < at_least
        if short and not inside:
            found.append((hour, reachable.get(hour, 0)))
        inside = short
    return found


# --- E3.1.13 ---


@dataclass(frozen=True)
class ContactRow:
    code: str
    group: str
    name: Mapping[str, str]
    phone: str
    serves: tuple[str, ...]
    reviewed_on: date


def contact_troubles(
    contacts: Sequence[ContactRow], groups: Sequence[str], serves: Sequence[str], limit_days: int, today: date
) -> list[Trouble]:
    """Groups and services nobody is there for, entries without a number, and entries not reviewed in time."""
    found = [
        trouble("group-missing", group, group=group)
        for group in groups
        if not any(contact.group == group and contact.phone for contact in contacts)
    ]
    found += [
        trouble("service-missing", service, service=service)
        for service in serves
        if not any(service in contact.serves and contact.phone for contact in contacts)
    ]
    for contact in contacts:
        age = (today - contact.reviewed_on).days
        if not contact.phone.strip():
            found.append(trouble("no-phone", contact.code, who=contact.name))
        elif age > limit_days:
            found.append(trouble("stale", contact.code, who=contact.name, days=age, limit=limit_days))
    return found


def rectify_by(today: date) -> date:
    """When a finding of a review has to be mended."""
    day = today
    for _ in range(RECTIFY_WITHIN_WORKING_DAYS):
        day = workdays.next_workday(day)
    return day
