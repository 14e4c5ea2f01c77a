"""Whole-day lines: every stop once, hard limits kept, even and familiar at a price; the same day, the same lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.compute.dayplan import LEFT_OUT_SECONDS, DayPlan, DayStops, DayVans, Even, plan
from changbei.compute.dayplan.day import Day
from changbei.compute.dayplan.kernel.inserting import NOWHERE, best_place
from changbei.compute.dayplan.kernel.lines import PRICE, WAITING, put_in
from changbei.compute.dayplan.planning import TINY
from changbei.compute.roads import UNREACHABLE_SECONDS
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
            capacity=np.full(vans, max(int(size.sum() / vans / load) + 1, 8)),
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


def mixed(seed: int, count: int, vans: int, depots: int, load: float) -> dict[str, Any]:
    """A city with vans of two sizes and shifts, hours of some customers, habits, and lines driven so far."""
    day = city(seed, count, vans, depots, load)
    rng = np.random.default_rng(seed)
    opens = MORNING + rng.integers(0, 4 * 3600, count)
    late = rng.integers(0, 2 * 3600, vans)
    strange = rng.choice([0, 300, 900], count)
    usual = rng.integers(-1, vans, count)
    return day | {
        "stops": replace(
            day["stops"],
            window_open_seconds=opens,
            window_close_seconds=opens + rng.integers(600, 4 * 3600, count),
            usual_van=usual,
            strange_seconds=strange,
        ),
        "vans": replace(
            day["vans"],
            capacity=day["vans"].capacity * rng.integers(1, 3, vans),
            shift_start_seconds=MORNING + late,
            shift_end_seconds=EVENING - 3600 + late,
        ),
    }


def price(day: dict[str, Any], found: DayPlan) -> float:
    stops = day["stops"]
    van_of = {stop: van for van, line in enumerate(found.lines) for stop in line}
    strange = [
        int(stops.strange_seconds[stop])
        for stop, van in van_of.items()
        if stops.usual_van[stop] not in (-1, van)
    ]
    assert found.strangers == len(strange)
    standing = sum(found.work_seconds) - found.driving_seconds
    standing -= sum(int(stops.service_seconds[stop]) for stop in van_of)
    waiting = day.get("waiting", 0.0) * standing
    return found.driving_seconds + sum(strange) + waiting + LEFT_OUT_SECONDS * len(found.left_out)


def keeps_limits(day: dict[str, Any], van: int, line: list[int]) -> bool:
    stops, vans, travel = day["stops"], day["vans"], day["travel_seconds"]
    now, here = vans.shift_start_seconds[van], vans.depot[van]
    for stop in line:
        now = max(now + travel[here, stops.location[stop]], stops.window_open_seconds[stop])
        if now > stops.window_close_seconds[stop]:
            return False
        now, here = now + stops.service_seconds[stop], stops.location[stop]
    home = now + travel[here, vans.depot[van]]
    return bool(home <= vans.shift_end_seconds[van] and stops.size[line].sum() <= vans.capacity[van])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 50), st.integers(1, 9), st.integers(1, 3), st.floats(0.5, 1.4))
def test_limits_hold_and_nobody_is_left_out_who_would_fit_in(
    seed: int, count: int, vans: int, depots: int, load: float
) -> None:
    day = mixed(seed, count, max(vans, depots), depots, load) | {"even": Even() if seed % 2 else None}

    found = plan(**day)

    assert sorted([*(stop for line in found.lines for stop in line), *found.left_out]) == list(range(count))
    assert found.driving_seconds == driven(day, found)
    for stop in found.left_out:
        for van, line in enumerate(found.lines):
            for at in range(len(line) + 1):
                assert not keeps_limits(day, van, [*line[:at], stop, *line[at:]]), (stop, van, at)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 50), st.integers(0, 300))
def test_whenever_it_is_stopped_the_plan_is_whole_and_not_dearer_than_what_was_driven(
    seed: int, count: int, rounds: int
) -> None:
    day = mixed(seed, count, 6, 2, 0.7) | {"waiting": seed % 3 / 2}
    driven_so_far = plan(**day | {"iterations": 0, "seed": 2})

    found = plan(**day | {"iterations": rounds}, usual_lines=driven_so_far.lines)

    assert found.rounds == rounds
    assert price(day, found) <= price(day, driven_so_far) + TINY
    assert found.driving_seconds == driven(day, found)


@pytest.mark.parametrize("seed", range(40))
def test_limits_hold_where_it_is_shorter_over_a_third_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    travel = rng.integers(1, 60, (6, 6))
    np.fill_diagonal(travel, 0)
    day = street([1, 2, 3, 4, 5], vans=2, capacity=9) | {"travel_seconds": travel, "iterations": 50}
    day["stops"] = replace(day["stops"], window_close_seconds=rng.integers(60, 150, 5))

    found = plan(**day)

    assert found.driving_seconds == driven(day, found)


def test_even_lines_are_begun_from_nothing() -> None:
    """No van has anything so far: what is fair is known all the same."""
    found = plan(**city(4, 40, 4) | {"iterations": 0}, even=Even(), usual_lines=[[], [], [], []])
    assert found.left_out == ()


def test_the_same_day_gives_the_same_lines() -> None:
    day = mixed(6, 150, 7, 2, 0.8) | {"even": Even()}
    assert replace(plan(**day), wall_seconds=0.0) == replace(plan(**day), wall_seconds=0.0)


def test_evenness_has_a_price() -> None:
    """Six stops one behind the other: one van drives least, two share them when that is dear enough."""
    day = street([100, 101, 102, 103, 104, 105], vans=2, capacity=6)
    assert groups(plan(**day)) == {frozenset(range(6))}

    even = plan(**day, even=Even(tolerance=1.0, percent_seconds=20.0))

    assert sorted(map(len, even.lines)) == [3, 3]
    assert even.driving_seconds == driven(day, even) <= 210 + 210
    assert groups(plan(**day, even=Even(tolerance=1.0, percent_seconds=0.1))) == {frozenset(range(6))}


def test_waiting_has_a_price() -> None:
    """The near customer opens at 300: to stop there on the way out saves nothing, and a van stands for 200 s."""
    day = street([100, 101, 400], vans=1, capacity=9) | {"iterations": 300}
    day["stops"] = replace(day["stops"], window_open_seconds=np.array([0, 300, 0]))

    dear = plan(**day, waiting=1.0)

    assert dear.driving_seconds == driven(day, dear) == 800
    assert dear.lines[0][-1] == 1
    assert dear.work_seconds == (830,)


def test_a_stop_costs_what_the_whole_costs_more_for_it() -> None:
    """What is reckoned from a few numbers beside the place, against the lines driven anew."""
    priced = 0
    for seed in range(40):
        given = mixed(seed, 30, 4, 2, 0.7)
        given = {name: given[name] for name in ("stops", "vans")} | {"travel": given["travel_seconds"]}
        day = Day(**given, even=Even(tolerance=0.8), seed=seed, idle=0.6)
        for stop in range(30):
            before, chance = day.price() - float(day.stop[stop, PRICE]), day.chance
            price, node, van = best_place(day.ground, day.lines, stop, NOWHERE, chance)
            if van >= 0:
                put_in(day.ground, day.lines, stop, node, van)
                assert day.price() - before == pytest.approx(price)
                priced += int(day.lines.tally[van, WAITING] > 0)
    assert priced > 100


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
    close[4] = MORNING
    assert plan(**day | {"stops": replace(day["stops"], window_close_seconds=close)}).left_out == (4,)
    priced = street([100, 200], vans=2, capacity=1, price_seconds=np.array([201, 399]))
    assert plan(**priced).left_out == (1,)


def changed(name: str, entry: int, value: float) -> dict[str, Any]:
    """A day with one wrong entry."""
    day = city(9, 10, 2, 2)
    record, column = name.split(".")
    array = getattr(day[record], column).astype(float if isinstance(value, float) else np.int64)
    array[entry] = value
    return day | {record: replace(day[record], **{column: array})}


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("stops.size", 4, 10**6),
        ("stops.size", 4, -1),
        ("stops.size", 4, float("nan")),
        ("stops.size", 4, 1.5),
        ("stops.location", 4, 99),
        ("stops.service_seconds", 4, float("inf")),
        ("stops.window_close_seconds", 4, MORNING - 1),
        ("vans.depot", 1, 99),
        ("vans.capacity", 1, -1),
        ("vans.shift_end_seconds", 1, MORNING - 1),
    ],
)
def test_a_wrong_entry_is_refused_by_name(name: str, entry: int, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name.replace('.', '[.]')}: entry {entry} "):
        plan(**changed(name, entry, value))


def test_a_day_that_does_not_fit_together_is_refused() -> None:
    day, empty = city(9, 10, 2), np.zeros(0, dtype=int)
    stops, travel = day["stops"], day["travel_seconds"]
    far, negative = travel.copy(), travel.copy()
    far[0, 5], negative[2, 3] = UNREACHABLE_SECONDS, -1
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("stops.size: has 1 entries, expected 10", {"stops": replace(stops, size=np.array([1]))}),
        ("stops.usual_van: entry 0 is 2", {"stops": replace(stops, usual_van=np.full(10, 2))}),
        ("travel_seconds: must be a square integer matrix", {"travel_seconds": np.zeros((2, 3), dtype=int)}),
        ("travel_seconds: must be a square integer matrix", {"travel_seconds": travel * np.nan}),
        ("travel_seconds: entry .2, 3. is -1", {"travel_seconds": negative}),
        ("stops.location: entry 4, place 5, cannot be reached", {"travel_seconds": far}),
        ("vans: no van", {"vans": DayVans(empty, empty, empty, empty)}),
        ("stops.size: is a single number, expected 10", {"stops": replace(stops, size=3)}),
        ("stops.size: must be whole numbers", {"stops": replace(stops, size=np.array(["a"] * 10))}),
        ("vans.depot: is a single number", {"vans": replace(day["vans"], depot=0)}),
        ("waiting: is -0.1, allowed are 0 to 1", {"waiting": -0.1}),
        ("waiting: is nan, allowed are 0 to 1", {"waiting": float("nan")}),
        ("seed: must be a whole number, is 1.5", {"seed": 1.5}),
        ("iterations: is -1, must be 0 or more", {"iterations": -1}),
        ("usual_lines: has 1 lines for 2 vans", {"usual_lines": [[1]]}),
        ("usual_lines: names the unknown stop 10", {"usual_lines": [[10], []]}),
        ("usual_lines: names stop 3 twice", {"usual_lines": [[3], [3]]}),
    ]
    for message, change in wrong:
        with pytest.raises(Invalid, match=message):
            plan(**day | change)


def test_lists_and_numbers_of_numpy_are_understood() -> None:
    day = city(9, 10, 2)
    said = day | {
        "travel_seconds": day["travel_seconds"].tolist(),
        "seed": np.int64(1),
        "iterations": np.int32(200),
    }
    assert replace(plan(**said), wall_seconds=0.0) == replace(plan(**day), wall_seconds=0.0)
