"""The plan pack that is shipped: it loads, its texts are whole, and its tables decide as the clauses say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from changbei.core.errors import Invalid
from changbei.core.texts import LANGUAGES
from changbei.plans import actions, runtime, tables
from changbei.plans.conditions import Condition
from changbei.plans.facts import Json
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.loading.shapes import schema
from changbei.plans.model import Procedure, Step
from changbei.plans.tests.walk import MONDAY, pack
from changbei.testing.city import SHIPPED

# --- the pack as a whole ---------------------------------------------------------------------------------------


def test_it_loads_with_every_clause_its_procedures_cite() -> None:
    assert len(pack().procedures) >= 16
    cited = {
        step.clause
        for procedure in pack().procedures.values()
        for step in procedure.steps.values()
        if step.clause
    }
    assert cited <= set(pack().clauses)


def test_actions_are_called_as_the_rooms_declare_them() -> None:
    """A room that has declared any action has to have all that the plan calls, with these parameters."""
    try:
        load_pack(read_folder(SHIPPED))
        problems = []
    except Invalid as error:
        problems = list(error.problems)
    rooms = {name.partition(".")[0] for name in actions.registry()}
    called = {
        step.action
        for procedure in pack().procedures.values()
        for step in procedure.steps.values()
        if step.action
    }
    absent = {action for action in called if action.partition(".")[0] not in rooms}
    assert [p for p in problems if not any(repr(action) in p.message for action in absent)] == []


def test_conditions_read_what_actions_and_forms_give() -> None:
    """`result.STEP.FIELD` is returned by the step's action, or filled in by whoever does it."""
    unknown = []
    for procedure in pack().procedures.values():
        by_key = {step.key: step for step in procedure.steps.values()}
        for condition in conditions_of(procedure):
            for path in condition.paths:
                if path[0] != "result" or len(path) < 3:
                    continue
                step = by_key[path[1]]
                given = set(step.task.form["properties"]) if step.task and step.task.form else set()
                given |= given_by_the_engine(step)
                if step.action in actions.registry():
                    given |= set(actions.get(step.action).returns.get("properties", {}))
                elif step.kind in {"do", "await"}:
                    continue  # the room does not declare it yet, or the fact is journalled elsewhere
                if path[2] not in given:
                    unknown.append(f"{procedure.id}: {'.'.join(path)}")
    assert unknown == []


def given_by_the_engine(step: Step) -> set[str]:
    """What a count-down, a loop, a called plan or kept evidence adds to the step's result."""
    given = {"evidence"} if step.task and step.task.evidence else set()
    if step.countdown:
        given |= {"ended", *(mark.key for mark in step.countdown.marks)}
    if step.each:
        given |= {"count", "done"}
    return given | ({"run", "number", "ended", "level", "restored_at", "decision"} if step.call else set())


def conditions_of(procedure: Procedure) -> Iterator[Condition]:
    for stage in procedure.stages:
        yield from (c for c in (stage.when, stage.hold_until) if c)
    for step in procedure.steps.values():
        yield from (c for c in (step.when, step.hold_until, step.wait_until) if c)
        yield from (*step.params.values(), *step.values.values())
        yield from step.limit.inputs.values() if step.limit else ()


def test_every_clause_says_what_fulfils_it() -> None:
    assert [clause.id for clause in pack().clauses.values() if not clause.fulfilled_by] == []


def test_a_procedure_lists_the_clauses_its_steps_cite() -> None:
    for procedure in pack().procedures.values():
        cited = {step.clause for step in procedure.steps.values() if step.clause}
        assert cited - set(procedure.clauses) == set(), procedure.id


def test_every_task_has_a_limit_and_a_chain_that_leads_away_from_its_role() -> None:
    for procedure in pack().procedures.values():
        for step in procedure.steps.values():
            if step.task is None:
                continue
            where = f"{procedure.id}/{step.id}"
            assert step.task.within.seconds or step.task.within.working_days, where
            assert step.task.chain, where
            if (
                step.each is None or step.each.holder is None
            ):  # otherwise the role only looks after the holders
                assert step.task.role not in step.task.chain, where


def test_immediate_tasks_of_people_have_an_acknowledgement_limit() -> None:
    for procedure in pack().procedures.values():
        for step in procedure.steps.values():
            if step.kind in {"task", "decide", "await"} and step.task and step.task.urgency == "immediate":
                assert step.task.acknowledge_within, f"{procedure.id}/{step.id}"


def test_traditional_texts_keep_to_the_glossary() -> None:
    """Words that a character-by-character conversion gets wrong, or that the glossary writes otherwise."""
    wrong = re.compile(
        "信息|软|軟件|硬件|捲煙|卷菸|緊俏煙|受控煙|短信|數據|復盤|隻影響|併為|聯系|服務器|模塊|電視臺|“|”"
    )
    found = []
    for file, text in read_folder(SHIPPED).items():
        for number, line in enumerate(text.splitlines(), start=1):
            for words in re.findall(r"zh-Hant: ([^{}]*?)(?:, en:|$)", line):
                found += [f"{file}:{number} {match}" for match in wrong.findall(words)]
    for clause in pack().clauses.values():
        found += [
            f"{clause.id} {match}"
            for match in wrong.findall(clause.body["zh-Hant"] + clause.title["zh-Hant"])
        ]
    assert found == []


