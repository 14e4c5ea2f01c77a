"""The words of the engine's own notices, in three languages. Data: placeholders are filled for each
notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from changbei.core import moments
from changbei.core.texts import Text
from changbei.notify.wording import fill

__all__ = ["about_many", "about_task", "fill", "labelled", "listed", "local_time"]

TASK = {
    "zh-Hans": "{number} 任务：{title}",
    "zh-Hant": "{number} 任務：{title}",
    "en": "{number} task: {title}",
}
TASK_BODY = {
    "zh-Hans": "{incident}。您担任{role}。依据第 {clause} 条，请于{due}前完成，并先确认收到。{guide}",
    "zh-Hant": "{incident}。您擔任{role}。依據第 {clause} 條，請於{due}前完成，並先確認收到。{guide}",
    "en": "{incident}. You are {role}. By clause {clause} this is due by {due}; please acknowledge first. {guide}",
}
VACANT_BODY = {
    "zh-Hans": "{incident}。{role}目前无人担任，请安排人员。依据第 {clause} 条，应于{due}前完成。{guide}",
    "zh-Hant": "{incident}。{role}目前無人擔任，請安排人員。依據第 {clause} 條，應於{due}前完成。{guide}",
    "en": "{incident}. Nobody holds the role {role}: please see to it. Clause {clause}, due by {due}. {guide}",
}
LATE = {
    "acknowledge": {
        "zh-Hans": "{number} 未确认：{title}",
        "zh-Hant": "{number} 未確認：{title}",
        "en": "{number} not acknowledged: {title}",
    },
    "due": {
        "zh-Hans": "{number} 逾期：{title}",
        "zh-Hant": "{number} 逾期：{title}",
        "en": "{number} overdue: {title}",
    },
}
LATE_BODY = {
    "zh-Hans": "{incident}。{role}{holder}的任务，第 {clause} 条，应于{due}前完成。请督促办理，或直接接手。",
    "zh-Hant": "{incident}。{role}{holder}的任務，第 {clause} 條，應於{due}前完成。請督促辦理，或直接接手。",
    "en": "{incident}. Task of {role} {holder}, clause {clause}, due by {due}. Please see to it or take over.",
}
MOVED = {
    "zh-Hans": "{number} 已移交：{title}",
    "zh-Hant": "{number} 已移交：{title}",
    "en": "{number} passed on: {title}",
}
MOVED_BODY = {
    "zh-Hans": "{role}现由{holder}担任，此任务不再由您负责。",
    "zh-Hant": "{role}現由{holder}擔任，此任務不再由您負責。",
    "en": "{role} is now held by {holder}; this task is no longer yours.",
}
TASKS = {
    "zh-Hans": "{number} 任务 {count} 项：{title}",
    "zh-Hant": "{number} 任務 {count} 項：{title}",
    "en": "{number}, {count} tasks: {title}",
}
TASKS_BODY = {
    "zh-Hans": "{incident}。您担任{role}。依据第 {clause} 条，请于{due}前逐项完成：{labels}。{guide}",
    "zh-Hant": "{incident}。您擔任{role}。依據第 {clause} 條，請於{due}前逐項完成：{labels}。{guide}",
    "en": "{incident}. You are {role}. By clause {clause} each of these is due by {due}: {labels}. {guide}",
}
TASKS_VACANT_BODY = {
    "zh-Hans": "{incident}。{role}目前无人担任，请安排人员。第 {clause} 条，应于{due}前完成：{labels}。",
    "zh-Hant": "{incident}。{role}目前無人擔任，請安排人員。第 {clause} 條，應於{due}前完成：{labels}。",
    "en": "{incident}. Nobody holds the role {role}: please see to it. Clause {clause}, due by {due}: {labels}.",
}
TASKS_LATE = {
    "acknowledge": {
        "zh-Hans": "{number} 未确认 {count} 项：{title}",
        "zh-Hant": "{number} 未確認 {count} 項：{title}",
        "en": "{number}, {count} not acknowledged: {title}",
    },
    "due": {
        "zh-Hans": "{number} 逾期 {count} 项：{title}",
        "zh-Hant": "{number} 逾期 {count} 項：{title}",
        "en": "{number}, {count} overdue: {title}",
    },
}
TASKS_LATE_BODY = {
    "zh-Hans": "{incident}。{role}的任务，第 {clause} 条，应于{due}前完成：{labels}。请督促办理，或直接接手。",
    "zh-Hant": "{incident}。{role}的任務，第 {clause} 條，應於{due}前完成：{labels}。請督促辦理，或直接接手。",
    "en": "{incident}. Tasks of {role}, clause {clause}, due by {due}: {labels}. Please see to it or take over.",
}
NOBODY = {"zh-Hans": "（暂缺）", "zh-Hant": "（暫缺）", "en": "(vacant)"}


def about_task(template: str, why: str) -> tuple[Text, Text]:
    """Title and body of a notice about one task, by its kind; `why` of a late one: acknowledge or due."""
    if template == "task-late":
        return LATE[why], LATE_BODY
    return {
        "task": (TASK, TASK_BODY),
        "task-vacant": (TASK, VACANT_BODY),
        "task-moved": (MOVED, MOVED_BODY),
    }[template]


def about_many(template: str, why: str) -> tuple[Text, Text]:
    """The same for several tasks of one step."""
    if template == "tasks-late":
        return TASKS_LATE[why], TASKS_LATE_BODY
    return TASKS, TASKS_VACANT_BODY if template == "task-vacant" else TASKS_BODY


def labelled(title: Text, label: str) -> dict[str, str]:
    """The title of one task of many: what is done, and with whom or what."""
    if not label:
        return dict(title)
    return {
        language: f"{words}: {label}" if language == "en" else f"{words}：{label}"
        for language, words in title.items()
    }


def listed(labels: Sequence[str], most: int) -> dict[str, str]:
    """The first labels, and how many more there are."""
    shown, more = labels[:most], len(labels) - most
    return {
        "zh-Hans": "、".join(shown) + (f"等 {len(labels)} 项" if more > 0 else ""),
        "zh-Hant": "、".join(shown) + (f"等 {len(labels)} 項" if more > 0 else ""),
        "en": ", ".join(shown) + (f" and {more} more" if more > 0 else ""),
    }


def local_time(when: datetime | None) -> Text | str:
    """A deadline as people read it off the wall clock."""
    return moments.moment(when) if when else "—"
