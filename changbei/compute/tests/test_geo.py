"""Distances, travel times, polygons and boxes against values worked out elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.compute.geo import (
    CITY_ROADS,
    Box,
    RoadModel,
    box_of,
    great_circle_metres,
    points_in,
    polygon,
    travel_seconds,
)
from changbei.core.errors import Invalid

SQUARE = {"type": "Polygon", "coordinates": [[[110, 20], [111, 20], [111, 21], [110, 21], [110, 20]]]}
degrees = st.tuples(st.floats(-170, 170), st.floats(-80, 80))


def test_a_degree_of_latitude() -> None:
    metres = great_circle_metres([113.0], [23.0], [113.0, 113.0], [24.0, 23.0])
    assert metres.round(1).tolist() == [[111195.1, 0.0]]


def test_a_degree_of_longitude_shrinks_with_the_cosine() -> None:
    assert great_circle_metres([0.0], [60.0], [0.001], [60.0])[0, 0] == pytest.approx(
        111195.08 / 2 / 1000, rel=1e-6
    )


def test_seconds_by_hand() -> None:
    roads = RoadModel(detour=1.5, at_metres=(0, 3000), at_speed=(5, 15))
    # 1000 m straight, 1500 m of road, half way between 5 and 15 m/s
    assert roads.seconds(np.array([1000.0, 2000.0, 4000.0, 0.0])).tolist() == [150.0, 200.0, 400.0, 0.0]


def test_factors_make_the_matrix_asymmetric() -> None:
    lon, lat = [113.0, 113.05, 113.2], [23.0, 23.02, 23.1]
    plain = travel_seconds(lon, lat)
    leaving = travel_seconds(lon, lat, leave_factor=[2.0, 1.0, 1.0])
    arriving = travel_seconds(lon, lat, arrive_factor=[2.0, 1.0, 1.0])

    assert plain.dtype == np.int32
    assert (plain == plain.T).all()
    assert np.abs(leaving[0] - 2 * plain[0]).max() <= 1
    assert (leaving[1:] == plain[1:]).all()
    assert np.abs(arriving[:, 0] - 2 * plain[:, 0]).max() <= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(degrees, min_size=1, max_size=8))
def test_times_are_positive_symmetric_and_zero_at_home(points: list[tuple[float, float]]) -> None:
    lon, lat = [point[0] for point in points], [point[1] for point in points]
    matrix = travel_seconds(lon, lat)

    assert (np.diag(matrix) == 0).all()
    assert (matrix >= 0).all()
    assert np.abs(matrix - matrix.T).max() <= 1


def test_rows_computed_in_blocks_are_those_of_one_piece() -> None:
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(113, 114, 300), rng.uniform(23, 24, 300)
    whole = np.rint(CITY_ROADS.seconds(great_circle_metres(lon, lat, lon, lat))).astype(np.int32)
    assert (travel_seconds(lon, lat) == whole).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 80_000), st.floats(0, 80_000))
def test_farther_takes_longer(one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert CITY_ROADS.seconds(np.array([near]))[0] <= CITY_ROADS.seconds(np.array([far]))[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"detour": 0.9},
        {"at_speed": (1.0, 2.0)},
        {"at_metres": (0, 0), "at_speed": (1, 1)},
        {"at_metres": (0, 1), "at_speed": (0, 1)},
    ],
)
def test_impossible_roads_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        RoadModel(**wrong)


def test_coordinates_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(Invalid, match="swapped"):
        travel_seconds([23.0], [113.0])
    with pytest.raises(Invalid, match="finite"):
        travel_seconds([float("nan")], [1.0])
    with pytest.raises(Invalid, match="latitudes"):
        travel_seconds([1.0, 2.0], [1.0])


def test_inside_on_the_border_and_outside() -> None:
    inside = points_in(
        polygon(SQUARE), [110.5, 110.0, 111.0, 109.9999, 110.5], [20.5, 20.3, 21.0, 20.5, 21.0001]
    )
    assert inside.tolist() == [True, True, True, False, False]


def test_a_hole_is_outside() -> None:
    hole = [[110.4, 20.4], [110.6, 20.4], [110.6, 20.6], [110.4, 20.6], [110.4, 20.4]]
    area = polygon({"type": "Polygon", "coordinates": [*SQUARE["coordinates"], hole]})
    assert points_in(area, [110.5, 110.2], [20.5, 20.2]).tolist() == [False, True]


def test_two_parts_are_one_area() -> None:
    far = [[[115, 25], [116, 25], [116, 26], [115, 25]]]
    area = polygon({"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], far]})
    assert points_in(area, [110.5, 115.9, 112.0], [20.5, 25.5, 22.0]).tolist() == [True, True, False]
    assert box_of(area) == Box(110, 20, 116, 26)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Blob"},
        {},
    ],
)
def test_what_is_no_polygon_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="geometry"):
        polygon(wrong)


def test_boxes_meet_at_a_border_and_not_beyond() -> None:
    box = Box(0, 0, 1, 1)
    assert box.meets(Box(1, 1, 2, 2))
    assert not box.meets(Box(1.01, 0, 2, 1))
    assert not box.meets(Box(0, -2, 1, -0.01))
