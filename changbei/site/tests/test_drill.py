"""`changbei drill` as people and programs run it: one JSON object, nothing left behind, the same again for a seed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

KEYS = {
    "number",
    "kind",
    "title",
    "level",
    "drill",
    "reported_at",
    "command_post",
    "roles",
    "tasks",
    "messages",
    "recovery",
    "suspension",
    "supply",
    "service_restored_at",
    "closed_at",
    "timeline",
    "review",
}
MANY_SECONDS = 600


def start(url: str, scenario: str, folder: Path) -> subprocess.Popen[str]:
    program = str(Path(sys.executable).parent / "changbei")
    command = [program, "drill", scenario, "--retailers", "300", "--json"]
    environment = {**os.environ, "CHANGBEI_DATABASE_URL": url, "CHANGBEI_VAR": str(folder)}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_listens_to_interrupts,
    )


def _listens_to_interrupts() -> None:
    """Also where the tests were started in the background by a shell, which lets its jobs ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def drill(url: str, scenario: str, folder: Path) -> dict[str, Any]:
    process = start(url, scenario, folder)
    out, err = process.communicate(timeout=MANY_SECONDS)
    assert process.returncode == 0, err
    assert out.count("\n") == 1 and out.endswith("}\n")
    assert not has_database(url, process)
    found: dict[str, Any] = json.loads(out)
    return found


def has_database(url: str, process: subprocess.Popen[str]) -> bool:
    """Whether the database of this drill is there; others may be drilling on the same server."""
    with psycopg.connect(url) as connection:
        name = f"changbei_drill_{process.pid}"
        return (
            connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario,level,part",
    [
        ("vehicle-breakdown", "LOCAL", "recovery"),
        ("severe-weather", "LOCAL", "suspension"),
        ("ordering-system-down", "MAJOR", "command_post"),
        ("sudden-demand", "DEMAND", "supply"),
    ],
)
def test_a_drill_ends_with_one_object(
    empty_database_url: str, tmp_path: Path, scenario: str, level: str, part: str
) -> None:
    found = drill(empty_database_url, scenario, tmp_path)
    assert set(found) == KEYS
    assert (found["kind"], found["level"], found["drill"]) == (scenario, level, True)
    assert found["reported_at"] < found["service_restored_at"] <= found["closed_at"]
    assert all(task["status"] in {"done", "cancelled"} for task in found["tasks"])
    vacant = {role for role, held in found["roles"].items() if held["person"] is None}
    assert vacant <= {"deputy-commander"}  # somebody acts for both leaders
    assert found["review"] is not None
    assert found[part] is not None
    assert {message["to"] for message in found["messages"]} >= {"staff"}
    outside = [message for message in found["messages"] if message["to"] != "staff"]
    assert all(message["state"] == "stopped" for message in outside)


@pytest.mark.slow
def test_a_whole_typhoon_day(empty_database_url: str, tmp_path: Path) -> None:
    found = drill(empty_database_url, "typhoon", tmp_path)
    kinds = [incident["kind"] for incident in found["incidents"]]
    assert kinds == ["severe-weather", "vehicle-breakdown", "ordering-system-down", "sudden-demand"]
    for incident in found["incidents"]:
        assert incident["service_restored_at"] and incident["closed_at"]


def deterministic(found: dict[str, Any]) -> dict[str, Any]:
    """What a seed decides; computing takes its own real time."""
    tasks = [
        {
            name: task[name]
            for name in ("item", "role", "holder", "clause", "due", "done", "late", "escalations")
        }
        for task in found["tasks"]
    ]
    messages = [(one["person"], one["channel"], one["template"], one["state"]) for one in found["messages"]]
    return {"roles": found["roles"], "tasks": tasks, "messages": messages, "closed_at": found["closed_at"]}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_drill(empty_database_url: str, tmp_path: Path) -> None:
    first = drill(empty_database_url, "sudden-demand", tmp_path)
    second = drill(empty_database_url, "sudden-demand", tmp_path)
    assert deterministic(first) == deterministic(second)


def test_an_interrupted_drill_leaves_nothing_behind(empty_database_url: str, tmp_path: Path) -> None:
    process = start(empty_database_url, "typhoon", tmp_path)
    deadline = time.monotonic() + MANY_SECONDS
    while not has_database(empty_database_url, process):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=MANY_SECONDS)
    assert process.returncode != 0
    assert out == ""
    assert not has_database(empty_database_url, process)


def test_what_can_be_drilled_is_listed(empty_database_url: str, tmp_path: Path) -> None:
    """Without a city, what the shipped plans declare, and their other procedures."""
    program = str(Path(sys.executable).parent / "changbei")
    environment = {**os.environ, "CHANGBEI_DATABASE_URL": empty_database_url, "CHANGBEI_VAR": str(tmp_path)}
    command = [program, "drill", "--list", "--language", "en"]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    listed = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert listed["typhoon"] == "A typhoon day"
    assert listed["warehouse-flood"] == "The warehouse is flooded"
    assert listed["cash-settlement"] == "Cash settlement for the time being"
