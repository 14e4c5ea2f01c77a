"""The rounds: ruin, put back, keep or take back."""

from __future__ import annotations

import math
from typing import Final

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.chance import share
from changbei.compute.recovery.kernel.inserting import put_back
from changbei.compute.recovery.kernel.moves import (
    calls_for_nothing,
    close_call,
    open_call,
    remove_strings,
    tidy,
)
from changbei.compute.recovery.kernel.plans import (
    ROUND_PRICE,
    WAITING_PRICE,
    Plan,
    all_hold,
    change_of,
    keep_round,
    often_left,
    round_holds,
    snapshot,
    take_back_round,
    worth,
)
from changbei.compute.recovery.kernel.store import BEST, CURRENT, Store
from changbei.compute.recovery.kernel.world import NEVER, World

STRINGS_SHARE: Final = 0.55
"""How often a round takes stretches out of lists; otherwise it changes who calls."""

TIDYING_SECONDS: Final = 1000.0
"""What a round that leaves calls nobody needs may cost too much before they go."""

OTHERS_SECONDS: Final = 8000.0
"""How much dearer a round may be that leaves no more than before, and others, who have been left less often. After the
absences that Christiaens & Vanden Berghe 2020 count."""


@compiled
def begin_anew(plan: Plan, store: Store) -> None:
    """The plan at hand is the best so far, when it may be driven."""
    store.price[CURRENT] = worth(plan)
    store.price[BEST] = store.price[CURRENT] if all_hold(plan) else NEVER
    snapshot(plan, store.best_nodes, store.best_length)


@compiled
def rounds(world: World, plan: Plan, store: Store, warmth: float, count: int) -> None:
    """`count` rounds at one warmth (seconds); plan and store are changed in place."""
    for _ in range(count):
        times = often_left(plan)
        if share(store.chance) < STRINGS_SHARE:
            remove_strings(world, plan, store.chance, store.mark, store.room)
        else:
            _calls(world, plan, store)
        _judge(world, plan, store, warmth, times)


@compiled
def _calls(world: World, plan: Plan, store: Store) -> None:
    """Change who calls where."""
    way = share(store.chance)
    if way < 0.55:
        close_call(world, plan, store.chance, store.mark)
    if way > 0.4:
        open_call(world, plan, store.chance, store.mark, store.room)


@compiled
def _judge(world: World, plan: Plan, store: Store, warmth: float, times: int) -> None:
    """Put back what waits, and keep the round or take it back. times: how often those who waited before were left."""
    bar = -warmth * math.log(1.0 - share(store.chance))
    for_others = bar + OTHERS_SECONDS if times else bar
    most = for_others + TIDYING_SECONDS if calls_for_nothing(world, plan) else for_others
    if not put_back(world, plan, store.chance, store.room, most):
        take_back_round(world, plan)
        return
    tidy(world, plan, store.mark)
    change = change_of(plan)
    if change >= bar and plan.total[WAITING_PRICE] <= plan.total[ROUND_PRICE] and often_left(plan) < times:
        bar = for_others
    if change >= bar or not round_holds(plan):
        take_back_round(world, plan)
        return
    keep_round(plan)
    store.price[CURRENT] += change
    if store.price[CURRENT] < store.price[BEST] and all_hold(plan):
        store.price[BEST] = store.price[CURRENT]
        snapshot(plan, store.best_nodes, store.best_length)
