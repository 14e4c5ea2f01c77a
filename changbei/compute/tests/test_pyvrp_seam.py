"""The contract of the seam, whatever solver stands behind it."""

from __future__ import annotations

from dataclasses import replace

from changbei.compute.pyvrp_seam import FleetStop, FleetVan, improve_routes
from changbei.compute.tests.days import road

TRAVEL = road(0, 10, 20, 30)
VAN = FleetVan(start=0, end=0, ready_seconds=0, limit_seconds=1000, capacity=10)
STOP = FleetStop(location=1, size=1, service_seconds=5, open_seconds=0, close_seconds=1000, prize=500)
STOPS = [STOP, replace(STOP, location=2), replace(STOP, location=3)]


def driving(row: list[int]) -> int:
    there = [0, *(STOPS[stop].location for stop in row), 0]
    return int(TRAVEL[there[:-1], there[1:]].sum())


def test_a_poor_sequence_becomes_a_good_one() -> None:
    found = improve_routes(TRAVEL, [VAN], STOPS, [[1, 0, 2]], seed=1, iterations=50)
    assert found is not None
    assert sorted(found[0]) == [0, 1, 2]
    assert driving(found[0]) == 60


def test_without_a_start_it_builds_one() -> None:
    found = improve_routes(TRAVEL, [VAN], STOPS, None, seed=1, iterations=50)
    assert found is not None
    assert driving(found[0]) == 60


def test_stops_only_one_van_may_serve() -> None:
    vans = [replace(VAN, only=frozenset({0, 2})), replace(VAN, only=frozenset({1}))]
    found = improve_routes(TRAVEL, vans, STOPS, [[0, 2], [1]], seed=1, iterations=50)
    assert found is not None
    assert sorted(found[0]) == [0, 2]
    assert found[1] == [1]


def test_windows_capacity_and_the_way_home_are_hard() -> None:
    by_window = [STOPS[0], replace(STOPS[1], close_seconds=20), STOPS[2]]
    assert improve_routes(TRAVEL, [replace(VAN, capacity=2)], by_window, None, seed=1, iterations=50) in (
        [[1, 2]],
        [[1, 0]],
        [[0, 2]],
    )
    assert improve_routes(TRAVEL, [replace(VAN, limit_seconds=25)], STOPS, None, seed=1, iterations=50) == [
        [0]
    ]


def test_a_stop_is_served_only_when_its_price_is_worth_the_way() -> None:
    cheap = [replace(STOP, prize=19)]
    assert improve_routes(TRAVEL, [VAN], cheap, [[]], seed=1, iterations=50) == [[]]
    assert improve_routes(TRAVEL, [VAN], [replace(STOP, prize=21)], [[]], seed=1, iterations=50) == [[0]]


def test_windows_that_close_before_they_open_are_never_met() -> None:
    stops = [replace(STOP, open_seconds=9, close_seconds=8), *STOPS[1:]]
    vans = [replace(VAN, only=frozenset({0, 1})), replace(VAN, only=frozenset({2}))]
    assert improve_routes(TRAVEL, vans, stops, [[0, 1], [2]], seed=1, iterations=50) == [[1], [2]]


def test_nothing_to_do() -> None:
    assert improve_routes(TRAVEL, [VAN], [], None, seed=1, iterations=5) == [[]]
    assert improve_routes(TRAVEL, [], STOPS, None, seed=1, iterations=5) == []


def test_a_beginning_that_cannot_hold_is_mended() -> None:
    tight = [replace(VAN, capacity=2), replace(VAN, capacity=2)]
    found = improve_routes(TRAVEL, tight, STOPS, [[0, 1, 2], []], seed=1, iterations=200)
    assert found is not None
    assert sorted(len(row) for row in found) == [1, 2]
