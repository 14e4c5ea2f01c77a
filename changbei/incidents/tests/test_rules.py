"""The pure rules of the room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from changbei.incidents import rules
from changbei.incidents.rules import Command

NOW = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "head_present,deputy_present,acting,expected",
    [
        (True, True, "D", Command("H", "V")),
        (True, False, "D", Command("H")),
        (False, True, "D", Command("V")),
        (False, False, "D", Command("D", acting=True, ask=("H", "V"))),
        (False, False, "", Command("H")),
    ],
)
def test_who_commands(head_present: bool, deputy_present: bool, acting: str, expected: Command) -> None:
    found = rules.command("H", "V", head_present=head_present, deputy_present=deputy_present, acting=acting)
    assert found == expected


def test_a_vacant_head_is_not_asked() -> None:
    found = rules.command("", "V", head_present=False, deputy_present=False, acting="D")
    assert found == Command("D", acting=True, ask=("V",))


@pytest.mark.parametrize(
    "minutes,restored,same",
    [(0, False, True), (719, False, True), (720, False, False), (5, True, False)],
)
def test_the_same_thing_again(minutes: int, restored: bool, same: bool) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert rules.is_same(NOW, timedelta(hours=12), restored=restored, now=now) is same


@pytest.mark.parametrize(
    "report,expected",
    [
        ({}, {"colour": "", "stops_work": False, "city_wide": False}),
        ({"stops_work": True, "fails": "server"}, {"colour": "", "stops_work": True, "city_wide": True}),
        ({"fails": "server", "city_wide": False}, {"colour": "", "stops_work": False, "city_wide": False}),
        ({"colour": "red"}, {"colour": "red", "stops_work": False, "city_wide": False}),
    ],
)
def test_inputs_of_the_level(report: dict[str, object], expected: dict[str, object]) -> None:
    wanted = ("colour", "stops_work", "city_wide")
    assert rules.level_inputs(wanted, report, family="network", share=0.0) == expected


def test_what_a_second_report_adds() -> None:
    first = {"vehicle": "17", "injured": False}
    assert rules.added(first, {"vehicle": "17", "injured": True, "note": "x"}) == {
        "injured": True,
        "note": "x",
    }


def test_titles() -> None:
    text = {"zh-Hans": "送货车辆故障", "zh-Hant": "送貨車輛故障", "en": "Vehicle breakdown"}
    assert rules.title(text, "17")["en"] == "Vehicle breakdown · 17"
    assert (
        rules.title(text, {"zh-Hans": "甲店", "zh-Hant": "甲店", "en": "Shop A"})["zh-Hans"]
        == "送货车辆故障 · 甲店"
    )
    assert rules.title(text, "") == text


@pytest.mark.parametrize(
    "hours,reason,customers,fields",
    [(6, "typhoon", 10, []), (0, "typhoon", 10, ["ends_at"]), (400, " ", 0, ["ends_at", "reason", "area"])],
)
def test_suspensions_that_are_none(hours: int, reason: str, customers: int, fields: list[str]) -> None:
    found = rules.suspension_problems(NOW, NOW + timedelta(hours=hours), reason, customers, NOW)
    assert [problem.field for problem in found] == fields


@pytest.mark.parametrize("hours_ago,fields", [(5, []), (6, ["ends_at"]), (7, ["ends_at"])])
def test_a_suspension_may_have_begun_but_is_not_over(hours_ago: int, fields: list[str]) -> None:
    began = NOW - timedelta(hours=hours_ago)
    found = rules.suspension_problems(began, began + timedelta(hours=6), "typhoon", 10, NOW)
    assert [problem.field for problem in found] == fields


@pytest.mark.parametrize("share,scope", [(0.49, "partial"), (0.5, "whole"), (1.0, "whole"), (0.0, "partial")])
def test_whole_or_partial(share: float, scope: str) -> None:
    assert rules.suspension_scope(share, 0.5) == scope


def test_an_all_clear_counts_as_a_cancel() -> None:
    inputs = rules.warning_inputs(
        status="Actual",
        msg_type="Update",
        lifts=True,
        categories=["Met"],
        colour="",
        severity="Minor",
        urgency="Past",
        certainty="Observed",
        event="rainstorm",
        share=0.4,
        over=False,
    )
    assert inputs["msg_type"] == "Cancel" and inputs["meteorological"] is True
