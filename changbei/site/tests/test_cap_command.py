"""`changbei cap check`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from click.testing import CliRunner

from changbei.core.clock import LOCAL
from changbei.incidents import cap_writer
from changbei.site.commands.cap import cap_group

AREA = {"type": "Polygon", "coordinates": [[[114.0, 30.5], [114.5, 30.5], [114.5, 30.9], [114.0, 30.5]]]}


def good_file(folder: Path) -> Path:
    path = folder / "typhoon.xml"
    sent = datetime(2026, 11, 23, 9, 40, tzinfo=LOCAL)
    warning = cap_writer.typhoon_warning(AREA, sent=sent, city={"zh-Hans": "示例市", "en": "Sample City"})
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
    assert (first["alert"]["sent"], first["alert"]["expires"]) == ("2026-11-23T01:40:00Z", "2026-11-23T13:40:00Z")
    assert (first["alert"]["colour"], first["alert"]["severity"]) == ("orange", "Severe")
    assert first["alert"]["areas"] == [{"description": "Sample City", "geometry": AREA, "geocodes": []}]
    assert second == {
        "file": str(bad),
        "verdict": "refused",
        "reasons": [
            {
                "element": "html",
                "line": 1,
                "code": "not-alert",
                "message": "the root is html, not a CAP alert; give one alert at a time",
            }
        ],
        "alert": None,
    }


def test_for_people_it_prints_a_table(tmp_path: Path) -> None:
    result = CliRunner().invoke(cap_group, ["check", str(good_file(tmp_path))])
    assert result.exit_code == 0
    assert "accepted" in result.output
