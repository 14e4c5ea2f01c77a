"""Readiness and findings, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from changbei.core.clock import LOCAL
from changbei.readiness import rules
from changbei.readiness.review import findings
from changbei.readiness.review.findings import Times
from changbei.readiness.rules import ContactRow, ReserveVan, SiteReserve

MONDAY = date(2026, 11, 23)
FRIDAY = date(2026, 11, 20)
NAME = {"zh-Hans": "甲站", "zh-Hant": "甲站", "en": "Station A"}


def site(*vans: ReserveVan) -> SiteReserve:
    return SiteReserve("a", NAME, vans)


@pytest.mark.parametrize(
    "vans,subjects",
    [
        ([ReserveVan("46", True, MONDAY)], []),
        ([ReserveVan("46", True, FRIDAY)], []),  # Friday's check counts on Monday morning
        ([ReserveVan("46", True, date(2026, 11, 19))], ["unchecked:46"]),
        ([ReserveVan("46", True, None)], ["unchecked:46"]),
        ([ReserveVan("46", False, MONDAY)], ["no-reserve:a"]),
        ([], ["no-reserve:a"]),
        ([ReserveVan("46", False, MONDAY), ReserveVan("47", True, MONDAY)], []),
    ],
)
def test_reserve_vans(vans: list[ReserveVan], subjects: list[str]) -> None:
    assert [one.subject for one in rules.reserve_troubles([site(*vans)], 1, MONDAY)] == subjects


def test_troubles_speak_three_languages() -> None:
    (one,) = rules.reserve_troubles([site()], 1, MONDAY)
    assert one.text["en"] == "Station A has 0 reserve vehicles fit to go, 1 are asked for."
    assert one.text["zh-Hans"] == "甲站可出车的备用车辆0辆，应有1辆。"


def test_working_hours_leave_out_nights_and_weekends() -> None:
    friday = datetime(2026, 11, 27, 16, 20, tzinfo=LOCAL)
    hours = rules.working_hours(friday, 4)
    assert [hour.strftime("%d %H") for hour in hours[:4]] == ["27 16", "27 17", "30 08", "30 09"]


def test_a_gap_is_told_once_at_its_beginning() -> None:
    hours = [datetime(2026, 11, 23, hour, tzinfo=LOCAL) for hour in range(8, 14)]
    there = {hours[0]: 1, hours[3]: 2, hours[4]: 1}
    assert rules.unreachable_hours(hours, there, 1) == [(hours[1], 0), (hours[5], 0)]
    assert rules.unreachable_hours(hours, there, 2) == [(hours[0], 1), (hours[4], 1)]


def contact(**more: object) -> ContactRow:
    given = {
        "code": "v",
        "group": "vendor",
        "name": NAME,
        "phone": "1",
        "serves": ("ups",),
        "reviewed_on": MONDAY,
    }
    return ContactRow(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "contacts,subjects",
    [
        ([contact()], []),
        ([contact(phone="")], ["group-missing:vendor", "service-missing:ups", "no-phone:v"]),
        ([contact(serves=())], ["service-missing:ups"]),
        ([contact(group="bank")], ["group-missing:vendor"]),
        ([contact(reviewed_on=MONDAY - timedelta(days=180))], []),
        ([contact(reviewed_on=MONDAY - timedelta(days=181))], ["stale:v"]),
    ],
)
def test_contacts(contacts: list[ContactRow], subjects: list[str]) -> None:
    found = rules.contact_troubles(contacts, ["vendor"], ["ups"], 180, MONDAY)
    assert [one.subject for one in found] == subjects


def test_ten_working_days_to_mend() -> None:
    assert rules.rectify_by(MONDAY) == date(2026, 12, 7)


# --- why a task was late ---

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=3)


def at(minutes: int | None) -> datetime | None:
    return None if minutes is None else START + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "acknowledged,done,status,vacant,moved,seconds,reasons",
    [
        (2, 14, "done", False, False, 0, []),
        (2, 15, "done", False, False, 0, []),
        (2, 25, "done", False, False, 600, ["took-longer"]),
        (9, 25, "done", False, False, 600, ["acknowledged-late"]),
        (2, 25, "done", False, True, 600, ["moved"]),
        (None, 25, "done", True, False, 600, ["vacant", "acknowledged-late"]),
        (None, None, "open", False, False, 165 * 60, ["never-acknowledged", "not-done"]),
        (2, 30, "cancelled", False, False, 900, ["not-done"]),
        (None, 10, "cancelled", False, False, 0, []),
    ],
)
def test_why_late(
    acknowledged: int | None,
    done: int | None,
    status: str,
    vacant: bool,
    moved: bool,
    seconds: int,
    reasons: list[str],
) -> None:
    times = Times(at(5), at(acknowledged), at(15), at(done), status)
    assert findings.done_late_seconds(times, END) == seconds
    assert findings.reasons(times, vacant=vacant, moved=moved, ended_at=END) == reasons


def test_without_a_limit_nothing_is_late() -> None:
    times = Times(None, None, None, at(500), "done")
    assert (findings.done_late_seconds(times, END), findings.acknowledge_late_seconds(times, END)) == (0, 0)


def test_a_task_done_without_a_word_is_acknowledged_by_that() -> None:
    assert findings.acknowledge_late_seconds(Times(at(5), None, at(15), at(9), "done"), END) == 240


def test_findings_of_a_content() -> None:
    text = {"zh-Hans": "确认", "zh-Hant": "確認", "en": "Confirm"}
    base = {"item": "a", "title": text, "clause": "E3.3.1", "role": "driver", "holder": "试甲"}
    content = {
        "tasks": [
            base | {"late_seconds": 600, "acknowledge_late_seconds": 60, "reasons": ["took-longer"]},
            base | {"late_seconds": 0, "acknowledge_late_seconds": 90, "reasons": []},
            base | {"late_seconds": 0, "acknowledge_late_seconds": 0, "reasons": []},
        ],
        "vacant_roles": [],
        "failed_actions": [],
        "command": {"acting": True, "authorised_at": None},
        "messages": {"unreached": 3},
        "recoveries": [{"unserved": 2}, {"unserved": 0}],
    }
    found = findings.findings(content)
    assert [one["kind"] for one in found] == [
        "late",
        "acknowledged-late",
        "unauthorised",
        "unreached",
        "unserved",
    ]
    assert found[0]["text"]["en"] == "“Confirm” was 10 min late; held by 试甲: took longer than planned"
    assert found[1]["text"]["en"] == "“Confirm” was acknowledged 2 min late by 试甲"
    assert found[4]["text"]["zh-Hans"] == "2户客户当日未能送达"
