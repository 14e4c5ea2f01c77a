"""What holds for every disrupted day."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changbei.compute.recovery import (
    ALL_MEANS,
    CALM,
    NEAREST_RESERVE,
    NEIGHBOURING_LINES,
    OWN_RESERVE,
    Policy,
    Problem,
    Recovery,
    Stop,
    alternatives,
    check,
    recover,
)
from changbei.compute.recovery.search import NEXT_SEED
from changbei.compute.tests.days import random_day

days = st.builds(
    random_day,
    st.integers(0, 10**6),
    lines=st.integers(1, 3),
    reserves=st.integers(0, 2),
    own=st.integers(0, 4),
    stranded=st.integers(0, 6),
    places=st.integers(1, 2),
)
policies = st.sampled_from([ALL_MEANS, CALM, NEAREST_RESERVE, NEIGHBOURING_LINES, OWN_RESERVE])
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EASY = Policy("easy", touch_price_seconds=0, shift_price_seconds=0)


def timeless(recovery: Recovery) -> Recovery:
    return replace(recovery, first_seconds=0.0, wall_seconds=0.0)


@thorough
@given(days, policies, st.integers(0, 99))
def test_no_rule_is_ever_broken_and_every_order_is_accounted_for(
    day: Problem, policy: Policy, seed: int
) -> None:
    recovery = recover(day, seconds=0, seed=seed, policy=policy, iterations=15)

    assert check(day, recovery) == []
    assert recovery.feasible
    served = [order for plan in recovery.vans for order in plan.orders]
    assert sorted([*served, *recovery.unserved]) == list(range(len(day.orders)))


@thorough
@given(days, policies)
def test_vans_that_take_no_part_drive_what_they_had(day: Problem, policy: Policy) -> None:
    recovery = recover(day, seconds=0, seed=3, policy=policy, iterations=15)

    part = {*recovery.touched_vans, *recovery.reserve_vans}
    for van, plan in enumerate(recovery.vans):
        if van not in part:
            assert plan.tokens == tuple(Stop(order) for order in day.planned[van])


@settings(parent=thorough, max_examples=25)
@given(days, st.integers(0, 99))
def test_the_same_question_gets_the_same_answer(day: Problem, seed: int) -> None:
    first = recover(day, seconds=0, seed=seed, iterations=25)
    assert timeless(recover(day, seconds=0, seed=seed, iterations=25)) == timeless(first)


@settings(parent=thorough, max_examples=25)
@given(days)
def test_more_permitted_vans_never_serve_fewer_than_the_reserve_alone(day: Problem) -> None:
    options = alternatives(day, seconds=0, seed=1, iterations=120)

    assert 1 <= len(options) <= 4
    assert all(option.feasible and check(day, option) == [] for option in options)
    alone = recover(day, seconds=0, seed=1, policy=OWN_RESERVE, iterations=20)
    assert options[0].unserved_priority <= alone.unserved_priority


def plans(day: Problem) -> Iterator[dict[int, list[int]]]:
    """Every way to hand the stranded orders out and to arrange the lists of those who take some; -1 is the call."""
    stranded = [order for order in range(len(day.orders)) if day.orders.source[order] >= 0]
    for takers in itertools.product([None, *range(len(day.vans))], repeat=len(stranded)):
        lists: list[list[tuple[int, ...]]] = []
        for van, own in enumerate(day.planned):
            taken = [order for order, taker in zip(stranded, takers, strict=True) if taker == van]
            lists.append(list(itertools.permutations([*own, *taken, -1])) if taken else [own])
        for chosen in itertools.product(*lists):
            yield {van: list(row) for van, row in enumerate(chosen)}


def cost(day: Problem, lists: dict[int, list[int]]) -> tuple[int, int] | None:
    """(unserved priority, driving) of a plan by a third, plain reading of the rules; None when it breaks one."""
    driving = 0
    served: set[int] = set()
    for van, row in lists.items():
        if not row and day.vans.reserve[van]:
            continue
        now, here = int(day.vans.ready_seconds[van]), int(day.vans.start[van])
        taken = [order for order in row if order >= 0 and day.orders.source[order] >= 0]
        load, called = int(day.aboard[van]), False
        for item in row:
            there = int(day.places.location[0] if item < 0 else day.orders.location[item])
            now, driving = (
                now + int(day.travel_seconds[here, there]),
                driving + int(day.travel_seconds[here, there]),
            )
            here = there
            if item < 0:
                now = max(now, int(day.places.ready_seconds[0])) + int(day.places.handover_seconds[0])
                now += len(taken) * int(day.places.handover_per_order_seconds[0])
                load, called = load + sum(int(day.orders.size[order]) for order in taken), True
                if load > day.vans.capacity[van]:
                    return None
                continue
            now = max(now, int(day.orders.window_open_seconds[item]))
            if now > day.orders.window_close_seconds[item] or (item in taken and not called):
                return None
            now, load = now + int(day.orders.service_seconds[item]), load - int(day.orders.size[item])
            served.add(item)
        home = int(day.travel_seconds[here, day.vans.end[van]])
        now, driving = now + home, driving + home
        if now > day.van_limit_seconds[van]:
            return None
    unserved = set(range(len(day.orders))) - served
    return sum(int(day.orders.priority[order]) for order in unserved), driving


def drivable(seed: int) -> Problem:
    """A tiny day whose undisturbed lists hold, so that nobody's own order is in question."""
    for attempt in range(1000):
        day = random_day(1000 * seed + attempt, lines=1, reserves=1, own=2, stranded=3)
        own = cost(day, {0: list(day.planned[0]), 1: []})
        if own is not None:
            return day
    raise AssertionError("no such day")


@pytest.mark.parametrize("seed", range(12))
def test_tiny_days_are_solved_to_the_optimum(seed: int) -> None:
    day = drivable(seed)
    best = min(found for lists in plans(day) if (found := cost(day, lists)) is not None)

    recovery = recover(day, seconds=0, seed=1, policy=EASY, iterations=1500)

    assert (recovery.unserved_priority, recovery.driving_seconds) == best


def test_a_machine_that_stands_still_during_the_search_leaves_more_than_the_plan_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = random_day(3, lines=8, reserves=2, own=12, stranded=60)
    by_hand = recover(day, seconds=0, seed=1)
    leaping = itertools.count(0.0, 60.0)
    monkeypatch.setattr("changbei.compute.recovery.search.time.perf_counter", lambda: next(leaping))

    recovery = recover(day, seconds=1, seed=1)

    assert recovery.iterations >= 2_000
    assert recovery.unserved_priority < by_hand.unserved_priority


def test_searches_side_by_side_find_what_the_best_of_them_finds_alone() -> None:
    day = random_day(5, lines=8, reserves=1, own=12, stranded=50)
    alone = [
        recover(day, seconds=0, seed=1 + number * NEXT_SEED, iterations=700, policy=EASY)
        for number in range(3)
    ]
    assert len({one.driving_seconds for one in alone}) == 3

    together = recover(day, seconds=0, seed=1, iterations=700, policy=EASY, cores=3)

    best = min(alone, key=lambda one: (one.unserved_priority, one.unserved_value, one.driving_seconds))
    assert (together.vans, together.iterations) == (best.vans, 2100)
    assert check(day, together) == []


def test_few_orders_do_not_take_all_the_time_there_is() -> None:
    day = drivable(0)

    recovery = recover(day, seconds=1_000, seed=1)

    assert 0 < recovery.iterations < 10_000
