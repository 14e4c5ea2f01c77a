"""The short form of a chaos run: thirty deaths of real processes, on a database of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import changbei
from changbei.core import faults
from changbei.site.chaos.database import Database
from changbei.site.postgres import EmbeddedPostgres

SHORT = 30


@pytest.mark.slow
def test_nothing_is_lost_in_thirty_deaths() -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("changbei"),
            "chaos",
            f"--kills={SHORT}",
            "--seed=20261122",
            "--json",
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith("CHANGBEI_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["violations"] == {}, result["details"]
    assert done.returncode == 0
    assert result["ok"] is True
    assert result["kills"] >= SHORT
    assert sum(result["kills_by_kind"].values()) == result["kills"]
    assert result["notices_lost"] == 0
    assert result["duplicates_without_key"] == 0
    assert (
        result["reports_accepted"] >= 3 * result["rounds"]
    )  # each round begins with three that are answered
    assert result["notices_handed"] >= 12 * result["reports_accepted"]


@pytest.mark.slow
def test_a_database_that_does_not_come_back_is_ended_and_started_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is asked to stop while it recovers may wait for its own helpers for ever; here its first process
    is frozen, which looks the same from outside.
    """
    monkeypatch.setattr("changbei.site.chaos.database.COME_BACK_SECONDS", 1.0)
    monkeypatch.setattr("changbei.site.chaos.database.ANSWER_SECONDS", 2)
    with EmbeddedPostgres(folder / "pg", durable=False, start_seconds=10) as server:
        database = Database(server)
        stuck = server.postmaster()
        database.signal(signal.SIGSTOP)
        database.up()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server.postmaster() not in (None, stuck)
        assert [seen.startswith("did not answer within 1 s: ") for seen in database.hung] == [True]
        assert f"{stuck} " in database.hung[0]


def test_a_process_ends_at_the_point_that_was_named() -> None:
    """At the second time, by SIGKILL, with its group."""
    program = "from changbei.core.faults import point\nfor n in range(3): point('notify.marked'); print(n, flush=True)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, faults.VARIABLE: "notify.marked:2"},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout) == (-9, "0\n")


def test_without_the_variable_a_point_is_nothing() -> None:
    faults.arm("")
    faults.point("notify.marked")


def test_a_point_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"CHANGBEI_FAULT: there is no point 'notify\.markt'"):
        faults.arm("notify.markt:1")


def test_every_point_that_has_a_name_is_in_the_program() -> None:
    """A chaos run that arms a point which nothing passes kills at random moments only."""
    program = "".join(path.read_text() for path in Path(changbei.__file__).parent.glob("*/**/*.py"))
    passed = set(re.findall(r"faults\.point\(\"([^\"]+)\"\)", program))
    assert passed == {*faults.IN_WEB, *faults.IN_WORKER}
