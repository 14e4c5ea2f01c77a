"""What the product calls things."""

from __future__ import annotations

from changbei.plans import actions
from changbei.web.sentences import ACTIONS


def test_whatever_a_plan_may_call_has_words_for_its_readers() -> None:
    offered = {
        name for name in actions.registry() if not name.startswith("test")
    }  # tests declare some of their own
    assert sorted(offered - set(ACTIONS)) == []
    assert [name for name in ACTIONS if name not in offered] == []
