"""What an insertion costs, and putting back what waits."""

from __future__ import annotations

from typing import Final

import numpy as np

from changbei.compute.recovery.kernel.chance import State, below, share
from changbei.compute.recovery.kernel.compiling import compiled
from changbei.compute.recovery.kernel.plans import (
    AS_OF,
    DEPARTS,
    EXTRA,
    LATEST,
    LENGTH,
    MORE_DEPARTS,
    POSITION,
    ROOM,
    VERSION,
    WAITING,
    WHERE_TO,
    Plan,
    prepare_call,
    put,
)
from changbei.compute.recovery.kernel.sorting import ascending
from changbei.compute.recovery.kernel.world import (
    ABOARD,
    CAPACITY,
    CLOSES,
    HOME,
    KEEP_SEQUENCES,
    LASTS,
    NEVER,
    OPENS,
    ORDERS,
    PLACES,
    PRICE,
    SIZE,
    SOURCE,
    VANS,
    World,
)

BLINK: Final = 0.01
"""Now and then a van is overlooked, so that repetitions differ."""


@compiled
def price_insertion(world: World, plan: Plan, order: int, van: int) -> None:
    """Fill in the cheapest insertion of an order into a van's list: NEVER where it cannot be."""
    entry = plan.insert[order, van]
    if entry[AS_OF] == plan.list[van, VERSION]:
        return
    entry[AS_OF], entry[EXTRA] = plan.list[van, VERSION], NEVER
    length, nodes, at = plan.list[van, LENGTH], plan.nodes[van], plan.at[van]
    source = world.node[order, SOURCE]
    if length >= plan.nodes.shape[1] or (source >= 0 and plan.call[van, source, POSITION] < 0):
        return
    start = world.terms[ORDERS] + world.terms[PLACES] + van
    end = start + world.terms[VANS]
    first, here = 0, start
    if source >= 0:
        prepare_call(world, plan, van, source)
        first = plan.call[van, source, POSITION] + 1
        here = nodes[first - 1]
    more, legs = plan.more[van, max(source, 0)], plan.legs[van]
    onto, off = (
        world.off[order],
        world.onto[order],
    )  # rows: from every node to the order, from it to every node
    opens, closes = world.node[order, OPENS], world.node[order, CLOSES]
    lasts, size = world.node[order, LASTS], world.node[order, SIZE]
    best, best_at = NEVER, 0
    for position in range(first, length + 1):
        departs = more[position, MORE_DEPARTS] if source >= 0 else at[position, DEPARTS]
        if departs > closes:
            break  # departures only grow along the list
        there = nodes[position] if position < length else end
        extra = onto[here] + off[there] - legs[position]
        if extra < best and (source < 0 or size <= more[position, ROOM]):
            begin = max(departs + onto[here], opens)
            if begin <= closes and begin + lasts + off[there] <= at[position, LATEST]:
                best, best_at = extra, position
        here = there
    entry[EXTRA], entry[WHERE_TO] = best, best_at


@compiled
def put_back(world: World, plan: Plan, chance: State) -> None:
    """Insert what waits wherever it fits cheapest, one after the other, in an order drawn anew each time."""
    count = plan.total[WAITING]
    if not count:
        return
    keys, waiting = np.empty(count, dtype=np.int64), plan.bank[:count].copy()
    way = share(chance)
    for index in range(count):
        keys[index] = _turn(world, chance, waiting[index], way)
    ascending(keys, waiting, count)
    for order in waiting:
        source = world.node[order, SOURCE]
        if source < 0 and world.terms[KEEP_SEQUENCES]:
            continue
        van = _cheapest(world, plan, chance, order, source)
        if van >= 0 and plan.insert[order, van, EXTRA] < world.node[order, PRICE]:
            put(world, plan, van, plan.insert[order, van, WHERE_TO], order)


@compiled
def _turn(world: World, chance: State, order: int, way: float) -> int:
    """Whose turn it is, small ones first; ties fall by chance."""
    key = 0
    if way < 0.35:
        key = -world.node[order, PRICE]  # whom it would be worst to leave
    elif way < 0.55:
        key = -world.node[order, SIZE]
    elif way < 0.75:
        key = world.node[order, CLOSES] - world.node[order, OPENS]  # the least free first
    elif way < 0.85:
        key = -_to_goods(world, order)
    return int(key * 1024 + below(chance, 1024))


@compiled
def _to_goods(world: World, order: int) -> int:
    """How far the order lies from where its goods are; of a van's own from where the van stands."""
    orders, source = world.terms[ORDERS], world.node[order, SOURCE]
    van = orders + world.terms[PLACES] + world.node[order, HOME]
    return int(world.off[order, orders + source if source >= 0 else van])


@compiled
def _cheapest(world: World, plan: Plan, chance: State, order: int, source: int) -> int:
    """The van that takes the order for least, -1 none."""
    if source < 0:
        van = world.node[order, HOME]
        price_insertion(world, plan, order, van)
        return int(van) if plan.insert[order, van, EXTRA] < NEVER else -1
    best, found = NEVER, -1
    for van in range(world.terms[VANS]):
        if plan.call[van, source, POSITION] < 0:
            continue
        if plan.insert[order, van, AS_OF] != plan.list[van, VERSION]:
            price_insertion(world, plan, order, van)
        if plan.insert[order, van, EXTRA] < best and share(chance) >= BLINK:
            best, found = plan.insert[order, van, EXTRA], van
    return found


@compiled
def call_position(world: World, plan: Plan, chance: State, van: int, place: int) -> int:
    """Where to call: the cheapest position, or the cheapest once part of the load is delivered, or any; -1 none."""
    orders, length, at = world.terms[ORDERS], plan.list[van, LENGTH], plan.at[van]
    if length + 1 >= plan.nodes.shape[1]:
        return -1
    call, here = orders + place, orders + world.terms[PLACES] + van
    end = here + world.terms[VANS]
    most = float(world.van[van, CAPACITY])
    if share(chance) < 0.5:
        most *= share(chance)
    wild = share(chance) < 0.2
    load, best, best_at = world.van[van, ABOARD], 1e18, -1
    for position in range(length + 1):
        there = plan.nodes[van, position] if position < length else end
        extra = float(world.onto[here, call] + world.onto[call, there] - plan.legs[van, position])
        if wild:
            extra *= 0.2 + 2.0 * share(chance)
        begin = max(at[position, DEPARTS] + world.onto[here, call], world.node[call, OPENS])
        leaves = begin + world.node[call, LASTS] + world.onto[call, there]
        if leaves <= at[position, LATEST] and load <= most and extra < best:
            best, best_at = extra, position
        if position < length and there < orders:
            load -= world.node[there, SIZE]
        here = there
    return best_at
