"""The search compiled to machine code: ruin and recreate on flat arrays.

`world` is a problem as arrays, `plans` keeps the lists and their schedules, `store` is room to work in, `inserting`
prices insertions, `constructing` adds calls, `changing` changes them, `moves` ruins, `annealing` runs the rounds.
Everything here takes and fills arrays. Compiled on first use and kept beside the source for the next process.
"""

from changbei.compute.recovery.kernel.annealing import begin_anew, rounds
from changbei.compute.recovery.kernel.chance import share
from changbei.compute.recovery.kernel.changing import call_otherwise
from changbei.compute.recovery.kernel.constructing import ANY, construct
from changbei.compute.recovery.kernel.plans import Lists, Plan, load_lists, plan_of, snapshot, worth
from changbei.compute.recovery.kernel.store import BEST, Store, store_for
from changbei.compute.recovery.kernel.world import World

__all__ = [
    "ANY",
    "BEST",
    "Lists",
    "Plan",
    "Store",
    "World",
    "begin_anew",
    "call_otherwise",
    "construct",
    "load_lists",
    "plan_of",
    "rounds",
    "share",
    "snapshot",
    "store_for",
    "worth",
]
