"""The search compiled to machine code: ruin and recreate on flat arrays.

`world` is a problem as arrays, `plans` keeps the lists and their schedules, `inserting` prices insertions,
`constructing` begins, `moves` ruins, `annealing` runs the rounds. Everything here takes and gives arrays. Compiled on
first use and kept beside the source for the next process.
"""

from changbei.compute.recovery.kernel.annealing import BEST, Store, rounds, store_for
from changbei.compute.recovery.kernel.constructing import construct
from changbei.compute.recovery.kernel.plans import Lists, Plan, plan_of, snapshot, worth
from changbei.compute.recovery.kernel.world import World

__all__ = [
    "BEST",
    "Lists",
    "Plan",
    "Store",
    "World",
    "construct",
    "plan_of",
    "rounds",
    "snapshot",
    "store_for",
    "worth",
]
