"""Who calls where, changed: calls are called off, or one is added, and the rest is made by adding again."""

from __future__ import annotations

from typing import Final

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.chance import below, share
from changbei.compute.recovery.kernel.constructing import ANY, construct, take_over
from changbei.compute.recovery.kernel.inserting import emptied
from changbei.compute.recovery.kernel.moves import call_off, free_for_another, tidy
from changbei.compute.recovery.kernel.plans import Plan, keep_round, round_holds, take_back_round
from changbei.compute.recovery.kernel.store import Store
from changbei.compute.recovery.kernel.world import World

MOST_CALLED_OFF: Final = 2

ANOTHER_SHARE: Final = 0.4
"""How often a van is sent that does not call yet, and takes from the others."""

LIMITED_SHARE: Final = 0.4
"""How often there may not be more calls afterwards than before: few calls with much to take are rarely the cheapest one
by one."""


@compiled
def call_otherwise(world: World, plan: Plan, store: Store, noise: float, dearest: int) -> None:
    """Call one or two calls off with all that was taken over there, or send another van to where some call; then send
    vans for what waits now."""
    chance, calls = store.chance, ANY
    if share(chance) < ANOTHER_SHARE and _another(world, plan, store, dearest):
        if share(chance) < LIMITED_SHARE:
            calls = 0
    else:
        off = 1 + below(chance, MOST_CALLED_OFF)
        for _ in range(off):
            call_off(world, plan, chance, store.mark)
        if share(chance) < LIMITED_SHARE:
            calls = off - below(chance, 2)
        tidy(world, plan, store.mark)
        if round_holds(plan):
            keep_round(plan)
        else:
            take_back_round(world, plan)
    construct(world, plan, store, noise, dearest, calls)


@compiled
def _another(world: World, plan: Plan, store: Store, dearest: int) -> bool:
    """Send a van that does not call yet for what lies near its way, whoever has that now; whether there is one."""
    van, place = free_for_another(world, plan, store.chance, store.mark, store.room)
    if van < 0:
        return False
    tidy(world, plan, store.mark)
    if not round_holds(plan):
        take_back_round(world, plan)
        return False
    keep_round(plan)
    _, taken = take_over(world, plan, store, van, place, emptied(world, store.chance, van), 2 * dearest)
    if taken:
        keep_round(plan)
    else:
        take_back_round(world, plan)
    return True
