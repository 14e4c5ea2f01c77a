"""`changbei plan …` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from changbei.plans.tests import packs
from changbei.site.cli import main

GO = packs.stage("go", f"id: a, {packs.TASK}")


def write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder)


def test_check_of_a_right_pack(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "check", write(tmp_path, packs.files(GO))])
    assert result.exit_code == 0
    assert result.output == (
        "test-plan 1: 1 clauses, 1 procedures, 1 steps, 1 tables, 0 checks, 4 roles; no problem found\n"
    )


def test_check_of_a_wrong_pack_prints_every_problem(tmp_path: Path) -> None:
    folder = write(
        tmp_path, packs.files(GO, table=packs.TABLE.replace("FIRST", "LAST")) | {"tables/x.txt": ""}
    )
    (tmp_path / "clauses" / "E1.1.md").unlink()
    result = CliRunner().invoke(main, ["plan", "check", folder, "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["ok"], found["pack"]) == (False, None)
    assert [(problem["file"], problem["line"], problem["column"]) for problem in found["problems"]] == [
        ("plan.yaml", 8, 38),
        ("plan.yaml", 9, 33),
        ("procedures/breakdown.yaml", 4, 11),
        ("procedures/breakdown.yaml", 16, 25),
        ("tables/level.yaml", 2, 9),
        ("tables/level.yaml", 3, 6),
    ]
    assert found["problems"][-1]["message"] == "'LAST' is not allowed; allowed: UNIQUE, FIRST, COLLECT"


def test_check_of_a_folder_that_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "check", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "is not a folder" in result.stdout


def test_the_schemas_stand_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "schema", "--out", str(tmp_path)])
    assert result.exit_code == 0
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [
        "checks.json",
        "clause.json",
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
