"""What does not change during a search, as few arrays as possible: every one more makes every call dearer.

Rows are records; the capital names are their columns. Nodes are the N orders, then the P places, then the K vans'
starts, then their ends. Orders whose goods lie at a place come first, place by place.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEVER: Final = 1 << 50

# columns of World.node: seconds, sizes; source: a place or -1; home: a van or -1; price of leaving it unserved; EARLY,
# LATE: a beginning before or after which the customer notices, which costs SHIFT_PRICE; of a place: LASTS is the fixed
# part of a hand-over, EACH what every order adds to it, FIRST … AFTER - 1 the orders whose goods lie there
OPENS, CLOSES, LASTS, SIZE, SOURCE, HOME, PRICE, EARLY, LATE, EACH, FIRST, AFTER, SHIFT_PRICE = range(13)
# columns of World.van; FRAGILE: cannot drive today's list; LISTED: how many stops that has
READY, LIMIT, CAPACITY, ABOARD, RESERVE, FRAGILE, LISTED = range(7)
# entries of World.terms; NOTICED: whether insertions look at who is shifted
ORDERS, PLACES, VANS, TOUCH_PRICE, NOTICED, STRANDED = range(6)


class World(NamedTuple):
    """travel (L, L): driving seconds [from, to]; where (N): the orders' locations in it. onto (nodes, nodes): the
    same between nodes that may be on one list, else 0; off: its transpose, so that both directions are read along
    rows. planned (K, L): today's lists. allowed (P, K): rank of nearness from 1; 0: may not call. reach (STRANDED, K):
    how near an order lies to today's list of a van, seconds there and back."""

    travel: I32
    where: I64
    onto: I32
    off: I32
    node: I64
    van: I64
    planned: I32
    allowed: I64
    reach: I32
    terms: I64
