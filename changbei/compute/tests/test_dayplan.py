"""Whole-day lines: every stop once, hard limits kept, even and familiar at a price; the same day, the same lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.compute.dayplan import DayPlan, DayStops, DayVans, Even, plan
from changbei.compute.dayplan import planning as inner
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
        "seconds": 0,
        "seed": 1,
        "iterations": 200,
    }


def street(places: list[int], vans: int, capacity: int, **habits: Any) -> dict[str, Any]:
    """A street with the depot at 0 and stops at these metres, a second each; nothing is late."""
    at, count = np.array([0, *places]), len(places)
    return {
        "travel_seconds": np.abs(at[:, None] - at[None, :]),
        "stops": DayStops(
            location=np.arange(1, count + 1),
            size=np.ones(count, dtype=int),
            service_seconds=np.full(count, 10),
            window_open_seconds=np.zeros(count, dtype=int),
            window_close_seconds=np.full(count, 9999),
            **habits,
        ),
        "vans": DayVans(
            depot=np.zeros(vans, dtype=int),
            capacity=np.full(vans, capacity),
            shift_start_seconds=np.zeros(vans, dtype=int),
            shift_end_seconds=np.full(vans, 9999),
        ),
        "seconds": 0,
        "seed": 1,
        "iterations": 2000,
    }


def driven(day: dict[str, Any], found: DayPlan) -> int:
    """Drive every line; asserts the hard limits, returns the driving seconds."""
    stops, vans, travel = day["stops"], day["vans"], day["travel_seconds"]
    total = 0
    for van, line in enumerate(found.lines):
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
        assert found.work_seconds[van] == now - vans.shift_start_seconds[van]
    return int(total)


def groups(found: DayPlan) -> set[frozenset[int]]:
    return {frozenset(line) for line in found.lines if line}


def test_a_day_on_paper() -> None:
    """Two stops east, two west, a van for each side."""
    found = plan(**street([100, 200, -100, -200], vans=2, capacity=2))

    assert groups(found) == {frozenset({0, 1}), frozenset({2, 3})}
    assert found.driving_seconds == 800
    assert found.work_seconds == (420, 420)
    assert found.left_out == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 9), st.integers(1, 3), st.floats(0.5, 1.4))
def test_every_stop_is_on_one_line_or_left_out_and_limits_hold(
    seed: int, count: int, vans: int, depots: int, load: float
) -> None:
    day = city(seed, count, max(vans, depots), depots, load)
    rng = np.random.default_rng(seed)
    opens = MORNING + rng.integers(0, 4 * 3600, count)
    wide = rng.integers(600, 4 * 3600, count)
    stops = replace(day["stops"], window_open_seconds=opens, window_close_seconds=opens + wide)
    day |= {"stops": stops, "even": Even() if seed % 2 else None}

    found = plan(**day)

    assert sorted([*(stop for line in found.lines for stop in line), *found.left_out]) == list(range(count))
    assert found.driving_seconds == driven(day, found)


def test_in_pieces_nothing_is_lost_and_driving_gets_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day cut into pieces of three or four lines each, several times over."""
    monkeypatch.setattr(inner, "PIECE_STOPS", 100)
    monkeypatch.setattr(inner, "SMALL_PIECE_STOPS", 60)
    day = city(3, 240, 14)

    first, found = plan(**day | {"iterations": 0}), plan(**day | {"iterations": 4000})

    assert first.left_out == found.left_out == ()
    assert found.rounds == 4000
    assert sorted(stop for line in found.lines for stop in line) == list(range(240))
    assert driven(day, found) == found.driving_seconds < driven(day, first)


def test_the_same_day_gives_the_same_lines() -> None:
    day = city(6, 150, 7, 2)
    assert replace(plan(**day), wall_seconds=0.0) == replace(plan(**day), wall_seconds=0.0)


def test_evenness_has_a_price() -> None:
    """Six stops one behind the other: one van drives least, two share them when that is dear enough."""
    day = street([100, 101, 102, 103, 104, 105], vans=2, capacity=6)
    assert groups(plan(**day)) == {frozenset(range(6))}

    even = plan(**day, even=Even(tolerance=1.0, percent_seconds=20.0))

    assert sorted(map(len, even.lines)) == [3, 3]
    assert even.driving_seconds == driven(day, even) <= 210 + 210
    assert groups(plan(**day, even=Even(tolerance=1.0, percent_seconds=0.1))) == {frozenset(range(6))}


def test_familiar_customers_stay_with_their_van_for_as_much_as_it_is_worth() -> None:
    """Van 0 knows the customer in the west though van 1 drives there: 200 s one way or the other."""
    usual = {"usual_van": np.array([0, 0, 0, 1]), "strange_seconds": np.full(4, 150)}
    start = [[0, 1], [2, 3]]
    day = street([100, 200, -100, -200], vans=2, capacity=3, **usual)
    cheap = plan(**day, usual_lines=start)
    assert (cheap.strangers, cheap.driving_seconds) == (1, 800)
    assert cheap.lines[0] in {(0, 1), (1, 0)}

    usual["strange_seconds"] = np.full(4, 250)
    dear = plan(**street([100, 200, -100, -200], vans=2, capacity=3, **usual), usual_lines=start)

    assert (dear.strangers, dear.driving_seconds) == (0, 1000)
    assert groups(dear) == {frozenset({0, 1, 2}), frozenset({3})}


def test_usual_lines_that_do_not_hold_are_mended() -> None:
    day = street([100, 200, 300], vans=2, capacity=2)
    found = plan(**day | {"iterations": 0}, usual_lines=[[0, 1, 2], []])
    assert found.lines == ((0, 1), (2,))


def test_a_stop_is_left_out_when_its_window_cannot_be_met_or_its_price_is_low() -> None:
    day = city(8, 30, 3)
    close = day["stops"].window_close_seconds.copy()
    close[4] = MORNING - 1
    assert plan(**day | {"stops": replace(day["stops"], window_close_seconds=close)}).left_out == (4,)
    priced = street([100, 200], vans=2, capacity=1, price_seconds=np.array([201, 399]))
    assert plan(**priced).left_out == (1,)


def test_wrong_arrays_are_refused_by_name() -> None:
    day = city(9, 10, 2)
    with pytest.raises(Invalid, match=r"stops\.size"):
        plan(**{**day, "stops": replace(day["stops"], size=np.array([1]))})
    with pytest.raises(Invalid, match=r"vans\.depot"):
        plan(**{**day, "vans": replace(day["vans"], depot=np.array([0, 99]))})
    with pytest.raises(Invalid, match=r"stops\.usual_van"):
        plan(**{**day, "stops": replace(day["stops"], usual_van=np.full(10, 2))})
    with pytest.raises(Invalid, match="travel_seconds"):
        plan(**{**day, "travel_seconds": np.zeros((2, 3), dtype=int)})
    with pytest.raises(Invalid, match="no van"):
        empty = np.zeros(0, dtype=int)
        plan(**{**day, "vans": DayVans(empty, empty, empty, empty)})
