"""What the compiled search keeps from round to round is what driving the lists from the beginning gives."""

from __future__ import annotations

import numpy as np
import pytest

from changbei.compute.recovery import ALL_MEANS, CALM, Policy
from changbei.compute.recovery.construct import by_hand, undisturbed
from changbei.compute.recovery.kernel import (
    ANY,
    BEST,
    Lists,
    construct,
    plan_of,
    rounds,
    snapshot,
    store_for,
    worth,
)
from changbei.compute.recovery.kernel.annealing import CURRENT
from changbei.compute.recovery.lines import Ground
from changbei.compute.recovery.neighbourhood import Neighbourhood
from changbei.compute.tests.days import random_day


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
