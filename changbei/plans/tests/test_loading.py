"""Packs that are wrong: every mistake, with file, line and column, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.core.durations import Duration
from changbei.core.errors import Invalid
from changbei.plans import actions
from changbei.plans.loading import digest_of, load_pack, pack_for, read_folder
from changbei.plans.tests import packs
from changbei.plans.tests.packs import HEAD, TASK, TITLE, stage


def problems(files: dict[str, str], *, check_actions: bool = False) -> list[str]:
    with pytest.raises(Invalid) as raised:
        load_pack(files, check_actions=check_actions)
    return [str(problem) for problem in raised.value.problems]


def wrong(stages: str, **changes: str) -> list[str]:
    return problems(packs.files(stages, **changes))


GOOD = stage("go", f"id: a, {TASK}")
TIMES = "clause: E1.1, role: head, within: 5m, overdue: usual"


def expect(step: str, *mistakes: tuple[str, str]) -> None:
    """The pack whose only step is this has exactly these mistakes: each at a piece of the step ("" for
    the step itself), with the field below the step and the message.
    """
    expected = [
        f"procedures/breakdown.yaml:16:{10 + step.index(piece) if piece else 9}: stages[0].steps[0]{words}"
        for piece, words in mistakes
    ]
    assert wrong(stage("go", step)) == expected


def test_the_small_pack_is_right() -> None:
    found = packs.pack(GOOD)
    assert found.id == "test-plan"
    assert found.review_period == Duration(seconds=365 * 86400)
    assert found.settings["most_share"].value == 0.5
    assert found.settings["quick"].type == "string"
    assert found.roles["dispatcher"].duty == "dispatcher"
    assert found.clauses["E1.1"].body["en"] == "Report at once."
    assert found.templates["told"].placeholders == {"number", "vehicle"}
    task = found.procedures["breakdown"].task("a")
    assert task is not None
    assert task.chain == ("dispatcher", "head", "commander")
    assert task.within == Duration(seconds=900)
    assert task.escalate_every == Duration(seconds=300)
    assert found.procedures["breakdown"].roles_used() == ("driver", "dispatcher", "head", "commander")


def test_an_unknown_key_names_the_allowed_ones_and_the_likely_one() -> None:
    allowed = (
        "acknowledge_within, after, clause, each, escalate_every, evidence, form, hold_until, id, overdue, page, role, "
        "task, urgency, when, within"
    )
    expect(
        f"id: a, {TASK}, witihn: 5m",
        ("witihn", f".witihn: unknown key; allowed here: {allowed}; did you mean within?"),
    )


def test_a_missing_key_is_told_once_where_the_thing_begins() -> None:
    expect(
        f"id: a, clause: E1.1, task: {{title: {TITLE}}}, role: head, overdue: usual",
        ("", ".within: is missing; needed here: id, task, role, clause, within, overdue"),
    )


def test_a_missing_language() -> None:
    assert wrong(
        GOOD, head=packs.with_lines(HEAD, {"{zh-Hans: 员, zh-Hant: 員, en: Driver}": "{zh-Hans: 员, en: D}"})
    ) == [
        "procedures/breakdown.yaml:11:35: form.properties.driver.title.zh-Hant: is missing: "
        "every text is needed in zh-Hans, zh-Hant and en"
    ]


def test_a_wrong_type_says_what_is_needed() -> None:
    expect(
        f"id: a, {TASK}, when: true",
        (
            "true",
            ".when: needs a condition in CEL, written as a string (put it in quotes); this is true (true or false)",
        ),
    )
    assert wrong("[]\n") == ["procedures/breakdown.yaml:13:3: stages: must not be empty"]


def test_a_step_without_a_kind_and_a_step_with_two() -> None:
    kinds = "await, do, call, notify, wait, countdown, decide, approve, task"
    expect(
        "id: a, notfy: {}",
        (
            "",
            f": says not what is to be done; one of these keys is needed: {kinds}; did you mean notify?",
        ),
    )
    expect(
        "id: a, wait: {for: 5m}, task: {}",
        ("task", ".task: unknown key; allowed here: after, clause, hold_until, id, wait, when"),
    )


def test_unknown_words_with_the_likely_one() -> None:
    roles = "there are: commander, dispatcher, driver, head"
    expect(
        f"id: a, clause: E1.2, task: {{title: {TITLE}}}, role: drivr, within: 5m, overdue: [hed]",
        ("E1.2", ".clause: unknown clause: there is no file clauses/E1.2.md; did you mean E1.1?"),
        ("drivr", f".role: unknown role 'drivr'; {roles}; did you mean driver?"),
        ("hed]", f".overdue[0]: unknown role 'hed'; {roles}; did you mean head?"),
    )
    expect(
        f"id: a, clause: E1.1, task: {{title: {TITLE}}}, role: head, within: 5m, overdue: usul",
        ("usul", ".overdue: unknown ladder 'usul'; there are: usual; did you mean usual?"),
    )
    expect(
        "id: t, clause: E1.1, notify: {template: tolld, audience: drivers}",
        ("tolld", ".notify.template: unknown template 'tolld'; there are: told; did you mean told?"),
        (
            "drivers",
            ".notify.audience: unknown audience 'drivers'; there are: all-drivers; did you mean all-drivers?",
        ),
    )
    expect(f"id: a, {TASK}, after: [b]", ("b]", ".after[0]: unknown step 'b'; there are: a"))
    limit = "approve: {title: " + TITLE + ", limit: {table: limts, with: {}}}"
    expect(
        f"id: a, {TIMES}, {limit}", ("limts", ".approve.limit.table: unknown table 'limts'; there are: level")
    )


def test_unknown_setting_and_a_setting_that_is_no_duration() -> None:
    step = f"id: a, clause: E1.1, task: {{title: {TITLE}}}, role: head, overdue: usual, within: "
    expect(
        step + "setting.quik",
        (
            "setting",
            ".within: unknown setting 'quik'; there are: most_share, quick; did you mean quick?",
        ),
    )
    expect(
        step + "setting.most_share",
        ("setting", ".within: setting.most_share holds 0.5, which is no duration such as 15m or 1wd"),
    )
    expect(
        step + "5 minutes",
        (
            "5 minutes",
            ".within: '5 minutes' does not fit: needs a duration: 90s, 15m, 2h, 3d, 1wd for a working day, "
            "or setting.NAME for a setting that holds one",
        ),
    )


@pytest.mark.parametrize(
    ("condition", "piece", "message"),
    [
        ("report.injured &&", "&", "it ends too early"),
        (
            'report.injured && repot.vehicle == "x"',
            "repot",
            "'repot.vehicle' is not known here; known: decision, happened, incident, now, report, result, "
            "setting.most_share, setting.quick",
        ),
        (
            'report.vehicel == "x"',
            "vehicel",
            "the form has no field 'vehicel'; there are: driver, injured, vehicle; did you mean vehicle?",
        ),
        ("result.b.x > 1", "b.x", "no step gives 'b'; there are: a"),
        ('decision.a == "yes"', "a ==", "no step decides 'a'; there are: none"),
        ("size(report.vehicle)", "size", "a condition has to give true or false; this gives int"),
        (
            "setting.most_share > 1",
            "> 1",
            "found no matching overload for '_>_' applied to '(double, int)'; "
            "beside a double write whole numbers as 1.0",
        ),
    ],
)
def test_bad_conditions_with_the_place_inside(condition: str, piece: str, message: str) -> None:
    step = f"id: x, wait: {{for: 1m}}, when: '{condition}'"
    found = wrong(stage("go", f"id: a, {TASK}", step))
    column = 10 + len("id: x, wait: {for: 1m}, when: '") + condition.index(piece) + (piece == "&")
    assert found == [
        f"procedures/breakdown.yaml:17:{column}: stages[0].steps[1].when: in the condition: {message}"
    ]


def test_the_place_inside_a_condition_of_several_lines() -> None:
    text = """\
    - id: go
      title: {zh-Hans: 做, zh-Hant: 做, en: Do}
      when: |
        report.injured
          && nonsense
      steps:
        - {id: pause, wait: {for: 1m}}
    """
    (found,) = wrong(text)
    assert found.startswith(
        "procedures/breakdown.yaml:17:12: stages[0].when: in the condition: 'nonsense' is not known here"
    )


def test_the_place_inside_chinese_and_escaped_text() -> None:
    head = HEAD + "same: {within: 1h, by: \"report.vehicle == '车\\\\'' ? 'x' : nope\"}\n"
    (found,) = wrong(GOOD, head=head)
    column = head.splitlines()[-1].index("nope") + 1
    assert found.startswith(
        f"procedures/breakdown.yaml:12:{column}: same.by: in the condition: 'nope' is not known here"
    )


def test_ids_that_are_there_twice_and_circles() -> None:
    first = f"id: a, {TASK}, after: [b]"
    column = 10 + first.index("[b]")
    assert wrong(stage("go", first, f"id: b, {TASK}, after: [a]")) == [
        f"procedures/breakdown.yaml:16:{column}: stages[0].steps[0].after: goes round in a circle: a → b → a"
    ]
    assert wrong(stage("go", f"id: a, {TASK}", f"id: a, {TASK}")) == [
        "procedures/breakdown.yaml:17:14: stages[0].steps[1].id: the id 'a' is already used in this procedure"
    ]
    assert wrong(stage("x", f"id: a, {TASK}", after="[y]") + stage("y", f"id: b, {TASK}")) == [
        "procedures/breakdown.yaml:15:12: stages[0].after: goes round in a circle: x → y → x"
    ]
    assert wrong(stage("x", f"id: a, {TASK}") + stage("y", f"id: b, {TASK}, after: [a]")) == [
        f"procedures/breakdown.yaml:20:{column + 1}: stages[1].steps[0].after[0]: a is a step of another "
        f"stage; only stages "
        "wait for each other (`after` of the stage)"
    ]


def test_a_decision_without_options() -> None:
    expect(
        f"id: a, {TIMES}, decide: {{title: {TITLE}}}",
        ("{title", ".decide.options: is missing; needed here: title, options"),
    )


def test_who_else_has_to_have_done_it() -> None:
    approve = "clause: E1.1, role: head, within: 5m, overdue: usual, approve: {title: " + TITLE
    found = wrong(
        stage(
            "go",
            f"id: a, {approve}, not_same_as: a}}",
            "id: b, wait: {for: 1m}",
            f"id: c, {approve}, not_same_as: [b, d]}}",
        )
    )
    assert [problem.split(": ", 1)[1] for problem in found] == [
        "stages[0].steps[0].approve.not_same_as: a step cannot be done by somebody other than itself",
        "stages[0].steps[2].approve.not_same_as: b is not done by a person",
        "stages[0].steps[2].approve.not_same_as[1]: unknown step 'd'; there are: a, b, c",
    ]


def test_what_a_clause_says_fulfils_it_has_to_be_there() -> None:
    clause = packs.with_lines(
        packs.CLAUSE,
        {"[procedure:breakdown]": "[procedure:brakdown, check:vans, 'procedure:breakdown/x', plan:y]"},
    )
    assert wrong(GOOD, clause=clause) == [
        "clauses/E1.1.md:4:16: fulfilled_by[0]: there is no procedure 'brakdown'; there are: breakdown; "
        "did you mean breakdown?",
        "clauses/E1.1.md:4:36: fulfilled_by[1]: there is no check 'vans'; there are: none",
        "clauses/E1.1.md:4:48: fulfilled_by[2]: breakdown has no step 'x'; there are: a",
        "clauses/E1.1.md:4:73: fulfilled_by[3]: 'plan:y' does not fit: needs procedure:ID, "
        "procedure:ID/STEP, check:ID, registry:ID, "
        "table:ID, role:ID, checklist:ID or setting:NAME",
    ]


def test_a_clause_needs_its_three_sections() -> None:
    clause = packs.with_lines(
        packs.CLAUSE, {"## zh-Hant\n\n立即報告。\n": "## fr\n\nTout de suite.\n", "Report at once.": ""}
    )
    assert wrong(GOOD, clause=clause) == [
        "clauses/E1.1.md:10:4: unknown section 'fr'; sections are ## zh-Hans, ## zh-Hant, ## en",
        "clauses/E1.1.md:14:1: the section ## zh-Hant is missing; every clause needs ## zh-Hans, ## zh-Hant, ## en",
        "clauses/E1.1.md:14:4: the section ## en is empty",
    ]
    assert wrong(GOOD, clause="Just words.\n")[0] == (
        "clauses/E1.1.md:1:1: a clause begins with a line ---, its id and title, and a line ---"
    )


def test_yaml_that_is_none() -> None:
    assert wrong(GOOD, table="id: level\nhit: [FIRST\ninputs: {}\n") == [
        "tables/level.yaml:3:7: not YAML: expected ',' or ']', but got ':'"
    ]
    assert wrong(GOOD, table=packs.TABLE + "hit: FIRST\n") == [
        "tables/level.yaml:9:1: hit: this key was already given above"
    ]
    assert wrong(GOOD, table="") == ["tables/level.yaml:1:1: the file is empty"]
    assert wrong(GOOD, table="&a [*a]\n") == [
        "tables/level.yaml:1:1: needs a map; this is a list",
        "tables/level.yaml:1:1: [0]: an alias that contains itself, or far too many of them",
    ]


def test_tables() -> None:
    rows = """\
  - {when: 'share > 1', then: {level: MAJOR}}
  - {when: 'true', then: {levl: LOCAL}}
  - {when: 'true', then: {level: 3}}
