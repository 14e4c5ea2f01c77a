"""What the compiled search keeps from round to round is what driving the lists from the beginning gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from changbei.compute.recovery import ALL_MEANS, CALM, Orders, Places, Policy, Problem, Vans
from changbei.compute.recovery.construct import by_hand, undisturbed
from changbei.compute.recovery.kernel import (
    ANY,
    BEST,
    Lists,
    call_otherwise,
    construct,
    plan_of,
    rounds,
    snapshot,
    store_for,
    worth,
)
from changbei.compute.recovery.kernel.annealing import CURRENT
from changbei.compute.recovery.kernel.noticing import STEP_SECONDS, STEPS, note, step_of
from changbei.compute.recovery.kernel.plans import LEFT, WAITING, WAITING_PRICE, all_hold, often_left
from changbei.compute.recovery.kernel.world import EARLY, LATE, SHIFT_PRICE
from changbei.compute.recovery.lines import UNSERVED_SECONDS, Ground
from changbei.compute.recovery.neighbourhood import Neighbourhood
from changbei.compute.tests.days import crooked, random_day, road


@pytest.mark.parametrize("seed", range(6))
def test_without_a_stop_the_way_may_be_longer_and_the_lists_hold_all_the_same(seed: int) -> None:
    day = crooked(random_day(seed, lines=4, reserves=1, own=6, stranded=12, places=2), seed)
    ground = Ground(day, ALL_MEANS)
    hood = Neighbourhood(ground, undisturbed(ground))
    world, bare = hood.world(), hood.lists(undisturbed(ground))
    plan = plan_of(world, bare)
    store = store_for(plan, bare, seed)
    construct(world, plan, store, 0.5, 900, ANY)

    for _ in range(60):
        call_otherwise(world, plan, store, 1.0, 900)
        rounds(world, plan, store, 200.0, 5)
        assert all_hold(plan)


def test_lists_to_begin_with_may_be_as_long_as_they_are() -> None:
    """A reserve van is given three hundred orders though nobody else is on the road."""
    count = 300
    day = Problem(
        travel_seconds=road(0, 1),
        vans=Vans.of(
            start=[0], end=0, ready_seconds=0, shift_end_seconds=9999, capacity=count, reserve=[True]
        ),
        orders=Orders.of(location=[1] * count, service_seconds=0, size=1, source=0),
        places=Places.of(location=[1]),
        planned=((),),
    )
    ground = Ground(day, ALL_MEANS)
    hand = by_hand(ground, undisturbed(ground))
    hood = Neighbourhood(ground, hand)

    bare, given = hood.lists(undisturbed(ground)), hood.lists(hand)

    assert given.length.tolist() == [count + 1]
    assert bare.nodes.shape == given.nodes.shape == hood.world().planned.shape


def test_of_a_wide_matrix_only_the_ways_between_its_orders_are_copied() -> None:
    day = random_day(3, lines=3, reserves=1, own=6, stranded=12, places=2)
    wide = replace(day, travel_seconds=day.travel_seconds.astype(np.int64))
    ground, twin = Ground(day, ALL_MEANS), Ground(wide, ALL_MEANS)

    world = Neighbourhood(ground, undisturbed(ground)).world()
    copied = Neighbourhood(twin, undisturbed(twin)).world()

    assert np.shares_memory(world.travel, day.travel_seconds)
    assert len(copied.travel) == len(world.where) < len(world.travel)
    assert copied.travel.dtype == np.int32
    np.testing.assert_array_equal(
        world.travel[world.where[:, None], world.where], copied.travel[copied.where[:, None], copied.where]
    )


@pytest.mark.parametrize(("seed", "policy"), [(1, ALL_MEANS), (2, ALL_MEANS), (3, CALM)])
def test_what_is_renewed_in_part_is_what_is_computed_anew(seed: int, policy: Policy) -> None:
    ground = Ground(random_day(seed, lines=3, reserves=1, own=6, stranded=12, places=2), policy)
    hood = Neighbourhood(ground, by_hand(ground, undisturbed(ground)))
    world, bare = hood.world(), hood.lists(undisturbed(ground))
    plan = plan_of(world, bare)
    store = store_for(plan, Lists(bare.nodes, bare.length, worth(plan)), seed)
    construct(world, plan, store, 0.5, 900, ANY)
    store.price[:] = worth(plan)

    for _ in range(40):
        rounds(world, plan, store, 200.0, 25)
        now = Lists(bare.nodes.copy(), bare.length.copy(), 0)
        snapshot(plan, now.nodes, now.length)
        anew = plan_of(world, now)
        assert store.price[CURRENT] == worth(plan) == worth(anew)
        for van, length in enumerate(now.length):
            np.testing.assert_array_equal(
                plan.at[0, van, 0:2, : length + 1], anew.at[0, van, 0:2, : length + 1]
            )
            np.testing.assert_array_equal(plan.at[0, van, 2, :length], anew.at[0, van, 2, :length])
            np.testing.assert_array_equal(
                plan.at[0, van, 3:, : length + 1], anew.at[0, van, 3:, : length + 1]
            )
        np.testing.assert_array_equal(plan.call[0, :, :, 0], anew.call[0, :, :, 0])
    assert store.price[BEST] == worth(plan_of(world, Lists(store.best_nodes, store.best_length, 0)))


@pytest.mark.parametrize("seed", range(4))
def test_who_is_left_is_counted_and_gives_way_only_to_as_much(seed: int) -> None:
    """Others may be left instead of who was left often, however much driving that costs, but never more."""
    ground = Ground(random_day(seed, lines=3, reserves=0, own=6, stranded=20), ALL_MEANS)
    hood = Neighbourhood(ground, undisturbed(ground))
    world, bare = hood.world(), hood.lists(undisturbed(ground))
    plan = plan_of(world, bare)
    store = store_for(plan, Lists(bare.nodes, bare.length, worth(plan)), seed)
    construct(world, plan, store, 0.5, 900, ANY)
    left, before = int(plan.total[WAITING_PRICE]) // UNSERVED_SECONDS, plan.order[:, LEFT].copy()
    seen = set()
    for _ in range(300):
        rounds(world, plan, store, 1.0, 1)
        waiting = plan.bank[: plan.total[WAITING]]
        assert plan.total[WAITING_PRICE] // UNSERVED_SECONDS <= left
        assert often_left(plan) == plan.order[waiting, LEFT].sum()
        assert (plan.order[:, LEFT] >= before).all()
        left, before = int(plan.total[WAITING_PRICE]) // UNSERVED_SECONDS, plan.order[:, LEFT].copy()
        seen.add(tuple(sorted(waiting)))
    assert left and len(seen) > 1 and before.any()


def _noticed(begins: list[int], told: list[int], opens: list[int], legs: list[int]) -> np.ndarray:
    """What the search has on record of a list whose stops last 100 s and whose customers were told these times."""
    node = np.zeros((len(begins), 13), dtype=np.int64)
    node[:, EARLY], node[:, LATE] = np.array(told) - 900, np.array(told) + 900
    node[:, SHIFT_PRICE] = 10 ** np.arange(len(begins))
    noticed = np.full((len(begins) + 2, STEPS), -1, dtype=np.int32)
    begin, departs = np.array(begins), np.array([0, *(begin + 100 for begin in begins)])
    assert (begin == np.maximum(departs[:-1] + legs, opens)).all()
    note(node, np.arange(len(begins)), np.array(legs), begin, departs, len(begins), noticed)
    return noticed


def test_a_delay_costs_whoever_is_shifted_by_it_from_there_on() -> None:
    """The first was told now, the second ten minutes ago, the third is twenty minutes early, the fourth late anyway."""
    begins = [1000, 2000, 3000, 4000]
    noticed = _noticed(begins, [1000, 1400, 4200, 2000], [0] * 4, [1000, 900, 900, 900])

    for position in range(4):
        for step in range(STEPS):
            delay, costs = step * STEP_SECONDS, 0
            if position == 0:
                costs += delay > 900
            if position <= 1:
                costs += 10 * (delay > 300)
            if position <= 2:
                costs += 100 * ((delay > 2100) - (delay >= 300))
            assert noticed[position, step] == costs
    assert not noticed[4].any()


def test_waiting_takes_a_delay_up() -> None:
    """The second waits for 480 s until it opens, so only what is longer comes through; it would be late at once."""
    begins = [1000, 2580]
    noticed = _noticed(begins, [1000, 1680], [0, 2580], [1000, 1000])

    assert noticed[1].tolist() == [0] + [10] * (STEPS - 1)
    assert noticed[0, : 5 + 1].tolist() == [0, 0, 0, 0, 0, 10]
    assert [step_of(delay) for delay in (-500, 59, 60, 10**9)] == [0, 0, 1, STEPS - 1]
