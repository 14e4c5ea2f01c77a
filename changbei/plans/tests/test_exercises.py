"""exercises.yaml: what a plan declares to be practised."""

from __future__ import annotations

import pytest

from changbei.core.errors import Invalid
from changbei.plans.comparing import compare
from changbei.plans.loading import load_pack
from changbei.plans.tests import packs
from changbei.plans.tests.packs import TITLE, stage

OPTIONS = f"[{{id: ok, title: {TITLE}}}, {{id: bad, title: {TITLE}}}]"
ROLE = "role: driver, within: 15m, overdue: usual"
DECIDE = f"id: fit, clause: E1.1, decide: {{title: {TITLE}, options: {OPTIONS}}}, {ROLE}"
EXERCISES = f"""\
exercises:
  - id: rain
    title: {TITLE}
    parts:
      - {{procedure: breakdown, after: 90s, report: {{injured: true}}, decisions: {{fit: bad}}}}
"""


def files(exercises: str = EXERCISES) -> dict[str, str]:
    return {**packs.files(stage("go", DECIDE)), "exercises.yaml": exercises}


def problems(exercises: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        load_pack(files(exercises), check_actions=False)
    return [str(problem) for problem in caught.value.problems]


def test_a_pack_declares_what_is_practised() -> None:
    (part,) = load_pack(files(), check_actions=False).exercises["rain"].parts
    assert (part.procedure, part.after.seconds) == ("breakdown", 90)
    assert (dict(part.report), dict(part.decisions)) == ({"injured": True}, {"fit": "bad"})


def test_a_pack_may_declare_none() -> None:
    assert load_pack(packs.files(stage("go", DECIDE)), check_actions=False).exercises == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("procedure: breakdown", "procedure: flood", "unknown procedure 'flood'; there are: breakdown"),
        ("{injured: true}", "{injurd: true}", "the form of breakdown has no field 'injurd'"),
        ("{fit: bad}", "{fits: bad}", "breakdown has no step 'fits' for a person; there are: fit"),
        ("{fit: bad}", "{fit: none}", "no such option; there are: bad, ok"),
        ("after: 90s", "forms: {fits: {x: 1}}", "breakdown has no step 'fits' for a person"),
        ("after: 90s", "forms: {fit: {x: 1}}", "the form of fit has no field 'x'"),
        ("after: 90s", "unseen: [fits]", "breakdown has no step 'fits' for a person"),
        ("after: 90s", "reporter: pilot", "unknown role 'pilot'"),
        ("after: 90s", "begins: warning", "no warning begins breakdown: its form has no colour and area"),
    ],
)
def test_what_an_exercise_names_has_to_be_there(old: str, new: str, said: str) -> None:
    (problem,) = problems(EXERCISES.replace(old, new))
    assert problem.startswith("exercises.yaml:5:") and said in problem


def test_who_is_away_is_a_role_of_the_plan() -> None:
    assert load_pack(files(f"{EXERCISES}    away: [driver]\n"), check_actions=False).exercises[
        "rain"
    ].away == ("driver",)
    (problem,) = problems(f"{EXERCISES}    away: [pilot]\n")
    assert problem.startswith("exercises.yaml:6:") and "unknown role 'pilot'" in problem


def test_an_id_is_used_once() -> None:
    twice = EXERCISES + EXERCISES.partition("\n")[2]
    assert ["is already used" in problem for problem in problems(twice)] == [True]


def test_what_changed_is_told() -> None:
    before, after = (
        load_pack(files(text), check_actions=False) for text in (EXERCISES, EXERCISES.replace("bad}", "ok}"))
    )
    (change,) = compare(before, after).changes
    assert (change.part, change.subject, change.aspect) == ("exercise", "rain", "parts")
    assert (change.before, change.after) == (
        "breakdown (fit: bad, injured: True)",
        "breakdown (fit: ok, injured: True)",
    )