"""
    table = packs.TABLE[: packs.TABLE.index("  - {when")] + rows
    assert wrong(GOOD, table=table) == [
        "tables/level.yaml:7:19: rules[0].when: in the condition: found no matching overload for '_>_' "
        "applied to '(double, int)'"
        "; beside a double write whole numbers as 1.0",
        "tables/level.yaml:8:26: rules[1].then.level: is missing; every row gives: level",
        "tables/level.yaml:8:27: rules[1].then.levl: the table has no output 'levl'; there are: level; "
        "did you mean level?",
        "tables/level.yaml:9:34: rules[2].then.level: 3 is not of the type string",
    ]


def test_levels_are_those_there_are() -> None:
    table = packs.with_lines(packs.TABLE, {"then: {level: MAJOR}": "then: {level: I}"})
    head = packs.HEAD + "level: {table: level, with: {family: '\"vehicle\"', share: '0.0'}}\n"
    files = packs.files(GOOD, table=table, head=head)
    assert problems(files, check_actions=True) == [
        "procedures/breakdown.yaml:12:16: level.table: tables/level.yaml:7 gives the unknown level 'I'; "
        "there are: DEMAND, LOCAL, MAJOR"
    ]
    assert load_pack(files, check_actions=False)  # a version already carried out


def test_the_roles_of_the_command_have_their_names() -> None:
    files = packs.files(GOOD, plan=packs.PLAN.replace("commander", "boss"))
    assert problems(files, check_actions=True) == [
        "plan.yaml:14:3: roles.boss: no command fills the role 'boss'; call it commander or deputy-commander"
    ]
    assert load_pack(files, check_actions=False)


def test_templates_need_the_same_placeholders_everywhere() -> None:
    message = packs.with_lines(
        packs.MESSAGE,
        {
            'zh-Hant: "{number} {vehicle}"': 'zh-Hant: "{number} {"',
            'en: "{number} {vehicle}"': 'en: "{vehicle} {x.y}"',
        },
    )
    assert wrong(GOOD, message=message) == [
        "messages/told.yaml:3:48: body.zh-Hant: a single brace; a placeholder is {name}, a brace itself "
        "is written {{ or }}",
        "messages/told.yaml:3:48: body.zh-Hant: {vehicle} of the other languages is missing here",
        "messages/told.yaml:3:66: body.en: {number} of the other languages is missing here",
        "messages/told.yaml:3:66: body.en: {x.y} is not a placeholder: write {name}; for a brace itself {{ or }}",
    ]


def test_a_notice_fills_the_placeholders_of_its_template() -> None:
    expect(
        "id: t, clause: E1.1, notify: {template: told, roles: [head], values: {vehicel: report.vehicle}}",
        ("{vehicel", ".notify.values.vehicle: is missing: the template contains {vehicle}"),
        (
            "vehicel",
            ".notify.values.vehicel: the template contains no {vehicel}; it contains: number, vehicle",
        ),
    )


def test_actions_are_checked_against_what_the_rooms_declare() -> None:
    @actions.action(
        "testing.greet",
        params={
            "type": "object",
            "properties": {"whom": {}, "how": {}},
            "required": ["whom"],
            "additionalProperties": False,
        },
    )
    def greet() -> dict[str, object]:
        return {}

    fallback = packs.ON_FAILURE

    def found(step: str) -> list[str]:
        return [p.split(": ", 1)[1] for p in problems(packs.files(stage("go", step)), check_actions=True)]

    assert found(
        f"id: a, clause: E1.1, do: testing.greet, with: {{who: report.vehicle}}, on_failure: {fallback}"
    ) == [
        "stages[0].steps[0].with.whom: is missing: testing.greet needs it",
        "stages[0].steps[0].with.who: testing.greet has no parameter 'who'; there are: how, whom; did you mean whom?",
    ]
    (unknown,) = found(f"id: a, clause: E1.1, do: testing.gret, on_failure: {fallback}")
    assert unknown.startswith("stages[0].steps[0].do: unknown action 'testing.gret'; there are: ")
    assert unknown.endswith("; did you mean testing.greet?")
    assert (
        packs.pack(stage("go", f"id: a, clause: E1.1, do: testing.gret, on_failure: {fallback}"))
        .procedures["breakdown"]
        .steps["a"]
        .action
    ) == "testing.gret"


def test_an_action_needs_a_person_behind_it() -> None:
    expect(
        "id: a, clause: E1.1, do: delivery.recover",
        ("", ".on_failure: is missing; needed here: id, do, clause, on_failure"),
    )


def test_roles() -> None:
    changes = {"post: head, deputies: true": "post: head, duty: head", "scope: named}": "scope: nowhere}"}
    one_of = "say exactly one of post, duty, job, command: true, or scope: named"
    assert wrong(GOOD, plan=packs.with_lines(packs.PLAN, changes)) == [
        f"plan.yaml:11:11: roles.driver: {one_of}",
        "plan.yaml:11:68: roles.driver.scope: 'nowhere' is not allowed; allowed: city, site, unit, district, named",
        f"plan.yaml:13:9: roles.head: {one_of}",
    ]


def test_the_head_of_a_procedure() -> None:
    level = "level: {table: level, with: {famly: '\"x\"'}}\n"
    assert wrong(GOOD, head=HEAD + level + "restored_by: b\nroles: {head: report.driver}\n") == [
        "procedures/breakdown.yaml:12:29: level.with.family: is missing: the table needs it",
        "procedures/breakdown.yaml:12:29: level.with.share: is missing: the table needs it",
        "procedures/breakdown.yaml:12:30: level.with.famly: the table has no input 'famly'; there are: family, share; "
        "did you mean family?",
        "procedures/breakdown.yaml:13:14: restored_by: unknown step 'b'; there are: a",
        "procedures/breakdown.yaml:14:9: roles.head: head is not a role that a report names (scope: "
        "named in plan.yaml)",
    ]


def test_files_of_no_pack_and_names_that_differ() -> None:
    files = packs.files(GOOD)
    files["procedures/other.yaml"] = files.pop("procedures/breakdown.yaml")
    files["procedure/x.yaml"] = "id: x\n"
    assert problems(files) == [
        "clauses/E1.1.md:4:16: fulfilled_by[0]: there is no procedure 'breakdown'; there are: other",
        "procedure/x.yaml:1:1: not a file of a pack; a pack has plan.yaml, checks.yaml, exercises.yaml, clauses/*.md, "
        "tables/*.yaml, procedures/*.yaml, messages/*.yaml, checklists/*.yaml",
        "procedures/other.yaml:1:5: id: 'breakdown' has to stand in the file breakdown.yaml",
    ]
    assert problems({"checks.yaml": "checks: []\n"}) == [
        "plan.yaml:1:1: there is no plan.yaml; a pack has plan.yaml, checks.yaml, exercises.yaml, clauses/*.md, "
        "tables/*.yaml, procedures/*.yaml, messages/*.yaml, checklists/*.yaml"
    ]


def test_forms() -> None:
    head = packs.with_lines(
        HEAD, {"required: [vehicle]": "required: [vehicl]", "{type: boolean,": "{type: bool,"}
    )
    assert wrong(GOOD, head=head) == [
        "procedures/breakdown.yaml:7:14: form.required[0]: there is no field 'vehicl'; there are: "
        "driver, injured, vehicle; "
        "did you mean vehicle?",
        "procedures/breakdown.yaml:10:21: form.properties.injured.type: 'bool' is not allowed; allowed: "
        "string, integer, number, "
        "boolean, object, array; did you mean boolean?",
    ]


def test_reading_a_folder(tmp_path: Path) -> None:
    for name, text in packs.files(GOOD).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "README.md").write_text("about this pack")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text("x: 1")
    files = read_folder(tmp_path)
    assert files == packs.files(GOOD)
    (tmp_path / "tables" / "level.yaml").write_bytes(b"id: \xff\n")
    with pytest.raises(Invalid) as raised:
        read_folder(tmp_path)
    assert [str(problem) for problem in raised.value.problems] == [
        "tables/level.yaml:1:1: not UTF-8 text (byte 4)"
    ]
    with pytest.raises(Invalid, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_the_digest_tells_packs_apart_and_the_cache_goes_by_it() -> None:
    files = packs.files(GOOD)
    assert digest_of(files) == digest_of(dict(reversed(files.items())))
    assert digest_of({"a": "bc"}) != digest_of({"ab": "c"})

    class Version:
        digest = digest_of(files)

        def __init__(self) -> None:
            self.files = files

    assert pack_for(Version()) is pack_for(Version())
    assert pack_for(Version()).digest == Version.digest


NOTICE = (
    "id: t, clause: E1.1, notify: {template: told, roles: [driver, head], values: {vehicle: 'report.vehicle'},"
    " confirm: %s}"
)


def test_so_many_confirm_or_a_chain_is_told() -> None:
    step = NOTICE % "{at_least: 2, within: 10m, overdue: [dispatcher, head]}"
    asked = packs.pack(stage("go", step)).procedures["breakdown"].step("t").confirm
    assert asked is not None
    assert (asked.at_least, asked.within, asked.chain) == (2, Duration(seconds=600), ("dispatcher", "head"))
    assert asked.every == Duration(seconds=300)


def test_a_confirmation_that_cannot_come_about() -> None:
    found = wrong(stage("go", NOTICE % "{at_least: 3, within: 10m, overdue: [head]}"))
    assert [words.partition(": ")[2] for words in found] == [
        "stages[0].steps[0].notify.confirm.at_least: 3 cannot confirm: only 2 are told"
    ]
    assert wrong(stage("go", NOTICE % "{at_least: 0, within: 10m, overdue: [head]}")) != []
