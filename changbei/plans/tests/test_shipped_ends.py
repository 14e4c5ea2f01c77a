"""Whatever people report, decide, refuse or fail at, in whatever order: every shipped procedure comes to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.plans.facts import CallEnded, Json
from changbei.plans.model import step_of
from changbei.plans.tests.walk import MONDAY, Walk, pack

AREA = {"type": "Polygon", "coordinates": [[[117, 30], [117.5, 30], [117.5, 30.4], [117, 30]]]}
INCIDENT: Json = {
    "driver": "3107",
    "vehicle_keeper": "3107",
    "customer_manager": "2044",
    "reporter": "2044",
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
            items = field["items"]
            one = form(items) if "properties" in items else value(items)
            return st.lists(one, min_size=1, max_size=2)
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
    "incidents.extend": a(suspension=st.just("s"), ends_at=moments(), extended_at=moments()),
    "incidents.fetch_forecast": a(kept=st.booleans()),
    "incidents.read_forecast": a(
        severe_days=st.integers(0, 2),
        first=st.just({}),
        second=st.just({}),
        third=st.just({}),
        prepare=st.just({}),
        source=st.just(""),
    ),
    "incidents.departments": a(
        departments=st.lists(st.just({"code": "d", "title": "d", "staff_no": ""}), max_size=1),
        count=st.just(1),
    ),
    "incidents.end_line_hold": a(lines=st.integers(0, 2), stops=st.integers(0, 9), measure=st.just("go")),
    "incidents.make_call_list": a(call_list=st.just("l"), calls=st.integers(0, 2), callers=st.just(1)),
    "supply.assess_request": a(request=st.just("q"), eligible=st.booleans(), cartons=st.integers(1, 120)),
    "supply.cash_candidates": a(
        event=st.just("e"),
        order_day=st.just("2026-11-23"),
        retailers=st.integers(0, 2),
        customers=st.lists(st.just("c"), max_size=2),
    ),
    "supply.allow_cash": a(allowed=st.integers(0, 2)),
    "supply.merge_into_order": a(deliver_at=moments()),
    "supply.dispatch_replenishment": a(deliver_at=moments()),
    "supply.replenish_key_customers": a(requests=st.integers(0, 2)),
}
ANSWERS |= {
    "incidents.tell_contacts": a(
        told=st.integers(0, 2),
        contacts=st.lists(
            st.just({"code": "carrier-x", "organisation": {"zh-Hans": "x"}, "phone": "1"}), max_size=1
        ),
        missing=st.booleans(),
    ),
    "readiness.use_spare": a(
        kind=st.just("order-pc"),
        site=st.just("s"),
        taken=st.just(1),
        left=st.integers(0, 2),
        planned=st.just(2),
    ),
    "readiness.record_backup": a(day=st.just("2026-11-23"), same_day=st.booleans()),
    "readiness.record_restore_drill": a(restore_seconds=st.integers(0, 90_000), complete=st.booleans()),
    "readiness.inspection_round": a(
        places=st.lists(st.just({"code": "p", "label": "p", "kind": "office", "inspector": ""}), max_size=1)
    ),
    "readiness.record_inspections": a(inspected=st.just(1), count=st.integers(0, 2), look_again_at=moments()),
    "readiness.unmended_findings": a(
        count=st.integers(0, 1), findings=st.lists(st.just({"key": "1", "text": "x"}), max_size=1)
    ),
}
KEPT: Json = {"kind": "file", "sha256": "0" * 64, "at": MONDAY.isoformat(), "by": "1001"}
HAPPENS: dict[str, st.SearchStrategy[Json]] = {
    "delivery.recovery_accepted": a(case=st.just("c"), unserved=st.integers(0, 2), reserve=st.booleans()),
    "incidents.forecast_kept": a(forecast=st.just("f"), source=st.just("hand"), severity=st.just("calm")),
    "incidents.lines_decided": a(held=st.integers(0, 2), stops=st.integers(0, 9), review_at=moments()),
    "supply.cash_customers_named": a(customers=st.integers(0, 2)),
    "supply.cash_reconciled": a(closed=st.integers(0, 2), not_used=st.integers(0, 2), total_fen=st.just(100)),
    "supply.settlements_listed": a(listed=st.integers(0, 2), gap_fen=st.just(100)),
    "supply.settlements_corrected": a(corrected=st.integers(0, 2)),
    "supply.settlements_reconciled": a(reconciled=st.integers(0, 2), total_fen=st.just(100)),
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
        ready = sorted(item for item in walk.open() if somebody_has_it(walk, item))
        if not ready:
            walk.later(hours=80)
            continue
        go_on(walk, data.draw(st.sampled_from(ready), label=f"{number}"), f"p{number}", data)
    assert walk.finished, sorted(walk.open())
    assert walk.state["notes"] == []


def somebody_has_it(walk: Walk, item: str) -> bool:
    """Not what time brings about, nor the loop around the tasks of its elements."""
    step = walk.procedure.steps[step_of(item)]
    return step.kind not in {"wait", "countdown"} and (step.each is None or "@" in item)


def go_on(walk: Walk, item: str, by: str, data: st.DataObject) -> None:
    """One step more: the task, action or event called `item` has its outcome."""
    step = walk.procedure.steps[step_of(item)]
    fallback = walk.state["items"][item].get("fallback", False)
    filled = data.draw(form(dict(step.task.form) if step.task and step.task.form else None), label=item)
    if step.task and step.task.evidence:
        filled = filled | {"evidence": [KEPT]}
    if step.kind == "call" and "called" in walk.state["items"][item]:
        walk.apply(CallEnded(item, {"run": "r", "ended": "finished", "level": "LOCAL", "decision": {}}))
    elif step.kind in {"do", "call"} and not fallback:
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
