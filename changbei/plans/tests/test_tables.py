from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.plans import tables
from changbei.plans.model import Table
from changbei.plans.tests import packs

ROWS = """\
rules:
  - {when: 'cartons <= 10', then: {role: manager, days: 1}}
  - {when: 'cartons <= 50 && calm', then: {role: head, days: 2}}
  - {when: 'cartons > 50', then: {role: commander, days: 3}}
"""


def table(hit: str) -> Table:
    text = (
        "id: level\nclause: E1.1\nhit: "
        + hit
        + "\ninputs: {cartons: int, calm: bool}\noutputs: {role: string, days: double}\n"
    )
    return packs.pack(packs.stage("go", f"id: a, {packs.TASK}"), table=text + ROWS).tables["level"]


UNIQUE, FIRST, COLLECT = table("UNIQUE"), table("FIRST"), table("COLLECT")


def test_first_takes_the_first_row_that_matches() -> None:
    assert tables.evaluate(FIRST, {"cartons": 5, "calm": True}) == tables.Outcome(
        {"role": "manager", "days": 1.0}, (1,)
    )
    assert tables.evaluate(FIRST, {"cartons": 50, "calm": True}) == tables.Outcome(
        {"role": "head", "days": 2.0}, (2,)
    )
    assert tables.evaluate(FIRST, {"cartons": 51, "calm": False}).rows == (3,)


def test_no_row_decides_nothing() -> None:
    assert tables.evaluate(FIRST, {"cartons": 20, "calm": False}) == tables.Outcome(None, ())
    assert tables.evaluate(COLLECT, {"cartons": 20, "calm": False}) == tables.Outcome(
        {"role": [], "days": []}, ()
    )


def test_unique_with_two_rows_decides_nothing_and_says_so() -> None:
    assert tables.evaluate(UNIQUE, {"cartons": 5, "calm": False}).outputs == {"role": "manager", "days": 1.0}
    assert tables.evaluate(UNIQUE, {"cartons": 5, "calm": True}) == tables.Outcome(
        None, (1, 2), ("rows 1 and 2 match, but the table allows only one",)
    )


def test_collect_gives_all_rows_in_order() -> None:
    assert tables.evaluate(COLLECT, {"cartons": 5, "calm": True}) == tables.Outcome(
        {"role": ["manager", "head"], "days": [1.0, 2.0]}, (1, 2)
    )


def test_inputs_that_are_missing_or_of_another_type() -> None:
    missing = tables.evaluate(FIRST, {"cartons": 20})
    assert missing.outputs is None
    assert missing.notes == ('row 2: No value with name "calm" found in Activation',)
    assert tables.evaluate(FIRST, {"cartons": 5.0}).rows == (1,)
    strange = tables.evaluate(FIRST, {"cartons": "many", "calm": True})
    assert (strange.outputs, strange.rows, len(strange.notes)) == (None, (), 3)


@given(
    st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans(), st.lists(st.integers())),
    st.booleans(),
)
def test_any_input_gives_an_outcome_and_the_policies_agree(cartons: Any, calm: bool) -> None:
    inputs = {"cartons": cartons, "calm": calm}
    first, unique, collect = (tables.evaluate(found, inputs) for found in (FIRST, UNIQUE, COLLECT))
    assert first.rows == collect.rows[:1]
    assert unique.rows == collect.rows[: len(unique.rows)]
    assert (first.outputs is None) == (collect.rows == ())
    assert (unique.outputs is None) == (len(collect.rows) != 1)


@pytest.mark.parametrize("hit", ["ANY", "first"])
def test_other_policies_are_refused(hit: str) -> None:
    with pytest.raises(Exception, match="is not allowed; allowed: UNIQUE, FIRST, COLLECT"):
        table(hit)
