"""Ways around closed areas without a map, and Chinese map coordinates, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.compute import closures, datum, geo
from changbei.core.errors import Invalid

METRES = np.radians(1) * geo.EARTH_RADIUS_METRES
"""Of a degree on the equator."""
SQUARE = shapely.box(-0.01, -0.01, 0.01, 0.01)


def test_around_a_square_by_hand() -> None:
    lon, lat = [-0.02, 0.02, 0.0, 0.0, -0.02], [0.0, 0.0, 0.05, 0.0, 0.02]
    extra = closures.around_metres([SQUARE], lon, lat) / METRES
    corner = np.hypot(0.01, 0.01)
    assert extra[0, 1] == pytest.approx(2 * corner + 0.02 - 0.04, abs=1e-6)  # straight through the middle
    assert extra[0, 2] == 0.0  # past the corner
    assert extra[0, 3] == 0.0  # into the area
    assert extra[0, 4] == 0.0  # along its side
    assert extra[4, 1] == pytest.approx(np.hypot(0.03, 0.01) + corner - np.hypot(0.04, 0.02), abs=1e-6)
    assert (extra == extra.T).all() and (np.diag(extra) == 0).all()


def test_two_areas_in_a_row_add_up_and_beside_the_way_they_do_not() -> None:
    other = shapely.box(0.02, -0.01, 0.04, 0.01)
    lon, lat = [-0.02, 0.05], [0.0, 0.0]
    one = closures.around_metres([SQUARE], lon, lat)[0, 1]
    two = closures.around_metres([other], lon, lat)[0, 1]
    both = closures.around_metres([shapely.MultiPolygon([SQUARE, other])], lon, lat)[0, 1]
    assert both == pytest.approx(one + two)
    assert closures.around_metres([shapely.box(0, 1, 1, 2)], lon, lat)[0, 1] == 0
    assert closures.around_metres([], lon, lat).tolist() == [[0, 0], [0, 0]]


def test_inside() -> None:
    assert closures.inside([SQUARE], [0, 0.02, 0.01], [0, 0, 0]).tolist() == [True, False, True]


points = st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)), min_size=2, max_size=8)


def along_the_corners(area: shapely.Polygon, start: tuple[float, float], end: tuple[float, float]) -> float:
    """The independent judge: how much the shortest path over the corners whose legs stay out of the inside is longer
    than the straight way, in degrees."""
    core = area.buffer(-1e-7)
    nodes = [start, end, *area.exterior.coords[:-1]]
    far = [
        [
            np.hypot(a[0] - b[0], a[1] - b[1]) if not core.crosses(shapely.LineString([a, b])) else np.inf
            for b in nodes
        ]
        for a in nodes
    ]
    best = np.array(far)
    for middle in range(len(nodes)):
        best = np.minimum(best, best[:, [middle]] + best[[middle], :])
    return float(best[0, 1] - np.hypot(start[0] - end[0], start[1] - end[1]))


@settings(max_examples=60, deadline=None)
@given(points)
def test_it_is_what_a_search_along_the_corners_finds(places: list[tuple[float, float]]) -> None:
    free = [one for one in places if not SQUARE.buffer(1e-4).intersects(shapely.Point(one))]
    if len(free) < 2:
        return
    extra = closures.around_metres([SQUARE], [x for x, _ in free], [y for _, y in free]) / METRES
    assert extra[0, 1] == pytest.approx(along_the_corners(SQUARE, *free[:2]), abs=2e-6)


HORSESHOE = shapely.box(-0.03, -0.03, 0.03, 0.03).difference(shapely.box(-0.01, -0.01, 0.01, 0.03))
"""Open to the north."""


def test_out_of_a_notch_by_its_opening() -> None:
    lon, lat = [0.0, -0.05, 0.0, 0.005, 0.04], [0.0, 0.0, 0.05, 0.02, -0.05]
    extra = closures.around_metres([HORSESHOE], lon, lat) / METRES
    out = np.hypot(0.01, 0.03)
    assert extra[0, 1] == pytest.approx(out + 0.02 + np.hypot(0.02, 0.03) - 0.05, abs=1e-6)
    assert extra[0, 2] == extra[0, 3] == 0.0  # in sight
    assert extra[0, 4] == pytest.approx(out + 0.02 + np.hypot(0.01, 0.08) - np.hypot(0.04, 0.05), abs=1e-6)
    assert (extra == extra.T).all() and (np.diag(extra) == 0).all()


def test_whoever_is_in_a_hole_of_an_area_gets_out_of_it() -> None:
    ring = SQUARE.buffer(0.01, join_style="mitre").difference(SQUARE)
    assert closures.around_metres([ring], [0.0, 0.05], [0.0, 0.0]).tolist() == [[0, 0], [0, 0]]


@settings(max_examples=60, deadline=None)
@given(points)
def test_never_through_an_area_with_a_notch_and_longer_than_need_be_only_out_of_it(
    places: list[tuple[float, float]],
) -> None:
    free = [one for one in places if not HORSESHOE.buffer(1e-4).intersects(shapely.Point(one))]
    if len(free) < 2:
        return
    extra = closures.around_metres([HORSESHOE], [x for x, _ in free], [y for _, y in free]) / METRES
    shortest = along_the_corners(HORSESHOE, *free[:2])
    assert extra[0, 1] >= shortest - 2e-6
    if not any(shapely.box(-0.03, -0.03, 0.03, 0.03).intersects(shapely.Point(one)) for one in free[:2]):
        assert extra[0, 1] == pytest.approx(shortest, abs=2e-6)


def test_a_known_point_on_chinese_maps() -> None:
    lon, lat = datum.to_gcj02([116.397389, -0.1276], [39.908722, 51.5072])
    assert lon.round(5).tolist() == [116.40363, -0.1276]
    assert lat.round(5).tolist() == [39.91013, 51.5072]


def test_a_known_point_on_baidus_maps() -> None:
    drawn = datum.into_wgs84("gcj02", [116.404, -0.1276], [39.915, 51.5072])
    lon, lat = datum.out_of_wgs84("bd09", *drawn)
    assert (lon.round(5).tolist(), lat.round(5).tolist()) == ([116.41037, -0.1276], [39.92134, 51.5072])
    with pytest.raises(Invalid, match="wgs84, gcj02, bd09"):
        datum.into_wgs84("mars", [1.0], [1.0])


@settings(max_examples=60, deadline=None)
@given(st.floats(74, 135), st.floats(18, 53), st.sampled_from(datum.NAMES))
def test_there_and_back(lon: float, lat: float, name: str) -> None:
    again = datum.into_wgs84(name, *datum.out_of_wgs84(name, [lon], [lat]))
    assert abs(again[0][0] - lon) < 1e-8 and abs(again[1][0] - lat) < 1e-8
