"""The search compiled to machine code: ruin and recreate on flat arrays.

`world` is a problem as arrays, `plans` keeps the lists and their schedules, `inserting` prices insertions, `moves`
ruins, `annealing` runs the rounds. Everything here takes and gives arrays. Compiled on first use and kept beside
the source for the next process.
"""

from changbei.compute.recovery.kernel.annealing import BEST, rounds, store_for
from changbei.compute.recovery.kernel.plans import Lists, plan_of
from changbei.compute.recovery.kernel.world import World

__all__ = ["BEST", "Lists", "World", "plan_of", "rounds", "store_for"]
