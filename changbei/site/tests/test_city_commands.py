"""`changbei city` and `changbei import` as processes on a database of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from python_calamine import load_workbook


@pytest.fixture
def changbei(empty_database_url: str, tmp_path: Path):
    environment = {
        **os.environ,
        "CHANGBEI_DATABASE_URL": empty_database_url,
        "CHANGBEI_VAR": str(tmp_path / "var"),
    }

    def run(*arguments: str, code: int = 0) -> str:
        command = [str(Path(sys.executable).parent / "changbei"), *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    return run


def test_a_city_from_nothing_and_an_import_into_it(changbei, empty_database_url: str, tmp_path: Path) -> None:
    changbei("migrate")
    made = json.loads(changbei("city", "make", "--retailers", "60", "--start-on", "2026-11-23", "--json"))
    assert made["tables"]["network.Retailer"] == 60
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM network_retailer").fetchone() == (60,)
        manager = connection.execute(
            "SELECT staff_no FROM people_person WHERE job = 'customer_manager' ORDER BY id"
        ).fetchone()[0]

    assert "a city needs an empty one" in changbei("city", "make", "--retailers", "60", code=1)
    assert changbei("city", "accounts").splitlines()[0].split() == [
        "head",
        "changbei-demo",
        "例甲子",
        "领导小组组长",
    ]

    changbei("import", "template", "retailers", "template.xlsx")
    headings, example = load_workbook(str(tmp_path / "template.xlsx")).get_sheet_by_index(0).to_python()
    good = dict(zip(headings, example, strict=True)) | {"许可证号*": "990101900001", "客户经理工号*": manager}
    rows = [headings, [good[h] for h in headings], [{**good, "许可证号*": "x"}[h] for h in headings]]
    (tmp_path / "shops.csv").write_text("\n".join(",".join(row) for row in rows), encoding="gb18030")

    refused = json.loads(
        changbei("import", "retailers", "shops.csv", "--report", "report.xlsx", "--json", code=1)
    )
    assert (refused["good_rows"], refused["wrong_rows"], refused["imported"]) == (1, 1, 0)
    assert [(p["row"], p["column"], p["value"]) for p in refused["problems"]] == [(3, "许可证号*", "x")]
    assert (tmp_path / "report.xlsx").stat().st_size > 0
    taken = changbei("import", "retailers", "shops.csv", "--good-rows-only", code=1)
    assert "1 good rows, 1 wrong rows, 1 imported." in taken
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM network_retailer").fetchone() == (61,)


def test_a_city_in_a_folder_needs_no_database(changbei, tmp_path: Path) -> None:
    said = changbei("city", "make", "--retailers", "60", "--out", "city")
    assert said.startswith("60 retailers")
    assert len(list((tmp_path / "city").glob("*.jsonl"))) == 31


def test_an_impossible_city_is_refused_in_words(changbei) -> None:
    assert "Error: retailers: a city needs at least 60, not 10" in changbei(
        "city", "make", "--retailers", "10", "--out", "x", code=1
    )


def test_an_empty_site_gets_its_first_login(changbei, tmp_path: Path) -> None:
    changbei("migrate")
    assert "nobody has the staff number 'A1'" in changbei("login", "add", "jia", "--as", "A1", code=1)
    (tmp_path / "units.csv").write_text("代码,名称,类别\nbureau,某市公司,公司\n", encoding="gbk")
    (tmp_path / "staff.csv").write_text(
        "工号,姓名,手机,部门,岗位\nA1,甲,10000000001,bureau,技术员\n", encoding="utf-8"
    )
    changbei("import", "units", "units.csv")
    changbei("import", "staff", "staff.csv")
    login, password = changbei("login", "add", "jia", "--as", "A1", "--admin", "--generate").split()
    assert (login, len(password)) == ("jia", 16)
    assert changbei("login", "list").split() == ["jia", "A1", "甲", "admin", "open"]
    assert changbei("login", "off", "jia").split() == ["jia", "closed"]
    assert "there is no login 'yi'" in changbei("login", "password", "yi", "--generate", code=1)
    assert "nobody here is invented" in changbei("city", "accounts", code=1)


def test_paths_that_cannot_be_written_are_named_and_nothing_is_taken(changbei, tmp_path: Path) -> None:
    changbei("migrate")
    units = tmp_path / "units.csv"
    units.write_text("代码,名称,类别\nbureau,某市公司,公司\nx,某,无\n", encoding="utf-8")
    said = changbei("import", "template", "staff", "no/such/staff.xlsx", code=1)
    assert said == "Error: no/such/staff.xlsx: No such file or directory\n"
    said = changbei("import", "units", "units.csv", "--good-rows-only", "--report", "no/such/r.xlsx", code=1)
    assert said == "Error: no/such/r.xlsx: No such file or directory\n"
    assert "would overwrite" in changbei("import", "units", "units.csv", "--report", "./units.csv", code=2)
    assert units.read_text(encoding="utf-8").startswith("代码")
    assert "1 good rows, 1 wrong rows, 0 imported." in changbei("import", "units", "units.csv", code=1)
