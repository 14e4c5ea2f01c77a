from __future__ import annotations

import pytest

from changbei.core.errors import NotFound
from changbei.plans import actions


def test_an_action_is_declared_once_and_found_by_name() -> None:
    @actions.action("testing.once", params={"type": "object", "properties": {"a": {}}, "required": ["a"]})
    def once(context: object) -> dict[str, object]:
        return {"seen": context}

    found = actions.get("testing.once")
    assert (found.param_names, found.required) == (("a",), ("a",))
    assert found.perform(1) == {"seen": 1}
    assert actions.registry()["testing.once"] is found
    with pytest.raises(ValueError, match=r"action testing\.once: declared twice"):

        @actions.action("testing.once", params={"type": "object"})
        def other() -> dict[str, object]:
            return {}


def test_an_unknown_action_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"no room offers the action testing\.never"):
        actions.get("testing.never")
