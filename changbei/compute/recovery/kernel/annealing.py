"""The rounds: ruin, put back, keep or take back."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from changbei.compute.recovery.kernel.chance import State, share, state_of
from changbei.compute.recovery.kernel.compiling import compiled
from changbei.compute.recovery.kernel.inserting import put_back
from changbei.compute.recovery.kernel.moves import close_call, open_call, remove_strings, tidy
from changbei.compute.recovery.kernel.plans import (
    CHANGES,
    COST,
    HOLDS,
    OLD_COST,
    ROUND_PRICE,
    WAITING_PRICE,
    Lists,
    Plan,
    keep_round,
    snapshot,
    take_back_round,
    worth,
)
from changbei.compute.recovery.kernel.world import I32, I64, Flags, World

CURRENT, BEST = range(2)


class Store(NamedTuple):
    """Room to work in. best_* (K, L), (K): lists. price (2): of the current and the best lists. mark (N + P):
    all False. room (2, N). chance (1): the generator's state."""

    best_nodes: I32
    best_length: I64
    price: I64
    mark: Flags
    room: I64
    chance: State


def store_for(plan: Plan, begin: Lists, seed: int) -> Store:
    """Room for a search from these lists, the plan's."""
    orders, places = len(plan.order), plan.call.shape[2]
    return Store(
        best_nodes=begin.nodes.copy(),
        best_length=begin.length.copy(),
        price=np.array([begin.price, begin.price], dtype=np.int64),
        mark=np.zeros(orders + places, dtype=np.bool_),
        room=np.zeros((2, orders), dtype=np.int64),
        chance=state_of(seed),
    )


@compiled
def begin_anew(plan: Plan, store: Store) -> None:
    """The plan at hand is the best so far."""
    store.price[:] = worth(plan)
    snapshot(plan, store.best_nodes, store.best_length)


@compiled
def rounds(world: World, plan: Plan, store: Store, warmth: float, count: int) -> None:
    """`count` rounds at one warmth (seconds); plan and store are changed in place."""
    for _ in range(count):
        if share(store.chance) < 0.68:
            remove_strings(world, plan, store.chance, store.mark)
        else:
            _calls(world, plan, store)
        _judge(world, plan, store, warmth)


@compiled
def _calls(world: World, plan: Plan, store: Store) -> None:
    """Change who calls where."""
    way = share(store.chance)
    if way < 0.55:
        close_call(world, plan, store.chance, store.mark)
    if way > 0.4:
        open_call(world, plan, store.chance, store.mark, store.room)


@compiled
def _judge(world: World, plan: Plan, store: Store, warmth: float) -> None:
    """Put back what waits, and keep the round or take it back."""
    put_back(world, plan, store.chance)
    tidy(world, plan, store.mark)
    change, holds = plan.total[WAITING_PRICE] - plan.total[ROUND_PRICE], True
    for index in range(plan.total[CHANGES]):
        van = plan.changed[index]
        change += plan.list[van, COST] - plan.list[van, OLD_COST]
        holds = holds and plan.list[van, HOLDS] == 1
    if not holds or change >= -warmth * math.log(1.0 - share(store.chance)):
        take_back_round(world, plan)
        return
    keep_round(plan)
    store.price[CURRENT] += change
    if store.price[CURRENT] < store.price[BEST]:
        store.price[BEST] = store.price[CURRENT]
        snapshot(plan, store.best_nodes, store.best_length)
