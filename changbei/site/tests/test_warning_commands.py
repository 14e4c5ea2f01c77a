"""`changbei warning` and `changbei cap source`, on a small city with the shipped plan in force."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from changbei.core import clock as core_clock
from changbei.core.errors import Invalid, NotFound
from changbei.incidents.models import Incident, Warning, WarningSource
from changbei.incidents.tests import people
from changbei.incidents.tests.test_warning_sources import atom, body, entry, link
from changbei.incidents.tests.test_warnings import alert
from changbei.site.commands.cap import source_group
from changbei.site.commands.report import warning

pytestmark = pytest.mark.usefixtures("plan")


def run(command: click.Command, *arguments: str) -> Result:
    """The command inside this process: the test's database stays."""
    bare = copy.copy(command)
    assert command.callback is not None
    bare.callback = command.callback.__wrapped__  # type: ignore[attr-defined]
    return CliRunner().invoke(bare, arguments)


def source(name: str, *arguments: str) -> Result:
    return run(source_group.commands[name], *arguments)


def test_every_alert_of_a_feed_is_taken_in(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    inside = [
        entry(n, f"<content>{body(alert(f'W-{n}', colour=colour))}</content>")
        for n, colour in ((1, "blue"), (2, "orange"))
    ]
    feed.write_bytes(atom(*inside, entry(3, link("https://weather.example/3.cap"))))
    result = run(warning, str(feed))
    incident = Incident.objects.get()
    assert result.exit_code == 1
    *said, last = result.output.splitlines()
    assert said == [
        f"{feed}: W-1 accepted, note",
        f"{feed}: W-2 accepted, start → {incident.number}",
        f"{feed}: refused",
    ]
    assert last.endswith(
        ": entry 3: the alert itself is not here, only its address: https://weather.example/3.cap"
    )
    again = run(warning, str(feed))
    assert "W-2 accepted, duplicate" in again.output and Incident.objects.count() == 1


def test_a_folder_is_added_asked_listed_and_switched_off(tmp_path: Path) -> None:
    added = source("add", "drop", "--folder", str(tmp_path), "--every", "30")
    assert (added.exit_code, added.output) == (0, f"drop: folder {tmp_path}\n")
    assert source("list").output == f"drop\tfolder\t{tmp_path}\tnever heard of\n"
    (tmp_path / "a.xml").write_bytes(alert("W-1", colour="blue"))
    os.utime(tmp_path / "a.xml", (1_000_000_000, 1_000_000_000))
    polled = source("poll", "drop")
    assert (polled.exit_code, polled.output) == (0, "W-1: accepted, note\n1 alerts, 1 new\n")
    assert source("list").output == f"drop\tfolder\t{tmp_path}\t2026-11-23T01:40:00Z\n"
    assert source("off", "drop").output == "drop: off\n"
    found = WarningSource.objects.get()
    assert (found.enabled, found.interval_seconds, found.heard_at) == (False, 30, core_clock.now())
    assert source("off", "drop", "--on").output == "drop: on\n"
    tmp_path.joinpath("kept", "a.xml").unlink()
    source("add", "drop", "--folder", str(tmp_path / "gone"))  # the same source, elsewhere
    failed = source("poll", "drop")
    assert failed.exit_code == 1 and "the folder cannot be read" in failed.output
    assert Warning.objects.get().origin == WarningSource.objects.get()


def test_a_source_is_one_thing_and_pushing_needs_somebody() -> None:
    both = source("add", "x", "--url", "https://weather.example/", "--folder", "/tmp")
    assert isinstance(both.exception, Invalid) and not WarningSource.objects.exists()
    nobody = source("add", "x", "--push", "CB9999")
    assert isinstance(nobody.exception, Invalid)
    assert [problem.field for problem in nobody.exception.problems] == ["person"]
    pushed = source("add", "x", "--push", people.head().staff_no)
    assert (pushed.exit_code, pushed.output) == (0, "x: push\n")
    assert WarningSource.objects.get().strict  # what others push is read strictly unless said otherwise
    assert isinstance(source("poll", "y").exception, NotFound)
