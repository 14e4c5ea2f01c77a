"""Whatever people report, decide, refuse or fail at, in whatever order: every shipped procedure comes to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.plans.facts import Json
from changbei.plans.tests.walk import MONDAY, Walk, pack

AREA = {"type": "Polygon", "coordinates": [[[117, 30], [117.5, 30], [117.5, 30.4], [117, 30]]]}
INCIDENT: Json = {
    "driver": "3107",
    "vehicle_keeper": "3107",
    "customer_manager": "2044",
    "vehicle": {"number": "17", "model": "厢式货车", "capacity_cartons": 900},
}
MOST_STEPS = 400


def moments() -> st.SearchStrategy[str]:
    hours = st.integers(min_value=-5, max_value=60)
    return hours.map(lambda n: (MONDAY + timedelta(hours=n)).isoformat())


def a(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An answer with all of these fields."""
    return st.fixed_dictionaries(fields)


def value(field: Json) -> st.SearchStrategy[Any]:
    """Something that the field of a form takes."""
    if "oneOf" in field:
        return st.sampled_from([choice["const"] for choice in field["oneOf"]])
    match field["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(min_value=field.get("minimum", 0), max_value=field.get("maximum", 60))
        case "number":
            return st.floats(min_value=field.get("minimum", 0), max_value=field.get("maximum", 1))
        case "array":
            return st.lists(form(field["items"]), min_size=1, max_size=2)
        case "object":
            return form(field) if "properties" in field else st.just(AREA)
    return moments() if field.get("format") == "date-time" else st.just("x")


def form(fields: Json | None) -> st.SearchStrategy[Json]:
    """A filled form: what it requires, and any of the rest."""
    if not fields:
        return st.just({})
    given = {name: value(field) for name, field in fields["properties"].items()}
    needed = {name: given.pop(name) for name in fields.get("required", ())}
    return st.fixed_dictionaries(needed, optional=given)


ANSWERS: dict[str, st.SearchStrategy[Json]] = {
    "delivery.recover": a(
        case=st.sampled_from(["", "c"]),
        stops=st.integers(0, 3),
        options=st.integers(0, 2),
        unserved=st.integers(0, 2),
        reserve=st.booleans(),
        best=st.just(""),
    ),
    "incidents.affected": a(retailers=st.integers(0, 900), share=st.floats(min_value=0, max_value=1)),
    "incidents.suspend": a(
        suspension=st.just("s"),
        starts_at=moments(),
        ends_at=moments(),
        period=st.just("p"),
        retailers=st.just(3),
    ),
    "incidents.extend": a(suspension=st.just("s"), ends_at=moments()),
    "incidents.make_call_list": a(call_list=st.just("l"), calls=st.integers(0, 2), callers=st.just(1)),
    "supply.assess_request": a(request=st.just("q"), eligible=st.booleans(), cartons=st.integers(1, 120)),
    "supply.merge_into_order": a(deliver_at=moments()),
    "supply.dispatch_replenishment": a(deliver_at=moments()),
    "supply.replenish_key_customers": a(requests=st.integers(0, 2)),
}
HAPPENS: dict[str, st.SearchStrategy[Json]] = {
    "delivery.recovery_accepted": a(case=st.just("c"), unserved=st.integers(0, 2), reserve=st.booleans()),
    "notify.call_list_finished": a(call_list=st.just("l"), reached=st.just(2)),
}


@pytest.mark.parametrize("procedure", sorted(pack().procedures))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_it_comes_to_an_end_without_a_condition_that_cannot_be_evaluated(
    procedure: str, data: st.DataObject
) -> None:
    report = data.draw(form(dict(pack().procedures[procedure].form)), label="report")
    level = data.draw(st.sampled_from(["LOCAL", "MAJOR"]), label="level")
    walk = Walk(procedure, report, level=level, **INCIDENT)
    for number in range(MOST_STEPS):
        if walk.finished:
            break
        ready = sorted(item for item in walk.open() if walk.procedure.steps[item].kind != "wait")
        if not ready:
            walk.later(hours=80)
            continue
        go_on(walk, data.draw(st.sampled_from(ready), label=f"{number}"), f"p{number}", data)
    assert walk.finished, sorted(walk.open())
    assert walk.state["notes"] == []


def go_on(walk: Walk, item: str, by: str, data: st.DataObject) -> None:
    """One step more: the task, action or event called `item` has its outcome."""
    step = walk.procedure.steps[item]
    fallback = walk.state["items"][item].get("fallback", False)
    filled = data.draw(form(dict(step.task.form) if step.task and step.task.form else None), label=item)
    if step.kind == "do" and not fallback:
        if data.draw(st.integers(0, 5), label="fails") == 0:
            walk.fails(item)
        else:
            walk.returns(item, **data.draw(ANSWERS.get(step.action, st.just({})), label=step.action))
    elif step.kind == "await":
        walk.happens(step.awaits, **data.draw(HAPPENS[step.awaits], label=step.awaits))
    elif step.kind == "decide" and step.task:
        walk.decide(
            item, data.draw(st.sampled_from([o.id for o in step.task.options]), label=item), by, **filled
        )
    elif step.kind == "approve":
        walk.approve(item, data.draw(st.booleans(), label=item), by)
    else:
        walk.done(item, **filled)
