from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from changbei.plans.conditions import BadCondition, Names, compile_condition, compile_value, paths_in

NOW = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
NAMES = Names.of(
    {"report": "map", "result": "map", "decision": "map", "now": "timestamp", "n": "int"},
    {"share": ("double", 0.5), "label": ("string", "x")},
)


def asked(source: str, context: dict[str, Any]) -> tuple[bool, str]:
    return compile_condition(source, NAMES).test(context, NOW)


def value(source: str, context: dict[str, Any]) -> tuple[Any, str]:
    return compile_value(source, NAMES).value(context, NOW)


def test_holds_and_does_not_hold() -> None:
    assert asked("report.n > 2 && !report.injured", {"report": {"n": 3, "injured": False}}) == (True, "")
    assert asked("report.n > 2", {"report": {"n": 2}}) == (False, "")
    assert asked("setting.share <= 0.5 && setting.label == 'x'", {}) == (True, "")


@pytest.mark.parametrize(
    ("source", "context", "trouble"),
    [
        ("report.n > 2", {"report": {}}, 'Key not found in map : "n"'),
        ("report.n > 2", {}, 'Key not found in map : "n"'),
        ("report.a.b > 2", {"report": {"a": 7}}, "Applying SELECT to non-message type"),
        ("report.n > 2", {"report": {"n": "many"}}, "No matching overloads found : _>_(string, int64)"),
        ("report.n", {"report": {"n": 1}}, "gives int, not true or false"),
        ("report.n", {"report": {"n": None}}, "gives NoneType, not true or false"),
        ("n > 2", {}, 'No value with name "n" found in Activation'),
        ("1 / int(report.n) > 0", {"report": {"n": 0}}, "divide by zero"),
        ("timestamp(report.at) < now", {"report": {"at": "soon"}}, "String to Timestamp conversion failed"),
    ],
)
def test_what_cannot_be_evaluated_is_false_and_says_why(
    source: str, context: dict[str, Any], trouble: str
) -> None:
    assert asked(source, context) == (False, trouble)


def test_has_is_false_however_much_is_missing() -> None:
    for context in ({}, {"result": {}}, {"result": {"recover": {}}}, {"result": {"other": 1}}):
        assert asked("has(result.recover.options)", context) == (False, "")
        assert asked("!has(result.recover.options)", context) == (True, "")
    assert asked("has(result.recover.options)", {"result": {"recover": {"options": []}}}) == (True, "")


def test_an_answer_is_not_remembered_for_values_of_another_type() -> None:
    condition = compile_condition("report.flag == true", NAMES)
    assert condition.test({"report": {"flag": True}}, NOW) == (True, "")
    assert condition.test({"report": {"flag": 1}}, NOW) == (False, "")
    assert condition.test({"report": {"flag": 1.0}}, NOW) == (False, "")
    assert condition.test({"report": {"flag": True}}, NOW) == (True, "")
    assert condition.test({"report": {}}, NOW) == (False, 'Key not found in map : "flag"')
    assert condition.test({"report": {"flag": None}}, NOW) == (False, "")


def test_the_present_is_not_remembered() -> None:
    condition = compile_condition("now > timestamp('2026-11-23T02:00:00Z')", NAMES)
    assert condition.test({}, NOW) == (False, "")
    assert condition.test({}, NOW.replace(hour=3)) == (True, "")


def test_values_are_plain_json() -> None:
    assert value("[report.n, 1.5]", {"report": {"n": 1}}) == ([1, 1.5], "")
    assert value("{'a': report.m}", {"report": {"m": {"x": [1]}}}) == ({"a": {"x": [1]}}, "")
    assert value("timestamp('2026-11-23T10:00:00+08:00')", {}) == ("2026-11-23T02:00:00+00:00", "")
    assert value("duration('90s')", {}) == (90.0, "")
    assert value("report.x", {"report": {}}) == (None, 'Key not found in map : "x"')


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("report.injured && result.recover.n > 3", {("report", "injured"), ("result", "recover", "n")}),
        ("report.a.b == 1 && size(report.a) > 0", {("report", "a")}),
        ("report.name.startsWith('report.x')", {("report", "name")}),
        ("'x' in report", {("report",)}),
        ("report['a'].b", {("report",)}),
        ("report.items.exists(i, i.report == 1)", {("report", "items")}),
        ("setting.share > 0.1 && n > 1", {("n",)}),
        ('"it\'s report.x" == report . y', {("report", "y")}),
    ],
)
def test_only_what_is_mentioned_is_handed_over(source: str, paths: set[tuple[str, ...]]) -> None:
    assert set(paths_in(source, {"report", "result", "n"})) == paths


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("report.n > ", 1, 12, "it ends too early"),
        ("true &&\n  nope", 2, 3, "'nope' is not known here"),
        ("'暴雨' == nope.x.y", 1, 9, "'nope.x.y' is not known here"),
        ("setting.nope > 1", 1, 1, "'setting.nope' is not known here"),
        ("n > 1.5", 1, 3, None),
    ],
)
def test_mistakes_are_found_when_compiling(source: str, line: int, column: int, message: str | None) -> None:
    with pytest.raises(BadCondition) as raised:
        compile_condition(source, NAMES)
    (mistake,) = raised.value.mistakes
    assert (mistake.line, mistake.column) == (line, column)
    hint = "beside a double write whole numbers as 1.0"
    expected = f"found no matching overload for '_>_' applied to '(int, double)'; {hint}"
    assert mistake.message == (message or expected)


def test_all_mistakes_of_an_expression_are_found() -> None:
    with pytest.raises(BadCondition) as raised:
        compile_value("nope + neither", NAMES)
    assert [mistake.column for mistake in raised.value.mistakes] == [1, 8]
