"""A plan from nothing: it can be carried out as it stands."""

from __future__ import annotations

from datetime import date

import pytest

from changbei.core.errors import Invalid
from changbei.plans.loading import load_pack
from changbei.plans.starting import starter

TODAY = date(2026, 11, 23)


def test_it_is_a_plan_with_a_procedure_of_its_own_name() -> None:
    files = starter("fire", '"火灾": 预案', effective_on=TODAY)
    pack = load_pack(files)
    assert (pack.id, list(pack.procedures), pack.effective_on) == ("fire", ["fire"], TODAY)
    assert pack.titles["zh-Hans"] == pack.procedures["fire"].title["en"] == '"火灾": 预案'
    assert not [path for path, text in files.items() if "own-plan" in path + text]


@pytest.mark.parametrize(
    ("pack", "title", "fields"), [("Fire", "x", ["pack"]), ("a--b", " ", ["pack", "title"])]
)
def test_a_wrong_id_and_a_missing_title_are_named(pack: str, title: str, fields: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        starter(pack, title, effective_on=TODAY)
    assert [problem.field for problem in caught.value.problems] == fields
