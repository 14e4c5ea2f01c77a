"""A plan from nothing: again and again the van that takes stranded goods over for the least driving an order."""

from __future__ import annotations

from typing import Final

import numpy as np

from changbei.compute.recovery.kernel.annealing import Store
from changbei.compute.recovery.kernel.chance import below, share
from changbei.compute.recovery.kernel.compiling import compiled
from changbei.compute.recovery.kernel.inserting import cheapest_call, cheapest_way, price_insertion, put_back
from changbei.compute.recovery.kernel.moves import call_off, tidy
from changbei.compute.recovery.kernel.plans import (
    COST,
    EXTRA,
    HOLDS,
    OLD_COST,
    POSITION,
    VAN,
    WAITING,
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
    CLOSES,
    EACH,
    FIRST,
    NEVER,
    ORDERS,
    PLACES,
    PRICE,
    READY,
    SOURCE,
    VANS,
    World,
)

MOST_CALLED_OFF: Final = 2

URGENT_SHARE, URGENT_SECONDS = 0.5, 14_400
"""How often orders that close soon go first, and how soon that is at most."""


@compiled
def construct(world: World, plan: Plan, store: Store, noise: float, dearest: int) -> None:
    """Send vans to places, the least driving an order first, until nobody can take anything over; the plan is changed.

    Half the time somebody is sent for what closes soon before that: nothing else is left over so often. What a van can
    take over gets less with every other van that is sent, so only the seemingly best pair is looked at again. noise:
    by how much a pair may seem worse than it is; dearest: seconds above which an order is left to others.
    """
    if share(store.chance) < URGENT_SHARE:
        _send_for_urgent(world, plan, store, noise)
    places, vans = world.terms[PLACES], world.terms[VANS]
    factor, price = np.empty((places, vans)), np.empty((places, vans))
    known = np.zeros((places, vans), dtype=np.int64)
    for place in range(places):
        for van in range(vans):
            may = world.allowed[place, van] > 0
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
    if plan.call[0, van, place, POSITION] < 0:
        position = cheapest_call(world, plan, van, place)
        if position < 0:
            return float(NEVER)
        put(world, plan, van, position, orders + place)
    distance, waiting = store.room[0], store.room[1]
    for order in range(world.node[orders + place, FIRST], world.node[orders + place, AFTER]):
        if plan.order[order, VAN] < 0:
            distance[count], waiting[count] = world.reach[order, van], order
            count += 1
    ascending(distance, waiting, count)
    taken = 0
    for order in waiting[:count]:
        extra, position = _priced(world, plan, van, order)
        if extra <= dearest:
            put(world, plan, van, position, order)
            taken += 1
    if not taken or not plan.list[van, HOLDS]:
        return float(NEVER)
    return float(plan.list[van, COST] - plan.list[van, OLD_COST]) / taken


@compiled
def _priced(world: World, plan: Plan, van: int, order: int) -> tuple[int, int]:
    """What the cheapest insertion into the van's list costs, and where."""
    orders, entry = world.terms[ORDERS], plan.insert[order, van]
    price_insertion(
        entry,
        world.node[order],
        world.off[order],
        world.onto[order],
        plan.at[0, van],
        plan.call[0, van],
        plan.list[van],
        orders + world.terms[PLACES] + van,
        world.node[orders + world.node[order, SOURCE], EACH],
        world.van[van, CAPACITY],
    )
    return entry[EXTRA], entry[WHERE_TO]


@compiled
def _send_for_urgent(world: World, plan: Plan, store: Store, noise: float) -> None:
    """Send somebody in time for the stranded orders that close soon, one by one, the first to close first."""
    closes, waiting = store.room[0], store.room[1]
    soon, count = int(world.van[:, READY].min() + URGENT_SECONDS * share(store.chance)), 0
    for order in plan.bank[: plan.total[WAITING]]:
        if world.node[order, SOURCE] >= 0 and world.node[order, CLOSES] < soon:
            closes[count], waiting[count] = world.node[order, CLOSES], order
            count += 1
    ascending(closes, waiting, count)
    for order in waiting[:count]:
        _send_for(world, plan, store, noise, order)
    keep_round(plan)


@compiled
def _send_for(world: World, plan: Plan, store: Store, noise: float, order: int) -> None:
    """Let a van that calls take the order over, or another one call for it, whichever is cheapest with some noise."""
    place = world.node[order, SOURCE]
    least, found, call_at, order_at = float(world.node[order, PRICE]), -1, -1, -1
    for van in range(world.terms[VANS]):
        if not world.allowed[place, van]:
            continue
        calling = -1
        if plan.call[0, van, place, POSITION] >= 0:
            extra, position = _priced(world, plan, van, order)
        else:
            extra, calling, position = cheapest_way(world, plan, van, order)
        seems = extra * (1.0 + noise * share(store.chance))
        if extra < NEVER and seems < least:
            least, found, call_at, order_at = seems, van, calling, position
    if found < 0:
        return
    if call_at >= 0:
        put(world, plan, found, call_at, world.terms[ORDERS] + place)
    put(world, plan, found, order_at, order)
