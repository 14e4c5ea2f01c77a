"""Conditions in the words of their readers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from changbei.core.texts import LANGUAGES
from changbei.plans.conditions import Condition, Names
from changbei.plans.model import Procedure
from changbei.plans.rendering.steps import Speaker
from changbei.plans.rendering.words import Words
from changbei.plans.speaking.tree import Called, Compared, Constant, Joined, Not, Path, reads, tree_of
from changbei.plans.tests.walk import pack

CODE = re.compile(r"[A-Za-z]+_[A-Za-z_]+|[a-z]+\.[a-z]|==|&&|\|\||[A-Za-z]\(")
NAMES = Names.of({"report": "map", "result": "map", "decision": "map", "happened": "map", "now": "timestamp"})


def said(source: str, procedure: str, language: str = "en") -> str:
    speaker = Speaker(
        pack(), Words(language), {"incidents.extend": "extend it", "delivery.recover": "re-plan"}
    )
    return speaker.condition(Condition(source, NAMES), pack().procedures[procedure])


def test_a_tree_of_what_binds_how_strongly() -> None:
    assert tree_of('!a.b && c in ["x"] || d >= -2') == Joined(
        False,
        (
            Joined(True, (Not(Path(("a", "b"))), Compared("in", Path(("c",)), tree_of('["x"]')))),
            Compared(">=", Path(("d",)), Constant(-2)),
        ),
    )
    assert tree_of('happened["a.b"].at') == Path(("happened", "a.b", "at"))
    assert tree_of("size(index) > 0") == Compared(">", Called("size", (Path(("index",)),)), Constant(0))
    assert reads(tree_of("has(a.b) && a.c > d ? a.e : 1")) == {("a", "c"), ("d",), ("a", "e")}


@pytest.mark.parametrize(
    ("source", "procedure", "english"),
    [
        ("report.injured", "vehicle-breakdown", "“Is somebody hurt?”: yes"),
        ('report.fails == "server"', "ordering-system-down", "“What fails” is “Server”"),
        (
            'has(decision.standby) && decision.standby == "failed"',
            "ordering-system-down",
            "“Switch over to the standby machine” is “It failed”",
        ),
        (
            '!(has(decision.standby) && decision.standby == "failed")',
            "ordering-system-down",
            "“Switch over to the standby machine” is not “It failed”",
        ),
        (
            "has(result.recover.options) && result.recover.options == 0",
            "vehicle-breakdown",
            "there are no options of “re-plan”",
        ),
        ('!("incidents.all_clear" in happened)', "severe-weather", "not yet: the all-clear came"),
    ],
)
def test_one_claim_by_titles_of_steps_fields_and_options(source: str, procedure: str, english: str) -> None:
    assert said(source, procedure) == english


def test_a_negation_is_said_of_each_part() -> None:
    words = said(
        "!(report.injured && (report.goods_aboard || has(decision.times)))", "vehicle-breakdown", "zh-Hans"
    )
    assert words == "“是否有人受伤”：否，或（“车上是否有未送货物”：否，且“是否调整送货时间”未决定）"


def test_settings_stand_with_their_value_and_unit() -> None:
    names = Names.of(
        {"report": "map"}, {"move_goods_centimetres": ("int", 10), "limit_marketing_deputy": ("int", 100)}
    )
    condition = Condition("report.cartons > setting.limit_marketing_deputy", names)
    words = Speaker(pack(), Words("zh-Hans"), {}).condition(condition, pack().procedures["sudden-demand"])
    assert words.endswith("（100 条）")


def claims() -> list[tuple[Condition, Procedure | None]]:
    found: list[tuple[Condition, Procedure | None]] = []
    for one in pack().procedures.values():
        of_stages = [held for stage in one.stages for held in (stage.when, stage.hold_until)]
        of_steps = [held for step in one.steps.values() for held in (step.when, step.hold_until)]
        found += [(held, one) for held in (*of_stages, *of_steps) if held is not None]
    return found + [(row.when, None) for table in pack().tables.values() for row in table.rows]


def values() -> Iterator[tuple[Condition, Procedure]]:
    for one in pack().procedures.values():
        for step in one.steps.values():
            ends = step.countdown.until if step.countdown else None
            listed = step.each.of if step.each else None
            yield from ((given, one) for given in (step.wait_until, ends, listed) if given is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_reader_of_the_shipped_plan_meets_an_expression(language: str) -> None:
    titles = {
        action: "x"
        for one in pack().procedures.values()
        for action in {step.action for step in one.steps.values()}
    }
    speaker = Speaker(pack(), Words(language), titles)
    spoken = [(held.source, speaker.condition(held, one)) for held, one in claims()]
    spoken += [(given.source, speaker.value(given, one)) for given, one in values()]
    assert len(spoken) > 250
    assert [(source, words) for source, words in spoken if CODE.search(words)] == []
    assert [source for source, words in spoken if not words.strip()] == []


def test_what_a_table_gives_and_its_last_row_in_words() -> None:
    speaker = Speaker(pack(), Words("zh-Hans"), {})
    last = pack().tables["level"].rows[-1]
    assert speaker.condition(last.when) == "任何情形"
    assert [speaker.answer(name, value) for name, value in last.then.items()] == [("事件级别", "局部")]
    assert speaker.answer("role", "dispatcher") == ("", speaker.role("dispatcher"))
