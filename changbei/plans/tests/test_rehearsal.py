"""Rehearsals: the compiled runtime does what the runtime does, and the figures are the people's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.plans.facts import Json
from changbei.plans.model import Procedure
from changbei.plans.rehearsal import Case, Pace, Response, Roster, Scenario, rehearse, tally
from changbei.plans.rehearsal.compiled import _branches, is_light
from changbei.plans.rehearsal.draws import draws
from changbei.plans.rehearsal.drive import play
from changbei.plans.rehearsal.playing import CAUSE, Played
from changbei.plans.rehearsal.preparing import Prepared, prepare
from changbei.plans.tests import packs
from changbei.plans.tests.packs import ON_FAILURE, TITLE, procedure, stage

MONDAY = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)  # 09:40 in the city, a working day
EXACT = Pace(
    responses={name: Response(60.0, 0.0) for name in ("immediate", "urgent", "routine")},
    no_answer_share=0.0,
    work_share=0.2,
    work_sigma=0.0,
    action_median_seconds=10.0,
    action_sigma=0.0,
    action_fails_share=0.0,
)
"""Everybody answers after a minute and needs a fifth of the limit; an action takes ten seconds."""


def task(name: str, role: str = "driver", **more: str) -> str:
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        f"id: {name}, clause: E1.1, task: {{title: {TITLE}}}, role: {role}, within: 15m,"
        f" overdue: [head, commander], urgency: immediate{rest}"
    )


def scene(plan: Procedure, roster: Roster | None = None, report: Json | None = None, **more: Any) -> Scenario:
    case = Case(plan, {"report": report or {}, "incident": {}}, **more)
    roster = roster or Roster.one_each(plan.roles_used())
    return Scenario("scene", (case,), roster, MONDAY)


def test_two_steps_one_after_the_other_take_their_time() -> None:
    plan = procedure(stage("go", task("a"), task("b", after="[a]")), head=packs.HEAD + "restored_by: b\n")
    found = rehearse(scene(plan), EXACT, runs=5)
    # a minute until seen and three minutes of work, twice
    assert found["first_action_seconds"] == {"p50": 60.0, "p90": 60.0, "p99": 60.0, "mean": 60.0}
    assert found["restored_seconds"] == {"p50": 480.0, "p90": 480.0, "p99": 480.0, "mean": 480.0}
    assert found["missed_deadlines_a_run"] == 0.0
    assert found["bottleneck"] == "driver"
    (driver,) = found["roles"]
    assert (driver["answer_seconds"], driver["queue_seconds"], driver["work_seconds"]) == (60.0, 0.0, 180.0)
    assert (driver["critical_share"], driver["critical_waiting_share"]) == (1.0, 0.25)


def test_one_person_in_two_roles_does_one_thing_at_a_time() -> None:
    plan = procedure(
        stage("go", task("a"), task("b", role="dispatcher")),
        stage("end", task("c", role="head")),
        head=packs.HEAD + "restored_by: c\n",
    )
    apart = rehearse(scene(plan), EXACT, runs=3)
    assert apart["restored_seconds"]["p50"] == 480.0
    both = Roster(("1", "2", "3"), {"driver": ((0.0, 0),), "dispatcher": ((0.0, 0),), "head": ((0.0, 1),)})
    together = rehearse(scene(plan, both), EXACT, runs=3)
    assert together["restored_seconds"]["p50"] == 660.0  # three minutes longer: b waits until a is done
    waited = {one["role"]: one["queue_seconds"] for one in together["roles"]}
    assert waited == {"driver": 0.0, "dispatcher": 180.0, "head": 0.0}
    assert together["bottleneck"] == "dispatcher"
    more = together["one_more_deputy"]
    assert (more["role"], more["restored_earlier_seconds"]["p50"]) == ("dispatcher", 180.0)


def test_who_cannot_be_reached_is_escalated_past() -> None:
    plan = procedure(
        stage("go", task("a", acknowledge_within="5m", escalate_every="10m")),
        head=packs.HEAD + "restored_by: a\n",
    )
    nobody = Roster(("1",), {"head": ((0.0, 0),), "commander": ((0.0, 0),)})
    found = rehearse(scene(plan, nobody), EXACT, runs=2)
    # told after five minutes, seen a minute later, three minutes of work
    assert found["restored_seconds"]["p50"] == 540.0
    (role,) = found["roles"]
    assert (role["role"], role["escalations_a_run"]) == ("driver", 1.0)


def test_nobody_anywhere_means_service_does_not_come_back() -> None:
    plan = procedure(stage("go", task("a")), head=packs.HEAD + "restored_by: a\n")
    found = rehearse(scene(plan, Roster((), {})), EXACT, runs=4)
    assert found["not_restored_share"] == 1.0
    assert found["restored_seconds"]["p50"] is None
    (one,) = found["tasks"]
    assert (one["missed_share"], one["unanswered_share"], one["within"]) == (1.0, 1.0, "15m")


def test_routine_work_waits_for_the_morning() -> None:
    plan = procedure(
        stage("go", task("a").replace("immediate", "routine")), head=packs.HEAD + "restored_by: a\n"
    )
    evening = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # 20:00
    case = Case(plan, {"report": {}, "incident": {}})
    found = rehearse(Scenario("x", (case,), Roster.one_each(("driver",)), evening), EXACT, runs=1)
    assert found["restored_seconds"]["p50"] == 12.5 * 3600 + 180  # half past eight, and three minutes
    assert found["tasks"][0]["missed_share"] == 1.0


def test_the_same_seed_is_the_same_rehearsal() -> None:
    plan = procedure(stage("go", task("a"), task("b", after="[a]")), head=packs.HEAD + "restored_by: b\n")
    first = rehearse(scene(plan), Pace(), runs=300, seed=4)
    assert rehearse(scene(plan), Pace(), runs=300, seed=4) == first
    assert rehearse(scene(plan), Pace(), runs=300, seed=5)["restored_seconds"] != first["restored_seconds"]
    fewer = tally(prepare(scene(plan), Pace(), seed=4), runs=100, seed=4)
    more = tally(prepare(scene(plan), Pace(), seed=4), runs=300, seed=4)
    assert more.restored[:100] == fewer.restored


# --- the compiled runtime is the runtime


def rows(prepared: Prepared, runs: int, seed: int) -> Any:
    people = len(prepared.scenario.roster.people)
    return draws(
        seed,
        runs,
        prepared.times,
        chances=2 * len(prepared.slots),
        people=people,
        no_answer_share=0.3,
        back=(log(1800.0), 0.6),
    )


def story(played: Played) -> list[Any]:
    """Everything that happened in a run, by names."""
    found: list[Any] = []
    for run, records in zip(played.runs, played.records, strict=True):
        if run is None:
            found.append(None)
            continue
        causes = {None: None, **{item: run.name(item) for item in records}}
        items = {run.name(item): (record[:CAUSE], causes[record[CAUSE]]) for item, record in records.items()}
        found.append((items, run.restored_at, run.finished_at))
    return found


def assert_same(
    plan: Procedure, report: Json, *, runs: int, seed: int, results: dict[str, Json] | None = None
) -> None:
    assert is_light(plan)
    setting = replace(
        scene(plan, report=report, results=results or {}), called={("other", "second"): Case(SECOND, {})}
    )
    pace = Pace(no_answer_share=0.3, action_fails_share=0.2)
    light, exact = prepare(setting, pace, seed=seed), prepare(setting, pace, seed=seed, exact=True)
    for one, other in zip(rows(light, runs, seed), rows(exact, runs, seed), strict=True):
        assert story(play(light, one)) == story(play(exact, other))


OPTIONS = f"options: [{{id: 'yes', title: {TITLE}}}, {{id: 'no', title: {TITLE}}}]"
DECIDE = (
    f"id: choose, clause: E1.1, decide: {{title: {TITLE}, {OPTIONS}}}, role: head, within: 10m,"
    " overdue: [commander], acknowledge_within: 1m"
)
WHENS = (
    "report.injured",
    'has(decision.choose) && decision.choose == "yes"',
    "has(result.a)",
    "has(result.act.share) && result.act.share > 0.3",
    "'room.done' in happened",
    "!has(result.b)",
)


CALLED = ("true", 'has(decision.choose) && decision.choose == "yes"')
SECOND = procedure(stage("go", task("x") + ", when: 'report.injured'", task("y", role="head")))


@st.composite
def plans(draw: st.DrawFn) -> Procedure:
    """Three stages in which what opens depends on what was decided, done, given and awaited before."""

    def when() -> str:
        return f", when: {draw(st.sampled_from(WHENS))!r}" if draw(st.booleans()) else ""

    def after(*names: str) -> str:
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
        return f", after: [{', '.join(chosen)}]" if chosen else ""

    first = [
        DECIDE,
        task("a") + after("choose"),
        f"id: act, clause: E1.1, do: room.act, on_failure: {ON_FAILURE}",
    ]
    second = [
        task("b", role="dispatcher", acknowledge_within="2m") + when(),
        "id: tell, clause: E1.1, notify: {template: told, roles: [driver], values: {vehicle: '\"1\"'}}"
        + after("b"),
        f"id: rest, clause: E1.1, wait: {{for: {draw(st.sampled_from(['5m', '2h']))}}}" + when(),
        f"id: seen, clause: E1.1, await: room.done, task: {{title: {TITLE}}}, role: head, within: 20m,"
        " overdue: [commander]" + after("rest", "tell"),
    ]
    third = [
        task("c") + when(),
        'id: until, clause: E1.1, wait: {until: \'"room.done" in happened ? string(now + duration("10m")) :'
        ' "2026-11-23T20:00:00+08:00"\'}' + when(),
        task("d", role="head") + after("c", "until"),
        f"id: other, clause: E1.1, call: {{plan: other, procedure: second}}, "
        f"with: {{injured: '{draw(st.sampled_from(CALLED))}'}},"
        f" wait: {draw(st.sampled_from(['true', 'false']))}, on_failure: {ON_FAILURE}" + when(),
    ]
    held = draw(st.sampled_from([None, "has(result.a) || has(result.act)"]))
    order = draw(st.sampled_from(["[one]", "[]"]))
    return procedure(
        stage("one", *first),
        stage("two", *second, after=order, **({"hold_until": f"'{held}'"} if held else {})),
        stage("three", *third, after=draw(st.sampled_from(["[two]", "[one, two]", "[]"]))),
        head=packs.HEAD + "restored_by: d\n",
    )


@settings(max_examples=25, deadline=None)
@given(plan=plans(), injured=st.booleans(), seed=st.integers(0, 10_000))
def test_random_plans_open_and_close_as_in_the_runtime(plan: Procedure, injured: bool, seed: int) -> None:
    results: dict[str, Json] = {"room.act": {"share": 0.5}, "room.done": {"n": 1}}
    assert_same(plan, {"injured": injured}, runs=4, seed=seed, results=results)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("a ? b : c", ("a ", " b ", " c")),
        ("(a ? b : (c ? d : e))", ("a ", " b ", " (c ? d : e)")),
        ("a ? b ? c : d : e", ("a ", " b ? c : d ", " e")),
        ('"?:" in x ? "a:b" : {"k": 1}', ('"?:" in x ', ' "a:b" ', ' {"k": 1}')),
        ("a && (b ? c : d)", None),
        ("(a) ? b : (c)", ("(a) ", " b ", " (c)")),
    ],
)
def test_where_an_expression_branches(source: str, parts: tuple[str, str, str] | None) -> None:
    assert _branches(source) == parts
