"""What it costs that customers notice when a list is held up: by position, and by how long.

The driving of an insertion says nothing about it. Looked up only where the policy gives a shift a price worth looking.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.world import EARLY, I64, LATE, SHIFT_PRICE

Prices = npt.NDArray[np.int32]

STEP_SECONDS: Final = 120
STEPS: Final = 16
"""Delays are looked up in steps; a longer one counts as the longest."""


@compiled
def step_of(delay: int) -> int:
    """The step nearest to a delay of so many seconds."""
    return int(min(max(delay + STEP_SECONDS // 2, 0) // STEP_SECONDS, STEPS - 1))


@compiled
def note(
    node_of: I64, nodes: I64, legs: I64, begins: I64, departs: I64, length: int, noticed: Prices
) -> None:
    """Fill in (L + 2, STEPS): what a delay before each position of a list costs. Waiting takes some of it up.

    legs, departs: driving to a stop, and when it begins.
    """
    noticed[length] = 0
    for position in range(length - 1, -1, -1):
        begin, after, absorbed = begins[position], position + 1, 0
        if after < length:
            absorbed = max(begins[after] - departs[after] - legs[after], 0) // STEP_SECONDS
        for step in range(STEPS):
            noticed[position, step] = noticed[after, max(step - absorbed, 0)]
        node = node_of[nodes[position]]
        if begin > node[LATE]:
            continue
        for step in range((node[LATE] - begin) // STEP_SECONDS + 1, STEPS):
            noticed[position, step] += node[SHIFT_PRICE]
        if begin < node[EARLY]:
            for step in range((node[EARLY] - begin - 1) // STEP_SECONDS + 1, STEPS):
                noticed[position, step] -= node[SHIFT_PRICE]
