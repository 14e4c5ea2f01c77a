"""`changbei delivery` and `changbei roads`: what they write, say and refuse. The database is the test's own."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from changbei.core.errors import Conflict, NotFound
from changbei.delivery import exchange, planning
from changbei.delivery.models import DeliveryDay, Stop
from changbei.site.commands.delivery import export, import_day
from changbei.site.commands.roads import build, status, times
from changbei.testing.roads import write_town

pytestmark = pytest.mark.django_db
MONDAY, NEXT = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)


def call(command: click.Command, **given: Any) -> None:
    """The command's own function, without the database around it: that one is here already."""
    assert command.callback is not None
    getattr(command.callback, "__wrapped__", command.callback)(**given)


def test_out_and_in(small_city: Any, clock: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = planning.plan_day(MONDAY.date(), actor=None)
    file = tmp_path / "monday.csv"
    call(export, day=MONDAY, file=file, code="", coordinates="gcj02")
    written = exchange.write_day(day, "csv", coordinates="gcj02")
    assert (
        file.read_bytes() == written != exchange.write_day(day, "csv")
        and capsys.readouterr().out == f"{file}\n"
    )
    taken = {"day": NEXT, "code": "", "replace": False, "check": False, "as_json": True}
    call(import_day, file=file, **taken)
    count = Stop.objects.filter(day=day).count()
    assert json.loads(capsys.readouterr().out) == {
        "file": "monday.csv",
        "stops": count,
        "tours": day.tours.count(),
        "taken": True,
        "problems": [],
    }
    assert Stop.objects.filter(day__date=NEXT.date()).count() == count
    with pytest.raises(Conflict):
        call(import_day, file=file, **taken)
    file.write_bytes(file.read_bytes() + b"none,1,12,1\r\n")
    with pytest.raises(SystemExit):
        call(import_day, file=file, **{**taken, "as_json": False, "day": datetime(2026, 12, 7, tzinfo=UTC)})
    said = capsys.readouterr().out
    assert said.startswith(f"monday.csv: row {count + 2} ") and "nothing written" in said
    assert not DeliveryDay.objects.filter(date=date(2026, 12, 7)).exists()
    with pytest.raises(NotFound):
        call(export, day=datetime(2030, 1, 1, tzinfo=UTC), file=file, code="", coordinates="wgs84")
    with pytest.raises(Conflict, match="--site"):
        call(export, day=MONDAY, file=tmp_path / "day.vrp", code="", coordinates="wgs84")
    with pytest.raises(click.BadParameter):
        call(export, day=MONDAY, file=tmp_path / "day.pdf", code="", coordinates="wgs84")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["monday.csv"]


def test_roads(
    small_city: Any, clock: Any, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ROADS = tmp_path / "roads"
    call(status, as_json=False)
    assert capsys.readouterr().out == "no road network: driving times are great-circle estimates\n"
    pytest.importorskip("valhalla")
    pytest.importorskip("osmium")
    call(build, file=write_town(tmp_path / "town.osm.pbf"), made_on=datetime(2026, 11, 1, tzinfo=UTC))
    assert capsys.readouterr().out.startswith("road network of 2026-11-01, from town.osm.pbf: ")
    call(status, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["installed"], found["date"], found["extract"]) == (True, "2026-11-01", "town.osm.pbf")
    call(times, day=MONDAY)
    assert capsys.readouterr().out == "2026-11-23: no deliveries are planned\n"
