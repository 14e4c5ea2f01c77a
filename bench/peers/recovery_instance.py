"""A disrupted day as the peers read it, and a plan as they say it: JSON lists of ["b", place] and ["o", order]."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

UNSERVED = 100_000
"""What one unit of priority is worth in driving seconds, for everybody alike."""


def load() -> tuple[SimpleNamespace, float, bool]:
    """The instance named on the command line, the seconds, and whether to begin with what is done by hand.

    Locations are the vans' starts, their ends, the places, the orders, in this sequence: `first_end`, `first_place`,
    `first_order`.
    """
    path, seconds, warm = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "warm"
    found = np.load(path)
    day = SimpleNamespace(**{name: found[name] for name in found.files})
    day.vans, day.places, day.orders = len(day.capacity), len(day.handover), len(day.size)
    day.first_end = day.vans
    day.first_place = 2 * day.vans
    day.first_order = day.first_place + day.places
    day.hand = json.loads(str(day.hand))
    return day, seconds, warm


def say(plan: dict[int, list[list[Any]]], began: float) -> None:
    """`began`: the processor time when the peer began, as `processor_seconds` says it."""
    said = {str(van): row for van, row in plan.items()}
    print(json.dumps({"plan": said, "seconds": processor_seconds() - began}))


def processor_seconds() -> float:
    """What this process has used of a core: a machine that does other things beside is no disadvantage."""
    return time.process_time()
