"""The compiled search made ready: loaded from disk, or compiled, once per machine (a minute)."""

from __future__ import annotations

from functools import cache

import numpy as np

from changbei.compute.recovery.entry import recover
from changbei.compute.recovery.model import Orders, Places, Problem, Vans


@cache
def warm() -> None:
    """Recover a day of three stops and one breakdown, with rounds enough to come past everything that is compiled."""
    problem = Problem(
        travel_seconds=np.array([[0, 60, 90, 120], [60, 0, 60, 90], [90, 60, 0, 60], [120, 90, 60, 0]]),
        vans=Vans.of(
            start=[0, 0], end=0, ready_seconds=0, shift_end_seconds=10_000, capacity=50, reserve=[False, True]
        ),
        orders=Orders.of(location=[1, 2, 3], service_seconds=60, size=5, source=[-1, 0, 0]),
        places=Places.of(location=[2]),
        planned=((0,), ()),
    )
    recover(problem, seconds=0.0, seed=1, iterations=5000)
