"""Calls, loops and the additions to approvals: what their authors get wrong, and what the runtime makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from changbei.core.errors import Invalid
from changbei.plans import facts as f
from changbei.plans.loading import load_pack
from changbei.plans.model import Procedure
from changbei.plans.runtime import doers, start_state, step
from changbei.plans.tests import packs
from changbei.plans.tests.packs import HEAD, ON_FAILURE, TASK, TITLE, procedure, stage

START = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
EACH = "each: {of: incident.shops, as: shop, key: shop.code, label: shop.name, holder: shop.by}"
SHOPS = [{"code": "A1", "name": "Shop 1", "by": "3107"}, {"code": "B:2", "name": "Shop 2"}]


def wrong(*stages: str, **changes: str) -> list[str]:
    """What is wrong with the procedure, without the places of lines."""
    with pytest.raises(Invalid) as caught:
        load_pack(packs.files("".join(stages), **changes), check_actions=False)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def where(step: str, piece: str) -> tuple[int, int]:
    """Line and column of the mistake in a step, and of the piece that it should stand at."""
    with pytest.raises(Invalid) as caught:
        load_pack(packs.files(stage("go", step)), check_actions=False)
    assert len(caught.value.problems) == 1, caught.value.problems
    problem = caught.value.problems[0]
    return problem.column, 10 + step.index(piece)


def _run(made: Procedure, **context: Any) -> f.Json:
    return step(made, start_state(), f.Started({"report": {}, **context}), START)[0]


# --- what authors get wrong ---------------------------------------------------------------------------------------


def test_a_countdown_and_its_marks() -> None:
    def counting(marks: str) -> list[str]:
        return wrong(
            stage(
                "go",
                f"id: u, clause: E1.1, countdown: {{title: {TITLE}, until: incident.end, marks: [{marks}]}}",
            )
        )

    at = "stages[0].steps[0].countdown.marks"
    assert counting("{id: ended, before: 1h}") == [
        f"{at}[0].id: 'ended' says how the count-down ended; take another word"
    ]
    assert counting("{id: a, before: 1h}, {id: a, before: 2h}") == [
        f"{at}[1].id: the mark 'a' is there twice"
    ]
    assert counting("{id: a, before: 1wd}") == [
        f"{at}[0].before: a mark lies hours or days before the end, not working days"
    ]
    assert counting("{id: a}") == [f"{at}[0].before: is missing; needed here: id, before"]
    assert counting("{id: a, before: setting.qick}") == [
        f"{at}[0].before: unknown setting 'qick'; there are: most_share, quick; did you mean quick?"
    ]


def test_mistakes_stand_where_they_are() -> None:
    marks = "[{id: m, before: 1wd}]"
    counting = f"id: u, clause: E1.1, countdown: {{title: {TITLE}, until: incident.end, marks: {marks}}}"
    assert len(set(where(counting, "1wd"))) == 1
    looping = f"id: a, {TASK}, each: {{of: incident.shops, as: one, key: two.code, label: one}}"
    assert len(set(where(looping, "two.code"))) == 1


def test_a_loop() -> None:
    at = "stages[0].steps[0]"
    assert wrong(stage("go", f"id: a, {TASK}, each: {{of: '1 + 1', as: one, key: one, label: one}}")) == [
        f"{at}.each.of: needs a list; this gives int"
    ]
    assert wrong(
        stage("go", f"id: a, {TASK}, each: {{of: '[1]', as: report, key: report, label: report}}")
    ) == [f"{at}.each.as: 'report' means something else already"]
    name = "a" * 41
    assert wrong(stage("go", f"id: {name}, {TASK}, each: {{of: '[1]', as: one, key: one, label: one}}")) == [
        f"{at}.id: with each: at most 40 letters"
    ]


def test_a_field_that_the_result_has_already() -> None:
    form = f"form: {{type: object, properties: {{evidence: {{type: string, title: {TITLE}}}}}}}"
    assert wrong(stage("go", f"id: a, {TASK}, {form}")) == [
        "stages[0].steps[0].form.properties.evidence: 'evidence' means something else already"
    ]


def test_a_call_names_a_procedure_and_fills_its_form() -> None:
    def calling(call: str, given: str = "{vehicle: '\"17\"'}") -> list[str]:
        return wrong(
            stage("go", f"id: a, clause: E1.1, call: {call}, with: {given}, on_failure: {ON_FAILURE}")
        )

    at = "stages[0].steps[0]"
    circle = f"{at}.call: leads back to itself: breakdown → breakdown"
    assert calling("{procedure: brakedown}") == [
        f"{at}.call.procedure: unknown procedure 'brakedown'; there are: breakdown; did you mean breakdown?"
    ]
    assert calling("{procedure: breakdown}") == [circle]
    assert calling("{plan: test-plan, procedure: breakdown}", "{vehicles: '\"17\"'}") == [
        circle,
        f"{at}.with.vehicle: is missing: the form of breakdown requires it",
        f"{at}.with.vehicles: the form of breakdown has no field 'vehicles'; "
        "there are: driver, injured, vehicle; did you mean vehicle?",
    ]
    other = f"id: a, clause: E1.1, call: {{plan: other, procedure: x}}, wait: false, on_failure: {ON_FAILURE}"
    called = procedure(stage("go", other)).steps["a"].call
    assert called is not None
    assert (called.plan, called.procedure, called.wait) == ("other", "x", False)


def test_two_procedures_that_call_each_other() -> None:
    def of(other: str) -> str:
        return stage(
            "go",
            f"id: a, clause: E1.1, call: {{procedure: {other}}}, with: {{vehicle: report.vehicle}}, "
            f"on_failure: {ON_FAILURE}",
        )

    files = packs.files(of("second"))
    files["procedures/second.yaml"] = files["procedures/breakdown.yaml"].replace(
        "id: breakdown", "id: second"
    )
    files["procedures/second.yaml"] = files["procedures/second.yaml"].replace(
        "procedure: second", "procedure: breakdown"
    )
    with pytest.raises(Invalid) as caught:
        load_pack(files, check_actions=False)
    assert [problem.message for problem in caught.value.problems] == [
        "leads back to itself: breakdown → second → breakdown"
    ]


def test_a_schedule() -> None:
    def scheduled(*entries: str) -> list[str]:
        lines = "".join(f"  - {{{entry}}}\n" for entry in entries)
        return wrong(stage("go", f"id: a, {TASK}"), head=HEAD + f"schedule:\n{lines}")

    full = "with: {vehicle: '\"17\"'}"
    assert scheduled(f'every: week, at: "07:30", {full}') == [
        "schedule[0].weekday: is missing: every week on which day? or random: true"
    ]
    assert scheduled(f'every: month, at: "07:30", random: true, day: 5, {full}') == [
        "schedule[0].day: does not go with every: month and random"
    ]
    assert scheduled(f'every: day, at: "07:30", random: true, {full}') == [
        "schedule[0].random: every day leaves no day to choose; week or month does"
    ]
    assert scheduled('every: day, at: "7:30"') == [
        "schedule[0].with.vehicle: is missing: the form requires it, and nobody is there to fill it in",
        "schedule[0].at: '7:30' does not fit: needs a time of the day in quotes, e.g. \"07:30\"",
    ]
    assert scheduled('every: day, at: "07:30", with: {vehicle: report.vehicle}') == [
        "schedule[0].with.vehicle: in the condition: 'report.vehicle' is not known here; "
        "known: now, setting.most_share, setting.quick"
    ]


def test_an_audience_of_customers() -> None:
    plan = packs.PLAN.replace(
        "staff: {job: driver, scope: city}", "retailers: {tier_from: 20, tier_to: 10, line: L1}"
    )
    assert wrong(stage("go", f"id: a, {TASK}"), plan=plan) == [
        "audiences.all-drivers.retailers.tier_to: 10 lies before tier_from, which is 20"
    ]
    good = plan.replace("tier_to: 10", "tier_to: 30, area: suspension, key: true")
    audience = packs.pack(stage("go", f"id: a, {TASK}"), plan=good).audiences["all-drivers"]
    assert audience.retailers == {
        "tier_from": 20,
        "tier_to": 30,
        "area": "suspension",
        "key": True,
        "line": "L1",
    }


# --- what the runtime makes of them -------------------------------------------------------------------------------


def test_one_task_for_each() -> None:
    made = procedure(stage("go", f"id: a, {TASK}, {EACH}"))
    state, commands = step(
        made, start_state(), f.Started({"report": {}, "incident": {"shops": [*SHOPS, SHOPS[0], {}]}}), START
    )
    due = START + timedelta(minutes=15)
    assert [command for command in commands if isinstance(command, f.OpenTask)] == [
        f.OpenTask("a@A1", None, due, "driver", "Shop 1", "3107"),
        f.OpenTask("a@B:2", None, due, "driver", "Shop 2", ""),
    ]
    assert state["items"]["a"] == {"status": "open", "opened_at": START.isoformat(), "left": 2}
    assert state["context"]["result"]["a"] == {"count": 2, "done": {}}
    assert [(note["what"], note["detail"]) for note in state["notes"]] == [
        ("left out of the list", "A1"),
        ("left out of the list", "no key"),
    ]
    state, _ = step(made, state, f.Completed("a@B:2", "1", {"x": 1}), START)
    assert (state["items"]["a"]["left"], "due:a@B:2:1" in state["timers"]) == (1, False)
    state, _ = step(made, state, f.Completed("a@A1", "2", {}), START)
    assert state["context"]["result"]["a"] == {"count": 2, "done": {"B:2": {"x": 1}, "A1": {}}}
    assert state["status"] == "finished"
    assert doers(state, "a") == {"1", "2"}


def test_long_keys_that_begin_alike_stay_two() -> None:
    made = procedure(stage("go", f"id: a, {TASK}, {EACH}"))
    long = [{**SHOPS[0], "code": "L" * 60 + end} for end in ("1", "2")]
    state, commands = step(made, start_state(), f.Started({"report": {}, "incident": {"shops": long}}), START)
    items = [command.item for command in commands if isinstance(command, f.OpenTask)]
    assert len(set(items)) == 2 and all(len(item.partition("@")[2]) == 39 for item in items)
    assert not state["notes"]


def test_an_empty_list_is_done_and_what_is_no_list_is_one_task() -> None:
    made = procedure(stage("go", f"id: a, {TASK}, {EACH}"))
    empty = _run(made, incident={"shops": []})
    assert (empty["status"], empty["context"]["result"]["a"]) == ("finished", {"count": 0, "done": {}})
    for incident in ({}, {"shops": "A1"}):
        state, commands = step(made, start_state(), f.Started({"report": {}, "incident": incident}), START)
        assert [command.item for command in commands if isinstance(command, f.OpenTask)] == ["a"]
        assert state["notes"][0]["what"] == "of could not be evaluated"


def test_a_call_that_is_waited_for_and_one_that_is_not() -> None:
    call = f"clause: E1.1, call: {{plan: other, procedure: x}}, with: {{n: incident.n}}, on_failure: {ON_FAILURE}"
    made = procedure(stage("go", f"id: a, {call}", f"id: b, wait: false, {call}"))
    state, commands = step(made, start_state(), f.Started({"report": {}, "incident": {"n": 3}}), START)
    assert commands[1:] == [
        f.CallPlan("a", "other", "x", {"n": 3}, wait=True),
        f.CallPlan("b", "other", "x", {"n": 3}, wait=False),
    ]
    for item in ("a", "b"):
        state, _ = step(made, state, f.ActionDone(item, {"run": "u", "number": "INC-1/2"}), START)
    assert (state["items"]["a"]["status"], state["items"]["b"]["status"]) == ("open", "done")
    state, _ = step(made, state, f.CallEnded("a", {"ended": "finished"}), START)
    assert state["context"]["result"]["a"] == {"ended": "finished"}
    assert state["status"] == "finished"


def test_a_call_that_cannot_begin_is_done_by_hand() -> None:
    made = procedure(
        stage("go", f"id: a, clause: E1.1, call: {{plan: o, procedure: x}}, on_failure: {ON_FAILURE}")
    )
    state, commands = step(made, _run(made), f.ActionFailed("a", "no such plan"), START)
    assert [command.item for command in commands if isinstance(command, f.OpenTask)] == ["a"]
    state, _ = step(made, state, f.Completed("a", "1", {}), START)
    assert state["status"] == "finished"


APPROVE = "clause: E1.1, role: head, within: 2h, overdue: [commander]"


def test_act_first() -> None:
    made = procedure(
        stage(
            "go",
            f"id: a, approve: {{title: {TITLE}, act_first: incident.urgent}}, {APPROVE}",
            f"id: b, after: [a], {TASK}",
        ),
        stage("then", f'id: c, when: decision.a == "approved", {TASK}'),
    )
    calm = _run(made, incident={})
    assert "b" not in calm["items"]
    state = _run(made, incident={"urgent": True})
    assert (state["context"]["decision"], state["items"]["b"]["status"]) == ({"a": "provisional"}, "open")
    state, _ = step(made, state, f.Completed("b", "1", {}), START)
    assert state["stages"] == {"go": "open", "then": "waiting"}
    state, _ = step(made, state, f.Completed("a", "2", {"approved": True}), START)
    assert (state["context"]["decision"], state["stages"]["then"]) == ({"a": "approved"}, "open")


@pytest.mark.parametrize("decides", ["approved", "refused"])
def test_an_approval_that_nobody_gives(decides: str) -> None:
    made = procedure(
        stage(
            "go", f"id: a, approve: {{title: {TITLE}, timeout: {{after: 3h, decides: {decides}}}}}, {APPROVE}"
        )
    )
    state = _run(made)
    assert state["timers"]["timeout:a"] == (START + timedelta(hours=3)).isoformat()
    state, commands = step(made, state, f.TimerFired("timeout:a"), START + timedelta(hours=3))
    assert state["context"]["decision"] == {"a": decides}
    assert f.CloseTask("a", "done", "", {"approved": decides == "approved", "timed_out": True}) in commands
    assert (state["items"]["a"]["timed_out"], state["items"]["a"]["late_seconds"]) == (True, 3600)
    answered, _ = step(made, _run(made), f.Completed("a", "1", {"approved": True}), START)
    assert answered["timers"] == {}
