"""What the room decides, as pure functions: who commands, what makes two reports one, what a suspension is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from changbei.core.errors import Problem
from changbei.core.texts import LANGUAGES, Text
from changbei.incidents.cap.parts import COLOURS
from changbei.plans.model import EVERYDAY

IS_OVER = "this time is over already"
LONGEST_SUSPENSION = timedelta(days=14)  # a longer one is looked at again on the way


@dataclass(frozen=True)
class Command:
    """Who commands, by staff number ("" for nobody). `ask`: the leaders whose authorisation is wanted (E2.1c)."""

    commander: str
    deputy_commander: str = ""
    acting: bool = False
    ask: tuple[str, ...] = ()


def command(head: str, deputy: str, *, head_present: bool, deputy_present: bool, acting: str) -> Command:
    """The command by the plan: the head with the deputy; one of them alone; else the acting commander (E2.1b, E2.1c).

    `acting` is the department head whom the table names for this kind of event. When there is none either, a
    leader commands from afar: somebody has to.
    """
    if head_present:
        return Command(head, deputy if deputy_present else "")
    if deputy_present:
        return Command(deputy)
    leaders = tuple(staff_no for staff_no in (head, deputy) if staff_no)
    if acting:
        return Command(acting, acting=True, ask=leaders)
    return Command(leaders[0] if leaders else "")


def level_without_table(family: str) -> str:
    """What an event is where the plan has no table for it, or no row decides: local; everyday service stays that."""
    return "SERVICE" if family == EVERYDAY else "LOCAL"


def level_inputs(
    wanted: Iterable[str], report: Mapping[str, Any], *, family: str, share: float
) -> dict[str, Any]:
    """What the classifying table sees when the procedure does not say (E2.1b)."""
    stops_work = report.get("stops_work") is True
    known = {
        "family": family,
        "share": share,
        "colour": str(report.get("colour") or ""),
        "stops_work": stops_work,
        "city_wide": bool(report.get("city_wide", report.get("fails") == "server")),
    }
    return {name: known[name] for name in wanted if name in known}


def is_same(reported_at: datetime, within: timedelta, *, restored: bool, now: datetime) -> bool:
    """Whether a new report with the same key is about the incident that was reported at `reported_at`.

    After service is back, or after the time the plan gives, the same thing happening is a new event: a duplicate
    alarm is better than a lost one.
    """
    return not restored and now < reported_at + within


def added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What a later report says that the first did not, or said otherwise."""
    return {name: value for name, value in after.items() if before.get(name) != value}


def worth_adding(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the plan's conditions should see of a later report: what was not said before, and what has become true.

    Somebody who knows of nobody hurt does not overrule somebody who does.
    """
    return {
        name: value
        for name, value in after.items()
        if name not in before or (before[name] is False and value is True)
    }


def title(procedure: Text, detail: Text | str) -> dict[str, str]:
    """`Vehicle breakdown · 17` in each language."""
    words = {
        language: detail if isinstance(detail, str) else detail.get(language, "") for language in LANGUAGES
    }
    return {
        language: f"{procedure[language]} · {words[language]}" if words[language] else procedure[language]
        for language in procedure
    }


def suspension_problems(
    starts_at: datetime, ends_at: datetime, reason: str, customers: int, now: datetime
) -> list[Problem]:
    """What is wrong with a suspension; none is without an end ahead or without anybody concerned (E3.2.1)."""
    found = []
    if ends_at <= starts_at:
        found.append(Problem("ends_at", "must be after the beginning"))
    elif ends_at <= now:
        found.append(Problem("ends_at", IS_OVER))
    elif ends_at - starts_at > LONGEST_SUSPENSION:
        found.append(Problem("ends_at", f"at most {LONGEST_SUSPENSION.days} days; it can be extended then"))
    if not reason.strip():
        found.append(Problem("reason", "a reason is needed"))
    if not customers:
        found.append(Problem("area", "no customer lies in this area"))
    return found


def line_problems(measures: Sequence[str], review_at: datetime | None, now: datetime) -> list[Problem]:
    """What is wrong with go or no-go of lines; none waits without a time at which it is looked at again (E3.2.1)."""
    if not measures:
        return [Problem("lines", "decide for one line at least")]
    if "hold" not in measures:
        return []
    if review_at is None:
        return [Problem("review_at", "say when the lines on hold are looked at again")]
    if not now < review_at <= now + LONGEST_SUSPENSION:
        return [Problem("review_at", f"after now, and within {LONGEST_SUSPENSION.days} days")]
    return []


def suspension_scope(share: float, most: float) -> str:
    """`whole` when most customers cannot be served (E3.2.1), else `partial` (E3.2.2)."""
    return "whole" if share >= most else "partial"


def warning_inputs(
    *,
    status: str,
    msg_type: str,
    lifts: bool,
    categories: Sequence[str],
    colour: str,
    severity: str,
    urgency: str,
    certainty: str,
    event: str,
    share: float,
    over: bool,
) -> dict[str, Any]:
    """What the table `warning-start` sees. An AllClear counts as the cancel that it is."""
    return {
        "status": status,
        "msg_type": "Cancel" if lifts else msg_type,
        "meteorological": "Met" in categories,
        "colour": colour,
        "severity": severity,
        "urgency": urgency,
        "certainty": certainty,
        "event": event,
        "share": share,
        "over": over,
    }


SEVERITIES = ("Minor", "Moderate", "Severe", "Extreme")


def severity_rank(severity: str) -> int:
    """-1 for Unknown, then from Minor on."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def eases(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Whether a warning (colour, severity) is milder than the one before: by colour when both have one, else by
    severity. What is not known is never taken for milder.
    """
    for rank, old, new in ((COLOURS, before[0], after[0]), (SEVERITIES, before[1], after[1])):
        if old in rank and new in rank:
            return rank.index(new) < rank.index(old)
    return False
