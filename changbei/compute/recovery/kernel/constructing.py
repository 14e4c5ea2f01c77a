"""A plan from nothing: again and again the van that takes stranded goods over for the least driving an order."""

from __future__ import annotations

from typing import Final

import numpy as np

from changbei.compute.recovery.kernel.annealing import Store
from changbei.compute.recovery.kernel.chance import below, share
from changbei.compute.recovery.kernel.compiling import compiled
from changbei.compute.recovery.kernel.inserting import cheapest_call, price_insertion, put_back
from changbei.compute.recovery.kernel.moves import call_off, tidy
from changbei.compute.recovery.kernel.plans import (
    COST,
    EXTRA,
    HOLDS,
    OLD_COST,
    POSITION,
    VAN,
    WHERE_TO,
    Plan,
    keep_round,
    put,
    take_back_round,
)
from changbei.compute.recovery.kernel.sorting import ascending
from changbei.compute.recovery.kernel.world import (
    AFTER,
    CAPACITY,
    EACH,
    FIRST,
    NEVER,
    ORDERS,
    PLACES,
    VANS,
    World,
)

MOST_CALLED_OFF: Final = 2


@compiled
def construct(world: World, plan: Plan, store: Store, noise: float, dearest: int) -> None:
    """Send vans to places, the least driving an order first, until nobody can take anything over; the plan is changed.

    What a van can take over gets less with every other van that is sent, so only the seemingly best pair is looked at
    again. noise: by how much a pair may seem worse than it is; dearest: seconds above which an order is left to others.
    """
    places, vans = world.terms[PLACES], world.terms[VANS]
    factor, price = np.empty((places, vans)), np.empty((places, vans))
    known = np.zeros((places, vans), dtype=np.int64)
    for place in range(places):
        for van in range(vans):
            may = world.allowed[place, van] and plan.call[0, van, place, POSITION] < 0
            factor[place, van], price[place, van] = 1.0 + noise * share(store.chance), 0.0 if may else NEVER
    step = 1
    while True:
        least, best_place, best_van = float(NEVER), -1, -1
        for place in range(places):
            for van in range(vans):
                if price[place, van] < least:
                    least, best_place, best_van = price[place, van], place, van
        if best_place < 0:
            break
        found = _take_over(world, plan, store, best_van, best_place, dearest) * factor[best_place, best_van]
        if found < NEVER and known[best_place, best_van] == step:
            keep_round(plan)
            price[best_place, best_van] = NEVER
            step += 1
            continue
        take_back_round(world, plan)
        price[best_place, best_van], known[best_place, best_van] = min(found, float(NEVER)), step
    put_back(world, plan, store.chance)
    keep_round(plan)


@compiled
def call_otherwise(world: World, plan: Plan, store: Store, noise: float, dearest: int) -> None:
    """Call one or two calls off, with all that was taken over there, and send vans for what waits now."""
    for _ in range(1 + below(store.chance, MOST_CALLED_OFF)):
        call_off(world, plan, store.chance, store.mark)
    tidy(world, plan, store.mark)
    keep_round(plan)
    construct(world, plan, store, noise, dearest)


@compiled
def _take_over(world: World, plan: Plan, store: Store, van: int, place: int, dearest: int) -> float:
    """Let the van call and take what waits near its way; what an order costs, NEVER when it can take nothing."""
    orders, count = world.terms[ORDERS], 0
    position = cheapest_call(world, plan, van, place)
    if position < 0:
        return float(NEVER)
    distance, waiting = store.room[0], store.room[1]
    for order in range(world.node[orders + place, FIRST], world.node[orders + place, AFTER]):
        if plan.order[order, VAN] < 0:
            distance[count], waiting[count] = world.reach[order, van], order
            count += 1
    ascending(distance, waiting, count)
    put(world, plan, van, position, orders + place)
    taken = 0
    for order in waiting[:count]:
        entry = plan.insert[order, van]
        price_insertion(
            entry,
            world.node[order],
            world.off[order],
            world.onto[order],
            plan.at[0, van],
            plan.call[0, van],
            plan.list[van],
            orders + world.terms[PLACES] + van,
            world.node[orders + place, EACH],
            world.van[van, CAPACITY],
        )
        if entry[EXTRA] <= dearest:
            put(world, plan, van, entry[WHERE_TO], order)
            taken += 1
    if not taken or not plan.list[van, HOLDS]:
        return float(NEVER)
    return float(plan.list[van, COST] - plan.list[van, OLD_COST]) / taken
