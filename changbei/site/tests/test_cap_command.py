"""`changbei cap check`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from changbei.core.clock import LOCAL
from changbei.incidents import cap_writer
from changbei.site.commands.cap import cap_group, checked
from changbei.testing.typhoon import typhoon_warning

pytestmark = pytest.mark.usefixtures("clock")
AREA = {"type": "Polygon", "coordinates": [[[114.0, 30.5], [114.5, 30.5], [114.5, 30.9], [114.0, 30.5]]]}


def good_file(folder: Path) -> Path:
    path = folder / "typhoon.xml"
    sent = datetime(2026, 11, 23, 9, 40, tzinfo=LOCAL)
    warning = typhoon_warning(AREA, sent=sent, city={"zh-Hans": "示例市", "en": "Sample City"})
    path.write_bytes(cap_writer.write(warning))
    return path


def test_json_gives_one_object_a_file_and_a_refusal_ends_with_1(tmp_path: Path) -> None:
    bad = tmp_path / "busy.html"
    bad.write_text("<html><body>busy</body></html>")
    good = good_file(tmp_path)
    result = CliRunner().invoke(cap_group, ["check", str(good), str(bad), "--json"])
    assert result.exit_code == 1
    first, second = json.loads(result.output)
    assert (first["verdict"], first["reasons"]) == ("accepted", [])
    assert first["alert"]["identifier"] == "DEMO-TYPHOON-20261123094000"
    assert (first["alert"]["sent"], first["alert"]["expires"]) == (
        "2026-11-23T01:40:00Z",
        "2026-11-23T13:40:00Z",
    )
    assert (first["alert"]["colour"], first["alert"]["severity"]) == ("orange", "Severe")
    assert first["alert"]["areas"] == [{"description": "Sample City", "geometry": AREA, "geocodes": []}]
    assert second == {
        "file": str(bad),
        "kind": "alert",
        "verdict": "refused",
        "reasons": [
            {
                "origin": "",
                "element": "html",
                "line": 1,
                "code": "not-alert",
                "refuses": True,
                "message": "the root is html, not a CAP alert",
            }
        ],
        "identity": None,
        "status": None,
        "msgType": None,
        "times": None,
        "areas": [],
        "alert": None,
    }


def test_strict_refuses_and_still_says_who_and_when(tmp_path: Path) -> None:
    path = good_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"<status>Actual", b"<status>actual"))
    result = CliRunner().invoke(cap_group, ["check", str(path), "--json", "--strict"])
    [found] = json.loads(result.output)
    assert (result.exit_code, found["verdict"], found["alert"]) == (1, "refused", None)
    assert [(one["element"], one["code"], one["refuses"]) for one in found["reasons"]] == [
        ("alert/status", "letter-case", True)
    ]
    assert found["identity"] == {
        "sender": "warnings@weather.example",
        "identifier": "DEMO-TYPHOON-20261123094000",
        "sent": "2026-11-23T01:40:00Z",
    }
    assert (found["status"], found["msgType"], found["times"]["expires"]) == (
        "Actual",
        "Alert",
        "2026-11-23T13:40:00Z",
    )
    assert found["areas"][0]["geometry"] == AREA
    lenient = CliRunner().invoke(cap_group, ["check", str(path), "--json"])
    assert (lenient.exit_code, json.loads(lenient.output)[0]["verdict"]) == (0, "accepted-with-warnings")


def test_a_feed_is_one_object_that_judges_each_alert(tmp_path: Path) -> None:
    alert = good_file(tmp_path).read_text().partition("?>")[2]
    feed = tmp_path / "feed.xml"
    entries = (
        f"<entry><content>{alert}</content></entry>\n",
        f"<entry><content>{alert.replace('<status>Actual', '<status>actual')}</content></entry>\n",
        '<entry><link href="https://weather.example/2.cap"/></entry>',
    )

    def checked(count: int, *options: str) -> tuple[int, str, list[str], list[str], bool]:
        feed.write_text(f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries[3 - count :])}</feed>')
        result = CliRunner().invoke(cap_group, ["check", str(feed), "--json", *options])
        [found] = json.loads(result.output)
        assert found["kind"] == "atom"
        verdicts = [one["verdict"] for one in found["alerts"]]
        reasons = [f"{one['origin']}: {one['code']}" for one in found["reasons"]]
        return result.exit_code, found["verdict"], verdicts, reasons, found["identity"] is not None

    warned = "accepted-with-warnings"
    assert checked(1, "--strict") == (0, warned, [warned], ["entry 1: elsewhere"], False)
    assert checked(2) == (0, warned, [warned, warned], ["entry 1: letter-case", "entry 2: elsewhere"], False)
    three = ["entry 2: letter-case", "entry 3: elsewhere"]
    assert checked(3) == (0, warned, ["accepted", warned, warned], three, False)
    assert checked(3, "--strict") == (1, "refused", ["accepted", "refused", warned], three, False)
    feed.write_text(f"<alerts>{alert}</alerts>")
    [found] = json.loads(CliRunner().invoke(cap_group, ["check", str(feed), "--json"]).output)
    assert (found["kind"], found["verdict"], found["identity"]["identifier"]) == (
        "alerts",
        "accepted",
        "DEMO-TYPHOON-20261123094000",
    )


def test_what_was_sent_later_than_now_is_remarked_upon(tmp_path: Path) -> None:
    path = good_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"T09:40:00", b"T09:55:00"))
    assert checked(path, strict=True).verdict == "accepted"  # clocks differ by some minutes
    path.write_bytes(path.read_bytes().replace(b"T09:55:00", b"T09:56:00"))
    found = checked(path, strict=True)
    assert (found.verdict, found.refused) == ("accepted-with-warnings", False)
    [reason] = found.found[0][1].reasons
    assert (reason.code, reason.element, reason.line) == ("sent-future", "alert/sent", 5)


def test_for_people_it_prints_a_table(tmp_path: Path) -> None:
    result = CliRunner().invoke(cap_group, ["check", str(good_file(tmp_path))])
    assert result.exit_code == 0
    assert "accepted" in result.output
