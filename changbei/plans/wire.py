"""Facts as JSON, so that a run can be stored and replayed.

`{"type": "Completed", "item": "rescue", "by": "3107", "result": {}}`. What is written here has passed
`plain.clean`, so it comes back from the database as it went in.
"""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from changbei.core.errors import Invalid
from changbei.plans.facts import Fact, Json
from changbei.plans.plain import clean

_FACTS: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}


def to_json(fact: Fact) -> Json:
    """The JSON form of a fact."""
    return {"type": type(fact).__name__} | {
        field.name: clean(getattr(fact, field.name)) for field in fields(fact)
    }


def fact_from_json(data: Json) -> Fact:
    """The fact that `data` describes; Invalid when it describes none."""
    kind = _FACTS.get(str(data.get("type")))
    if kind is None:
        raise Invalid("type", f"{data.get('type')!r} is not a fact; there are {', '.join(sorted(_FACTS))}")
    given = {name: value for name, value in data.items() if name != "type"}
    try:
        return kind(**given)
    except TypeError:
        wanted = ", ".join(field.name for field in fields(kind))
        raise Invalid(
            "", f"a {kind.__name__} has the fields {wanted}; these were given: {', '.join(sorted(given))}"
        ) from None
