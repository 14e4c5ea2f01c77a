"""The product served for real: one command, its processes, and nothing left of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from changbei.people import accounts
from changbei.people.accounts import DEMO_PASSWORD, DemoLogin
from changbei.people.models import Person
from changbei.site.commands.serve import welcome
from changbei.site.postgres import EmbeddedPostgres

CHANGBEI = Path(sys.executable).with_name("changbei")


def start(*arguments: str, var: Path, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "CHANGBEI_DATABASE_URL"}
    return subprocess.Popen(
        [str(CHANGBEI), *arguments],
        env={**inherited, "CHANGBEI_VAR": str(var), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments: str, var: Path, **environment: str) -> tuple[int, str]:
    process = start(*arguments, var=var, **environment)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_serve_answers_until_ctrl_c_and_leaves_nothing(folder: Path) -> None:
    var = folder / "var"
    with start("serve", "--workers", "0", var=var, WEB_CONCURRENCY="1") as process:
        try:
            assert process.stdout is not None
            address = next(
                filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout))
            )[0]
            assert status_of(address + "/no/such/page") == 404
            pid = int((var / "pg" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0
    assert rest.splitlines()[-2:] == ["supervisor | web stopped", "supervisor | database stopped"]
    assert not Path("/proc", str(pid)).exists()
    with pytest.raises(urllib.error.URLError):
        status_of(address)


@pytest.mark.slow
def test_reset_begins_anew(folder: Path) -> None:
    var = folder / "var"
    with EmbeddedPostgres(var / "pg", durable=False) as postgres:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("CREATE TABLE old ()")
        exit_code, output = run("demo", "--reset", var=var)
        assert exit_code == 1
        assert "the database is in use; stop what uses it first" in output
    (var / "evidence").mkdir()
    with start("demo", "--reset", var=var) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "migrations" in line)
        assert not (var / "evidence").exists()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    with EmbeddedPostgres(var / "pg", durable=False) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT to_regclass('old')").fetchone() == (None,)


def test_reset_does_not_touch_a_given_server(folder: Path) -> None:
    exit_code, output = run(
        "demo", "--reset", var=folder, CHANGBEI_DATABASE_URL="postgresql://db.example/changbei"
    )
    assert exit_code == 1
    assert output == (
        "Error: --reset removes the embedded database only, and CHANGBEI_DATABASE_URL names another one\n"
    )


def test_a_server_that_does_not_answer_is_said_in_one_line_without_a_traceback(folder: Path) -> None:
    url = f"postgresql:///changbei?host={folder}"
    exit_code, output = run("migrate", var=folder, CHANGBEI_DATABASE_URL=url)
    assert exit_code == 1
    assert output.startswith("Error: CHANGBEI_DATABASE_URL: no connection: ")
    assert "Traceback" not in output


def test_a_port_in_use_is_said(folder: Path) -> None:
    exit_code, output = run("serve", var=folder, CHANGBEI_PORT="99999")
    assert exit_code == 1
    assert output == "Error: CHANGBEI_PORT: '99999' is not a port number\n"


@pytest.mark.slow
def test_commands_share_a_running_server(folder: Path) -> None:
    var = folder / "var"
    with EmbeddedPostgres(var / "pg", durable=False) as postgres:
        exit_code, output = run("migrate", var=var)
        assert exit_code == 0, output
        assert postgres.running
        with psycopg.connect(postgres.url) as connection:
            row = connection.execute("SELECT count(*) FROM django_migrations WHERE app = 'people'").fetchone()
    assert row is not None
    assert row[0] >= 1


def test_the_demos_logins_fit_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    logins = [
        DemoLogin(one.login, DEMO_PASSWORD, Person(name="例甲子"), one.title) for one in accounts._DEMO_ROLES
    ]
    welcome("http://127.0.0.1:8000", logins)
    said = capsys.readouterr().out
    assert "…" not in said
    for one in logins:
        assert f" {one.login} " in said
    assert "password: changbei-demo" in said
