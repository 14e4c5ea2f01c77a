"""Whole-day lines: every stop once, hard limits kept, even work, the same answer for the same question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.compute.dayplan import DayPlan, DayStops, DayVans, plan_day
from changbei.core.errors import Invalid

MORNING, EVENING = 8 * 3600, 17 * 3600


def city(seed: int, count: int, vans: int, depots: int = 1, load: float = 0.8) -> dict[str, Any]:
    """`count` stops and `depots` depots strewn over 20 km, vans filled to `load` on average."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 20_000, (depots + count, 2))
    travel = np.rint(np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1)) / 9).astype(np.int32)
    size = rng.integers(1, 9, count)
    return {
        "travel_seconds": travel,
        "stops": DayStops(
            location=np.arange(depots, depots + count),
            size=size,
            service_seconds=rng.integers(60, 240, count),
            window_open_seconds=np.full(count, MORNING),
            window_close_seconds=np.full(count, EVENING),
        ),
        "vans": DayVans(
            depot=np.arange(vans) % depots,
            capacity=np.full(vans, int(size.sum() / vans / load) + 1),
            shift_start_seconds=np.full(vans, MORNING),
            shift_end_seconds=np.full(vans, EVENING),
        ),
        "x": at[:, 0],
        "y": at[:, 1],
        "seconds": 0,
        "seed": 1,
        "iterations": 20,
    }


def driven(day: dict[str, Any], plan: DayPlan) -> int:
    """Drive every line; asserts the hard limits, returns the driving seconds."""
    stops, vans, travel = day["stops"], day["vans"], day["travel_seconds"]
    total = 0
    for van, line in enumerate(plan.lines):
        assert stops.size[list(line)].sum() <= vans.capacity[van]
        now, here = vans.shift_start_seconds[van], vans.depot[van]
        for stop in line:
            there = stops.location[stop]
            total += travel[here, there]
            now = max(now + travel[here, there], stops.window_open_seconds[stop])
            assert now <= stops.window_close_seconds[stop]
            now, here = now + stops.service_seconds[stop], there
        if line:
            total += travel[here, vans.depot[van]]
            now += travel[here, vans.depot[van]]
        assert now <= vans.shift_end_seconds[van]
        assert plan.work_seconds[van] == now - vans.shift_start_seconds[van]
    return int(total)


def test_a_day_on_paper() -> None:
    """Two stops east, two west, a van for each side."""
    at = np.array([0, 100, 200, -100, -200])
    plan = plan_day(
        np.abs(at[:, None] - at[None, :]),
        DayStops(
            location=np.arange(1, 5),
            size=np.array([1, 1, 1, 1]),
            service_seconds=np.array([10, 10, 10, 10]),
            window_open_seconds=np.zeros(4, dtype=int),
            window_close_seconds=np.full(4, 9999),
        ),
        DayVans(
            depot=np.zeros(2, dtype=int),
            capacity=np.array([2, 2]),
            shift_start_seconds=np.zeros(2, dtype=int),
            shift_end_seconds=np.full(2, 9999),
        ),
        x=at.astype(float),
        y=np.zeros(5),
        seconds=0,
        seed=1,
        iterations=50,
    )

    assert {frozenset(line) for line in plan.lines} == {frozenset({0, 1}), frozenset({2, 3})}
    assert plan.driving_seconds == 800
    assert plan.work_seconds == (420, 420)
    assert plan.left_out == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 9), st.integers(1, 3), st.floats(0.5, 1.4))
def test_every_stop_is_on_one_line_or_left_out_and_limits_hold(
    seed: int, count: int, vans: int, depots: int, load: float
) -> None:
    day = city(seed, count, max(vans, depots), depots, load)

    plan = plan_day(**day)

    assert sorted([*(stop for line in plan.lines for stop in line), *plan.left_out]) == list(range(count))
    assert plan.driving_seconds == driven(day, plan)


def test_with_room_for_all_nobody_is_left_out_and_work_is_even() -> None:
    day = city(5, 300, 6)

    plan = plan_day(**day)

    assert plan.left_out == ()
    assert max(plan.work_seconds) <= 1.25 * sum(plan.work_seconds) / len(plan.work_seconds)


def test_the_same_day_gives_the_same_lines() -> None:
    day = city(6, 150, 7, 2)
    assert replace(plan_day(**day), wall_seconds=0.0) == replace(plan_day(**day), wall_seconds=0.0)


def test_stops_belong_to_the_depot_nearby() -> None:
    day = city(7, 120, 6, 2, load=0.5)

    plan = plan_day(**day)

    travel, location = day["travel_seconds"], day["stops"].location
    for van, line in enumerate(plan.lines):
        for stop in line:
            assert travel[van % 2, location[stop]] == travel[:2, location[stop]].min()


def test_a_stop_whose_window_cannot_be_met_is_left_out() -> None:
    day = city(8, 30, 3)
    close = day["stops"].window_close_seconds.copy()
    close[4] = MORNING - 1
    day["stops"] = replace(day["stops"], window_close_seconds=close)

    assert plan_day(**day).left_out == (4,)


def test_wrong_arrays_are_refused_by_name() -> None:
    day = city(9, 10, 2)
    with pytest.raises(Invalid, match=r"stops\.size"):
        plan_day(**{**day, "stops": replace(day["stops"], size=np.array([1]))})
    with pytest.raises(Invalid, match=r"vans\.depot"):
        plan_day(**{**day, "vans": replace(day["vans"], depot=np.array([0, 99]))})
    with pytest.raises(Invalid, match="travel_seconds"):
        plan_day(**{**day, "travel_seconds": np.zeros((2, 3), dtype=int)})
    with pytest.raises(Invalid, match="no van"):
        empty = np.zeros(0, dtype=int)
        plan_day(**{**day, "vans": DayVans(empty, empty, empty, empty)})
