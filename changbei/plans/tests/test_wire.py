from __future__ import annotations

from typing import get_args

import pytest

from changbei.core.errors import Invalid
from changbei.plans import facts, wire

FACTS: list[facts.Fact] = [
    facts.Started({"report": {"vehicle": "B1"}}),
    facts.Known("incident", {"level": "MAJOR"}),
    facts.Acknowledged("a", "3107"),
    facts.Moved("a", "3108"),
    facts.Completed("a", "3107", {"x": [1]}),
    facts.Happened("delivery.accepted", {"option": 1}, "3107"),
    facts.TimerFired("due:a:1"),
    facts.ActionDone("a", {"case": 1}),
    facts.ActionFailed("a", "no road"),
    facts.CallEnded("a", {"ended": "finished"}),
    facts.Ended("9"),
]


def test_every_kind_is_covered_here() -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(facts.Fact))


@pytest.mark.parametrize("fact", FACTS)
def test_facts_come_back_as_they_went(fact: facts.Fact) -> None:
    assert wire.fact_from_json(wire.to_json(fact)) == fact


def test_the_form_on_the_wire() -> None:
    assert wire.to_json(facts.Completed("a", "1", {"n": float("nan"), "t": "x\x00", "big": 1e20})) == {
        "type": "Completed",
        "item": "a",
        "by": "1",
        "result": {"n": None, "t": "x", "big": 100000000000000000000},
    }


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(Invalid, match="'OpenTask' is not a fact; there are Acknowledged, ActionDone"):
        wire.fact_from_json({"type": "OpenTask", "item": "a"})
    with pytest.raises(Invalid, match="a TimerFired has the fields key; these were given: item"):
        wire.fact_from_json({"type": "TimerFired", "item": "a"})
