"""What a review finds: why a task was late, and which findings need an owner and a date. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.core.texts import LANGUAGES, Text

Json = dict[str, Any]

# why a task was late, in words
REASONS: Mapping[str, dict[str, str]] = {
    "vacant": {"zh-Hans": "当时无人担任", "zh-Hant": "當時無人擔任", "en": "nobody held the role"},
    "never-acknowledged": {
        "zh-Hans": "一直未确认收到",
        "zh-Hant": "一直未確認收到",
        "en": "never acknowledged",
    },
    "acknowledged-late": {"zh-Hans": "确认收到晚", "zh-Hant": "確認收到晚", "en": "acknowledged late"},
    "moved": {"zh-Hans": "中途换人", "zh-Hant": "中途換人", "en": "passed on to somebody else"},
    "took-longer": {"zh-Hans": "办理时间超出", "zh-Hant": "辦理時間超出", "en": "took longer than planned"},
    "not-done": {
        "zh-Hans": "到结束时仍未办理",
        "zh-Hant": "到結束時仍未辦理",
        "en": "not done when it ended",
    },
}

FINDINGS: Mapping[str, dict[str, str]] = {
    "late": {
        "zh-Hans": "“{title}”逾期{minutes}分钟，由{who}承担：{reasons}",
        "zh-Hant": "「{title}」逾期{minutes}分鐘，由{who}承擔：{reasons}",
        "en": "“{title}” was {minutes} min late; held by {who}: {reasons}",
    },
    "acknowledged-late": {
        "zh-Hans": "“{title}”确认收到晚{minutes}分钟，由{who}承担",
        "zh-Hant": "「{title}」確認收到晚{minutes}分鐘，由{who}承擔",
        "en": "“{title}” was acknowledged {minutes} min late by {who}",
    },
    "vacant-role": {
        "zh-Hans": "角色“{title}”曾无人担任",
        "zh-Hant": "角色「{title}」曾無人擔任",
        "en": "Nobody held the role “{title}” for a time",
    },
    "unreached": {
        "zh-Hans": "{count}户客户或人员未能通知到",
        "zh-Hant": "{count}戶客戶或人員未能通知到",
        "en": "{count} customers or people could not be reached",
    },
    "failed-action": {
        "zh-Hans": "系统未能完成“{title}”，改由人工办理",
        "zh-Hant": "系統未能完成「{title}」，改由人工辦理",
        "en": "“{title}” failed in the system and went to people",
    },
    "unauthorised": {
        "zh-Hans": "临时总指挥的授权没有得到答复",
        "zh-Hant": "臨時總指揮的授權沒有得到答覆",
        "en": "The authorisation of the acting commander was never answered",
    },
    "unserved": {
        "zh-Hans": "{count}户客户当日未能送达",
        "zh-Hant": "{count}戶客戶當日未能送達",
        "en": "{count} customers were not served that day",
    },
}


@dataclass(frozen=True)
class Times:
    """The planned and the real moments of a task."""

    acknowledge_due_at: datetime | None
    acknowledged_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None
    status: str


def late_seconds(due_at: datetime | None, at: datetime | None, ended_at: datetime) -> int:
    """By how much a moment came after it was due; what never came counts up to the end. 0 when in time."""
    if due_at is None:
        return 0
    return max(0, int(((at or ended_at) - due_at).total_seconds()))


def acknowledge_late_seconds(times: Times, ended_at: datetime) -> int:
    """A task that was done without being acknowledged is acknowledged by that."""
    acknowledged = times.acknowledged_at or (times.done_at if times.status == "done" else None)
    over = times.done_at or ended_at
    return late_seconds(times.acknowledge_due_at, acknowledged or over, ended_at)


def done_late_seconds(times: Times, ended_at: datetime) -> int:
    """How late a task was done; a cancelled one was late only if it was overdue by then."""
    return late_seconds(times.due_at, times.done_at, ended_at)


def reasons(times: Times, *, vacant: bool, moved: bool, ended_at: datetime) -> list[str]:
    """Why a task was late, the causes before the general one; empty when it was not."""
    if not done_late_seconds(times, ended_at):
        return []
    found = ["vacant"] if vacant else []
    if times.acknowledged_at is None and times.status != "done":
        found.append("never-acknowledged")
    elif acknowledge_late_seconds(times, ended_at):
        found.append("acknowledged-late")
    if moved:
        found.append("moved")
    if times.status != "done":
        found.append("not-done")
    return found or ["took-longer"]


def worded(kind: str, **values: Any) -> dict[str, str]:
    """A finding in words; values may be texts in languages."""
    return {
        language: words.format(**{name: _word(value, language) for name, value in values.items()})
        for language, words in FINDINGS[kind].items()
    }


def _word(value: Any, language: str) -> Any:
    return value.get(language, "") if isinstance(value, Mapping) else value


def joined(codes: Sequence[str]) -> dict[str, str]:
    """Several reasons as one phrase per language."""
    return {
        language: (", " if language == "en" else "、").join(REASONS[code][language] for code in codes)
        for language in LANGUAGES
    }


def findings(content: Json) -> list[Json]:
    """Every finding of a review's content: {kind, item, clause, text, role}; in the order of the plan."""
    found: list[Json] = []
    for task in content["tasks"]:
        if not task.get("simulated"):
            found += _of_task(task)
    for role in content["vacant_roles"]:
        found.append(_finding("vacant-role", clause=role["clause"], role=role["role"], title=role["title"]))
    for call in content["failed_actions"]:
        found.append(
            _finding(
                "failed-action",
                item=call["item"],
                clause=call["clause"],
                role=call["role"],
                title=call["title"],
            )
        )
    if content["command"] and content["command"]["acting"] and not content["command"]["authorised_at"]:
        found.append(_finding("unauthorised", clause="E2.1c", role="head"))
    if count := content["messages"]["unreached"]:
        found.append(_finding("unreached", clause="E3.1.13", count=count))
    if count := sum(one["unserved"] for one in content["recoveries"]):
        found.append(_finding("unserved", clause="E2.6", count=count))
    return found


def _of_task(task: Json) -> Iterable[Json]:
    who = task["holder"] or {language: REASONS["vacant"][language] for language in LANGUAGES}
    place = {"item": task["item"], "clause": task["clause"], "role": task["role"], "title": task["title"]}
    if task["late_seconds"]:
        minutes = max(1, round(task["late_seconds"] / 60))
        yield _finding("late", **place, minutes=minutes, who=who, reasons=joined(task["reasons"]))
    elif task["acknowledge_late_seconds"]:
        minutes = max(1, round(task["acknowledge_late_seconds"] / 60))
        yield _finding("acknowledged-late", **place, minutes=minutes, who=who)


def _finding(kind: str, *, item: str = "", clause: str = "", role: str = "", **values: Any) -> Json:
    title: Text = values.get("title", {})
    return {
        "kind": kind,
        "item": item,
        "clause": clause,
        "role": role,
        "title": dict(title),
        "text": worded(kind, **values),
    }
