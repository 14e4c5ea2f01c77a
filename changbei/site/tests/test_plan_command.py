"""`changbei plan …` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.tests import packs
from changbei.readiness import plan_check
from changbei.site.cli import main

GO = packs.stage("go", f"id: a, {packs.TASK}")


def write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder)


ALL_USED = packs.files(
    packs.stage(
        "go",
        f"id: a, {packs.TASK}, when: 'setting.most_share > 0.1'",
        "id: b, after: [a], wait: {for: setting.quick}, clause: E1.1",
        "id: c, notify: {template: told, audience: all-drivers, values: {vehicle: report.vehicle}}, clause: E1.1",
    ),
    head=packs.HEAD + "level: {table: level, with: {family: '\"vehicle\"', share: '0.0'}}\n",
)


def test_check_of_a_right_pack(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["plan", "check", write(tmp_path, ALL_USED), "--files-only", "--strict"]
    )
    assert result.output == (
        "test-plan 1: 1 clauses, 1 procedures, 3 steps, 1 tables, 0 checks, 4 roles; nothing found\n"
    )
    assert result.exit_code == 0


def test_check_of_a_wrong_pack_prints_every_finding(tmp_path: Path) -> None:
    folder = write(
        tmp_path, packs.files(GO, table=packs.TABLE.replace("FIRST", "LAST")) | {"tables/x.txt": ""}
    )
    (tmp_path / "clauses" / "E1.1.md").unlink()
    result = CliRunner().invoke(main, ["plan", "check", folder, "--json", "--files-only"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["ok"], found["pack"]["id"], found["at"]) == (False, "test-plan", None)
    errors = [one for one in found["findings"] if one["severity"] == "error"]
    assert [(one["file"], one["line"], one["column"]) for one in errors] == [
        ("plan.yaml", 8, 38),
        ("plan.yaml", 9, 33),
        ("procedures/breakdown.yaml", 4, 11),
        ("procedures/breakdown.yaml", 16, 25),
        ("tables/level.yaml", 2, 9),
        ("tables/level.yaml", 3, 6),
    ]
    assert errors[-1]["what"] == "hit: 'LAST' is not allowed."
    assert errors[-1]["mend"] == "Allowed: UNIQUE, FIRST, COLLECT."
    kinds = {one["kind"] for one in found["findings"] if one["severity"] == "warning"}
    assert {"message-unused", "setting-unused", "audience-unused"} <= kinds  # not hidden by the others
    assert set(errors[0]) == {"severity", "kind", "clause", "file", "line", "column", "what", "mend"}


@pytest.mark.django_db
def test_check_against_the_roster_of_the_database(
    small_city: City, clock: VirtualClock, tmp_path: Path
) -> None:
    report = plan_check.check(ALL_USED, at=clock.now())
    said = [(one.kind, one.file, one.line) for one in report.findings if one.kind == "unknown-post"]
    assert said == [("unknown-post", "plan.yaml", 13)]
    assert report.as_json()["at"] == clock.now().isoformat()


def test_coverage_of_a_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "pack", packs.files(GO))
    test = "import pytest\n\n@pytest.mark.clause('E1.1')\ndef test_it(): ...\n"
    write(tmp_path / "root", {"tests/test_one.py": test, "tests/test_none.py": "def test_it(): ...\n"})
    result = CliRunner().invoke(
        main, ["plan", "coverage", folder, "--json", "--tests", str(tmp_path / "root")]
    )
    found = json.loads(result.stdout)
    assert found["percent"] == 100.0
    assert [(one["id"], one["tests"]) for one in found["clauses"]] == [
        ("E1.1", ["tests/test_one.py::test_it"])
    ]
    below = CliRunner().invoke(main, ["plan", "coverage", folder, "--tests", str(tmp_path), "--least", "100"])
    assert (below.exit_code, below.output.splitlines()[-1]) == (
        1,
        "test-plan 1: 0 % of 1 clauses fulfilled and tested",
    )


def test_diff_of_two_folders(tmp_path: Path) -> None:
    before = write(tmp_path / "a", packs.files(GO))
    after = write(tmp_path / "b", packs.files(GO.replace("role: driver", "role: head").replace("15m", "1wd")))
    result = CliRunner().invoke(main, ["plan", "diff", before, after])
    assert result.output.splitlines()[1:] == [
        "",
        "In behaviour",
        "step breakdown/a role [E1.1]: changed: driver → head",
        "step breakdown/a within [E1.1]: longer: 15m → 1wd",
    ]
    same = CliRunner().invoke(main, ["plan", "diff", before, before])
    assert same.output.splitlines()[-1] == "no difference"


def test_check_of_a_folder_that_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "check", str(tmp_path / "none"), "--files-only"])
    assert result.exit_code == 1
    assert "is not a folder" in result.output


def test_the_schemas_stand_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "schema", "--out", str(tmp_path)])
    assert result.exit_code == 0
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [
        "checklist.json",
        "checks.json",
        "clause.json",
        "exercises.json",
        "message.json",
        "plan.json",
        "procedure.json",
        "table.json",
    ]
    for path in tmp_path.iterdir():
        found = json.loads(path.read_text())
        Draft202012Validator.check_schema(found)
        assert "common.json" not in json.dumps(found)
    printed = CliRunner().invoke(main, ["plan", "schema", "table"])
    assert json.loads(printed.stdout) == json.loads((tmp_path / "table.json").read_text())


def test_a_new_plan_is_written_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "fire"
    done = CliRunner().invoke(main, ["plan", "new", str(folder), "--title", "火灾预案"])
    assert done.exit_code == 0 and str(folder / "plan.yaml") in done.output
    assert load_pack(read_folder(folder)).id == "fire"
    again = CliRunner().invoke(main, ["plan", "new", str(folder), "--title", "again"])
    assert (again.exit_code, "is not empty" in again.output) == (1, True)
