"""Room to work in: nothing compiled makes arrays of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from changbei.compute.recovery.kernel.chance import State, state_of
from changbei.compute.recovery.kernel.plans import NEAR, Lists, Plan
from changbei.compute.recovery.kernel.world import I32, I64, Flags

CURRENT, BEST = range(2)
Seconds = npt.NDArray[np.float64]


class Pairs(NamedTuple):
    """Of every place and van (P, K): what the pair seems to come to, by how much dearer it seems than it is, the step
    at which that was found, and the most that may be aboard when the van calls."""

    price: Seconds
    factor: Seconds
    known: I64
    most: I64


class Store(NamedTuple):
    """best_* (K, L), (K): lists. price (2): of the current and the best lists. mark (N + P): all False. room (3, …):
    for whoever needs a few numbers of each order or van, until the next one does. pairs: of `construct`. chance (1):
    the generator's state.
    """

    best_nodes: I32
    best_length: I64
    price: I64
    mark: Flags
    room: I64
    pairs: Pairs
    chance: State


def store_for(plan: Plan, begin: Lists, seed: int) -> Store:
    """Room for a search from these lists, the plan's."""
    orders, (vans, places) = len(plan.order), plan.call.shape[1:3]
    return Store(
        best_nodes=begin.nodes.copy(),
        best_length=begin.length.copy(),
        price=np.array([begin.price, begin.price], dtype=np.int64),
        mark=np.zeros(orders + places, dtype=np.bool_),
        room=np.zeros((3, max(orders, vans, NEAR)), dtype=np.int64),
        pairs=Pairs(
            np.zeros((places, vans)),
            np.zeros((places, vans)),
            np.zeros((places, vans), dtype=np.int64),
            np.zeros((places, vans), dtype=np.int64),
        ),
        chance=state_of(seed),
    )
