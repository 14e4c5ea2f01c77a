"""A town on two banks of a river: times by road, the closed bridge, what lies beyond. Needs the extra `roads`."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from changbei.compute import roads
from changbei.core.errors import Invalid
from changbei.testing.roads import STEP, corner, write_town

pytest.importorskip("valhalla")
pytest.importorskip("osmium")

EAST_METRES = 1_024.9
"""A hundredth of a degree of longitude at 23° north, on the ellipsoid."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> roads.RoadNetwork:
    folder = tmp_path_factory.mktemp("roads")
    roads.build(write_town(folder / "town.osm.pbf"), folder / "network")
    network = roads.load(folder / "network")
    assert network is not None
    return network


def around(column: float, row: float, *, width: float = 0.2) -> shapely.Geometry:
    lon, lat = corner(column, row)
    return shapely.box(lon - width * STEP, lat - 0.3 * STEP, lon + width * STEP, lat + 0.3 * STEP)


def test_straight_streets_take_metres_by_speed(town: roads.RoadNetwork) -> None:
    line = [corner(c, 1) for c in range(3)]
    assert town.seconds(line, line).tolist() == [[0, 102, 205], [102, 0, 102], [205, 102, 0]]


def test_the_river_is_crossed_at_a_bridge_and_a_closed_one_is_driven_around(town: roads.RoadNetwork) -> None:
    """From one bank to the other in column 1: by the bridge of column 0; closed, by that of column 4."""
    here, there = [corner(1, 2)], [corner(1, 3)]
    one_block = 2 * EAST_METRES / 10 + 1_107.5 / 10
    three_blocks = 6 * EAST_METRES / 10 + 1_107.5 / 10
    turns = 12
    assert one_block <= town.seconds(here, there)[0, 0] <= one_block + turns
    closed = [around(0, 2.5)]
    assert three_blocks <= town.seconds(here, there, avoid=closed)[0, 0] <= three_blocks + turns
    both = [*closed, around(4, 2.5)]
    assert town.seconds(here, there, avoid=both).tolist() == [[roads.UNREACHABLE_SECONDS]]
    assert town.seconds(here, here, avoid=both).tolist() == [[0]]


def test_pieces_are_one_matrix(town: roads.RoadNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever side is shorter is cut; the turn at the end of a street is the same in both."""
    few = [corner(0, 0), corner(3, 1), corner(4, 5)]
    many = [corner(c, r) for c in range(5) for r in (0, 2, 4)]
    wide, tall = town.seconds(few, many), town.seconds(many, few)
    steps: list[int] = []
    monkeypatch.setattr(roads, "PAIRS_AT_ONCE", 15)
    assert (town.seconds(few, many, step=lambda: steps.append(1)) == wide).all()
    assert (town.seconds(many, few, step=lambda: steps.append(1)) == tall).all()
    assert (wide.shape, tall.shape, len(steps)) == ((3, 15), (15, 3), 6)
    assert town.seconds([], many).shape == (0, 15)


def test_a_network_says_what_it_was_made_from(town: roads.RoadNetwork, tmp_path: Path) -> None:
    assert town.manifest.extract == "town.osm.pbf" and len(town.manifest.digest) == 64
    assert town.date == town.manifest.made_at[:10]
    assert roads.load(tmp_path) is None
    (tmp_path / roads.MANIFEST).write_text('{"extract": "half a')
    assert roads.load(tmp_path) is None


def test_what_is_no_extract_is_refused_and_the_old_network_stays(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    roads.build(write_town(tmp_path / "town.osm.pbf", bridges=[2]), folder)
    before = roads.load(folder)
    (tmp_path / "broken.osm.pbf").write_bytes(b"no extract")
    with pytest.raises(Invalid, match=r"broken\.osm\.pbf"):
        roads.build(tmp_path / "broken.osm.pbf", folder)
    with pytest.raises(Invalid, match="ends in"):
        roads.build(tmp_path / "town.osm", folder)
    after = roads.load(folder)
    assert before is not None and after is not None and after.manifest == before.manifest
    assert after.seconds([corner(2, 2)], [corner(2, 3)])[0, 0] == 111
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.osm.pbf", "network", "town.osm.pbf"]
