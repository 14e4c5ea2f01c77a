"""Driving times of a day: by road where there is a network, kept on disk, and what the page is told about them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from changbei.compute import geo, roads
from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Outside
from changbei.delivery import timesheets, travel
from changbei.delivery.travel import Basis
from changbei.testing.roads import STEP, corner, write_town

MONDAY = date(2026, 11, 23)
CORNERS = [corner(c, r) for c in range(5) for r in range(6)]
LON, LAT = [lon for lon, _lat in CORNERS], [lat for _lon, lat in CORNERS]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ROADS = tmp_path
    return tmp_path


@pytest.fixture
def town(folder: Path) -> Path:
    pytest.importorskip("valhalla")
    pytest.importorskip("osmium")
    roads.build(write_town(folder / "town.osm.pbf"), folder / "network")
    return folder


def bridge(column: int) -> Any:
    lon, lat = corner(column, 2.5)
    return geo.polygon(
        {
            "type": "Polygon",
            "coordinates": [
                [
                    [lon - STEP / 5, lat - STEP / 5],
                    [lon + STEP / 5, lat - STEP / 5],
                    [lon + STEP / 5, lat + STEP / 5],
                    [lon - STEP / 5, lat + STEP / 5],
                    [lon - STEP / 5, lat - STEP / 5],
                ]
            ],
        }
    )


def test_without_a_network_times_are_estimated(folder: Path) -> None:
    found = travel.times(MONDAY, LON, LAT)
    assert (found.seconds == geo.travel_seconds(LON, LAT)).all()
    assert found.basis == Basis("great_circle", "", "no_network") == travel.basis_of_day(MONDAY)
    assert found.open_seconds is None
    with pytest.raises(Outside):
        travel.prepare(MONDAY, LON, LAT)


def test_sheets_are_kept_around_today_whichever_day_is_asked_for(tmp_path: Path, clock: VirtualClock) -> None:
    """On Friday both this day's and Monday's are there; asking for a day long gone deletes none of them."""
    clock.advance_to(datetime(2026, 11, 27, 10, tzinfo=LOCAL))
    points = [(113.0, 23.0), (113.1, 23.0)]

    def ask(sources: Any, targets: Any) -> Any:
        return np.ones((len(sources), len(targets)), dtype=np.int32)

    def kept() -> list[str]:
        return sorted(path.name[:10] for path in (tmp_path / "times").iterdir())

    for on in (date(2026, 11, 27), date(2026, 11, 30), date(2026, 11, 2)):
        timesheets.between(tmp_path, on, "network", points, ask)
    assert kept() == ["2026-11-02", "2026-11-27", "2026-11-30"]
    clock.advance(timedelta(days=3))
    timesheets.between(tmp_path, date(2026, 12, 1), "network", points, ask)
    assert kept() == ["2026-11-30", "2026-12-01"]


def test_by_road_and_kept_for_the_day(town: Path, clock: VirtualClock) -> None:
    found = travel.times(MONDAY, LON, LAT)
    network = travel.current()
    assert network is not None and found.basis == Basis("roads", network.date)
    assert found.seconds[0, 12] == 205  # two blocks along the first street
    assert found.seconds[CORNERS.index(corner(1, 2)), CORNERS.index(corner(1, 3))] > 300  # over the bridge
    digest = network.manifest.digest
    assert timesheets.missing(town, MONDAY, digest, CORNERS) == 0
    assert timesheets.missing(town, MONDAY, digest, [corner(0.5, 0)]) == 1
    more = travel.times(MONDAY, [*LON[:3], corner(0.5, 0)[0]], [*LAT[:3], corner(0.5, 0)[1]])
    assert (more.seconds[:3, :3] == found.seconds[:3, :3]).all() and more.seconds[0, 3] == 51
    for sheet in (town / "times").glob("*.npz"):
        sheet.write_bytes(b"half a file")
    assert (travel.times(MONDAY, LON, LAT).seconds == found.seconds).all()
    clock.advance(timedelta(days=8))
    travel.times(date(2026, 12, 1), LON[:2], LAT[:2])
    assert [path.name[:10] for path in (town / "times").iterdir()] == ["2026-12-01"]


def test_a_closed_bridge_is_driven_around(town: Path) -> None:
    one, other = CORNERS.index(corner(1, 2)), CORNERS.index(corner(1, 3))
    found = travel.times(MONDAY, LON, LAT, [bridge(0)])
    assert found.basis.kind == "roads" and found.open_seconds is not None
    assert found.open_seconds[one, other] < 330 < 720 < found.seconds[one, other]
    same_bank = CORNERS.index(corner(3, 0))
    assert found.seconds[one, same_bank] == found.open_seconds[one, same_bank]


def test_what_takes_long_is_estimated_until_it_is_computed(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "WALKS_AT_ONCE", 20)
    network = travel.current()
    assert network is not None
    estimated = travel.times(MONDAY, LON, LAT)
    assert (
        estimated.basis == Basis("great_circle", network.date, "not_computed") == travel.basis_of_day(MONDAY)
    )
    assert travel.prepare(MONDAY, LON, LAT) == 30
    assert travel.times(MONDAY, LON, LAT).basis == Basis("roads", network.date) == travel.basis_of_day(MONDAY)
    around = travel.times(MONDAY, LON, LAT, [bridge(0)])
    assert around.basis == Basis("mixed", network.date, "not_computed")
    assert around.open_seconds is not None and (around.seconds >= around.open_seconds).all()