def test_messages_by_phone_are_short() -> None:
    """70 Chinese characters are one text message; placeholders count as they stand."""
    spoken = {"call-script-suspended", "public-suspended-tv", "public-suspended-radio"}
    long = {t.id for t in pack().templates.values() if len(re.sub(r"{\w+}", "", t.body["zh-Hans"])) > 60}
    assert long - spoken == set()


# --- tables ----------------------------------------------------------------------------------------------------


def answer(table: str, **inputs: Any) -> Json | None:
    return tables.evaluate(pack().tables[table], inputs).outputs


@pytest.mark.parametrize(
    ("procedure", "report", "share", "level"),
    [
        ("vehicle-breakdown", {"vehicle": "17", "injured": True}, 0.0, "LOCAL"),
        ("vehicle-breakdown", {"vehicle": "17", "injured": False}, 0.9, "LOCAL"),
        ("severe-weather", {"phenomenon": "typhoon", "colour": "orange"}, 0.5, "MAJOR"),
        ("severe-weather", {"phenomenon": "typhoon", "colour": "orange"}, 0.499, "LOCAL"),
        ("severe-weather", {"phenomenon": "typhoon"}, 0.5, "MAJOR"),
        ("severe-weather", {"phenomenon": "rainstorm", "colour": "yellow"}, 0.9, "LOCAL"),
        ("severe-weather", {"phenomenon": "rainstorm", "colour": "blue"}, 1.0, "LOCAL"),
        ("severe-weather", {"phenomenon": "snow", "colour": "red"}, 0.2, "MAJOR"),
        ("severe-weather", {"phenomenon": "snow", "colour": "red"}, 0.19, "LOCAL"),
        ("severe-weather", {"phenomenon": "snow", "colour": "orange"}, 0.2, "LOCAL"),
        ("ordering-system-down", {"fails": "server", "stops_work": True}, 0.0, "MAJOR"),
        ("ordering-system-down", {"fails": "server", "stops_work": False}, 0.0, "LOCAL"),
        ("ordering-system-down", {"fails": "server", "stops_work": True, "city_wide": False}, 0.0, "LOCAL"),
        ("ordering-system-down", {"fails": "line", "stops_work": True}, 0.0, "LOCAL"),
        ("ordering-system-down", {"fails": "line", "stops_work": True, "city_wide": True}, 0.0, "MAJOR"),
        ("ordering-system-down", {"fails": "order_pc", "stops_work": True}, 0.0, "LOCAL"),
        ("sudden-demand", {"retailer": "R", "path": "planned"}, 0.0, "DEMAND"),
    ],
)
def test_levels(procedure: str, report: Json, share: float, level: str) -> None:
    context = {"report": report, "incident": {"share": share}}
    outcome = runtime.level_of(pack().procedures[procedure], context, {}, MONDAY)
    assert (outcome.outputs, outcome.notes) == ({"level": level}, ())


def test_the_acting_commander_follows_the_kind_of_event() -> None:
    families = ["network", "vehicle", "weather", "demand", "supply"]
    assert {family: answer("acting-commander", family=family) for family in families} == {
        "network": {"post": "info-center-head"},
        "vehicle": {"post": "delivery-center-head"},
        "weather": {"post": "delivery-center-head"},
        "demand": {"post": "marketing-center-head"},
        "supply": {"post": "marketing-center-head"},
    }
    assert answer("acting-commander", family="unheard-of") is None


WARNING = {
    "status": "Actual",
    "msg_type": "Alert",
    "meteorological": True,
    "colour": "orange",
    "severity": "Severe",
    "urgency": "Expected",
    "certainty": "Likely",
    "event": "typhoon",
    "share": 0.3,
    "over": False,
}


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({}, "start"),
        ({"colour": "red", "severity": "Unknown"}, "start"),
        ({"msg_type": "Update"}, "start"),
        ({"status": "Exercise"}, "drill"),
        ({"colour": "yellow", "severity": "Extreme"}, "propose"),
        ({"colour": "blue", "severity": "Extreme"}, "note"),
        ({"colour": "", "severity": "Extreme"}, "start"),
        ({"colour": "", "severity": "Severe"}, "start"),
        ({"colour": "", "severity": "Moderate"}, "propose"),
        ({"colour": "", "severity": "Minor"}, "note"),
        ({"colour": "", "severity": "Unknown"}, "note"),
        ({"urgency": "Past"}, "propose"),
        ({"certainty": "Unlikely"}, "propose"),
        ({"colour": "", "urgency": "Future"}, "propose"),
        ({"status": "Test"}, "note"),
        ({"status": "System"}, "note"),
        ({"status": "Draft"}, "note"),
        ({"msg_type": "Ack"}, "note"),
        ({"msg_type": "Error"}, "note"),
        ({"msg_type": "Cancel", "over": True, "share": 0.0}, "end"),
        ({"msg_type": "Cancel", "status": "Test"}, "note"),
        ({"meteorological": False}, "note"),
        ({"over": True}, "note"),
        ({"share": 0.0}, "note"),
    ],
)
def test_what_a_warning_starts(change: Json, action: str) -> None:
    procedure = "severe-weather" if action in {"start", "drill", "propose"} else ""
    assert answer("warning-start", **{**WARNING, **change}) == {"action": action, "procedure": procedure}


