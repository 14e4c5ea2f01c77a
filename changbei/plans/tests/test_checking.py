"""What the checker says of files: each mistake once."""

from __future__ import annotations

from changbei.plans.checking import check_files
from changbei.plans.checking.offer import declared
from changbei.plans.tests import packs
from changbei.plans.tests.packs import TASK, TITLE, stage

CHECKS = f"""\
checks:
  - {{id: c, title: {TITLE}, clause: E1.1, kind: Reserve-vans, every: 1d, tell: [head]}}
"""


def errors(files: dict[str, str]) -> list[str]:
    found = check_files(files, declared(), walks=False).findings
    return [f"{one.file}:{one.line} {one.kind}" for one in found if one.severity == "error"]


def test_a_kind_of_check_that_is_no_word_is_not_said_to_be_unknown_too() -> None:
    assert errors(packs.files(stage("go", f"id: a, {TASK}")) | {"checks.yaml": CHECKS}) == [
        "checks.yaml:2 load"
    ]


def test_a_fact_nobody_records_is_said_once_with_those_there_are() -> None:
    files = packs.files(stage("go", f"id: a, {TASK}", "id: b, clause: E1.1, await: delivery.moved"))
    (found,) = [
        one for one in check_files(files, declared(), walks=False).findings if one.severity == "error"
    ]
    assert (found.kind, str(found.values["known"]).startswith("delivery.")) == ("unknown-fact", True)


def test_a_fact_in_a_condition_is_said_with_those_there_are() -> None:
    when = 'when: "has(happened[\\"delivery.moved\\"].at)"'
    files = packs.files(stage("go", f"id: a, {TASK}, {when}"))
    (found,) = [
        one for one in check_files(files, declared(), walks=False).findings if one.severity == "error"
    ]
    assert (found.kind, str(found.values["known"]).startswith("delivery.")) == ("unknown-fact", True)