@pytest.mark.parametrize(
    ("path", "cartons", "role"),
    [
        ("planned", 1, "customer-service-head"),
        ("planned", 30, "customer-service-head"),
        ("planned", 31, "marketing-department-deputy"),
        ("planned", 100, "marketing-department-deputy"),
        ("planned", 101, ""),
        ("special", 1, "marketing-department-deputy"),
        ("special", 100, "marketing-department-deputy"),
        ("special", 101, ""),
        ("consumer", 1, "consumer-handler"),
        ("consumer", 49, "consumer-handler"),
        ("consumer", 50, ""),
    ],
)
def test_who_may_approve(path: str, cartons: int, role: str) -> None:
    assert (answer("approval-limit", path=path, cartons=cartons) or {"role": ""}) == {"role": role}


def test_eligibility_over_every_combination() -> None:
    """Nobody but a law-abiding customer with marked prices gets goods, and never scarce or controlled ones (E3.4.2)."""
    yes_no = [True, False]
    conducts = ["law_abiding", "warned", "punished"]
    sizes = {"planned": [0, 30, 100, 101], "special": [1, 100, 101], "consumer": [1, 49, 50, 120]}
    seen = 0
    for licence, conduct, marked, scarce, controlled in itertools.product(
        yes_no, conducts, yes_no, yes_no, yes_no
    ):
        for path, cartons in [(path, cartons) for path, many in sizes.items() for cartons in many]:
            role = (answer("approval-limit", path=path, cartons=cartons) or {"role": ""})["role"]
            expected = [
                reason
                for reason, applies in {
                    "no-licence": not licence,
                    "conduct": conduct != "law_abiding",
                    "marked-prices": not marked,
                    "scarce": scarce,
                    "controlled": controlled,
                    "wholesale": path == "consumer" and cartons >= 50,
                    "above-limit": path != "consumer" and cartons > 100,
                    "nothing": cartons <= 0,
                }.items()
                if applies
            ]
            outcome = tables.evaluate(
                pack().tables["eligibility"],
                {
                    "licence_active": licence,
                    "conduct": conduct,
                    "marked_prices": marked,
                    "scarce": scarce,
                    "controlled": controlled,
                    "path": path,
                    "cartons": cartons,
                    "role": role,
                },
            )
            assert (outcome.outputs, outcome.notes) == ({"reason": expected}, ())
            seen += 1
    assert seen == 2 * 3 * 2 * 2 * 2 * 11


def test_every_reason_to_refuse_has_words_for_the_customer() -> None:
    assert [
        row.then["reason"] for row in pack().tables["eligibility"].rows if set(row.note) != set(LANGUAGES)
    ] == []


# --- the handbook ----------------------------------------------------------------------------------------------

HANDBOOKS = ("plan-packs.md", "plan-packs.zh-Hans.md")


def example_of(handbook: str) -> dict[str, str]:
    """The files of the small pack that the handbook shows: blocks with a file name behind the language."""
    text = (SHIPPED.parents[1] / "docs" / handbook).read_text(encoding="utf-8")
    return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("handbook", HANDBOOKS)
def test_the_example_of_the_handbook_is_a_whole_pack(handbook: str) -> None:
    example = load_pack(example_of(handbook))
    assert list(example.procedures["power-cut"].steps) == ["look", "shut-down"]


def test_the_example_is_the_same_in_both_languages() -> None:
    assert example_of(HANDBOOKS[0]) == example_of(HANDBOOKS[1])


@pytest.mark.parametrize("handbook", HANDBOOKS)
def test_the_handbook_explains_every_kind_of_step_and_key(handbook: str) -> None:
    text = (SHIPPED.parents[1] / "docs" / handbook).read_text(encoding="utf-8")
    definitions = schema("procedure")["$defs"]
    keys = {key for name in definitions if name.endswith("Step") for key in definitions[name]["properties"]}
    plan, checks = schema("plan"), schema("checks")["properties"]["checks"]["items"]
    keys |= set(plan["properties"]) | set(schema("procedure")["properties"]) | set(checks["properties"])
    keys -= {"id", "title", "summary", "family", "clauses", "context"}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", text)) == []
