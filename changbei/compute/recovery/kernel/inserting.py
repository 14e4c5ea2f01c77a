"""What an insertion costs, and putting back what waits."""

from __future__ import annotations

from typing import Final

import numpy as np

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.chance import State, below, share
from changbei.compute.recovery.kernel.noticing import Prices, note, step_of
from changbei.compute.recovery.kernel.plans import (
    AS_OF,
    BEGINS,
    CALLS,
    DEPARTS,
    EXTRA,
    LATEST,
    LEAVES_WITH,
    LEFT,
    LEG,
    LENGTH,
    LOAD,
    NODE,
    NOTED,
    POSITION,
    VERSION,
    WAITING,
    WAITING_PRICE,
    WHERE_TO,
    Plan,
    change_of,
    put,
)
from changbei.compute.recovery.kernel.sorting import ascending
from changbei.compute.recovery.kernel.world import (
    CAPACITY,
    CLOSES,
    EACH,
    EARLY,
    HOME,
    I32,
    I64,
    LASTS,
    LATE,
    NEVER,
    NOTICED,
    OPENS,
    ORDERS,
    PLACES,
    PRICE,
    SHIFT_PRICE,
    SIZE,
    SOURCE,
    VANS,
    World,
)

BLINK: Final = 0.02
"""Now and then the best van is overlooked for the next, so that repetitions differ."""

TAKEN_OVER: Final = 12
"""How many orders a call is thought to last for when the delay of what comes after it is priced."""

MOST_TIMES: Final = 1 << 20
"""More is not counted: prices are multiplied by it."""

EMPTIER_SHARE, WILD_SHARE = 0.5, 0.2
"""How often a van calls only once part of its load is delivered, so that more fits in, and how often anywhere."""


@compiled
def price_insertion(
    entry: I64,
    order: I64,
    onto: I32,
    off: I32,
    at: I64,
    call: I64,
    row: I64,
    start: int,
    each: int,
    capacity: int,
    noticed: Prices,
) -> None:
    """Fill in the cheapest insertion of an order into a van's list: NEVER where it cannot be.

    onto, off: seconds from every node to the order, and from it. What is taken over besides delays everything after the
    call by `each`; that waiting somewhere may absorb that is disregarded here. noticed: what delays cost, or nothing.
    """
    entry[AS_OF], entry[EXTRA] = row[VERSION], NEVER
    length, source, size = row[LENGTH], order[SOURCE], order[SIZE]
    if length + 2 >= at.shape[1]:
        return
    first, last, here, later = 0, length, start, 0
    if source >= 0:
        calls_at = call[source, POSITION]
        if calls_at < 0 or size > capacity - call[source, LEAVES_WITH]:
            return
        first, here, later = calls_at + 1, at[NODE, calls_at], each
        if at[DEPARTS, first] + later + at[LEG, first] > at[LATEST, first]:
            return
        for place in range(len(call)):
            if call[place, POSITION] > calls_at and size > capacity - call[place, LEAVES_WITH]:
                last = min(last, call[place, POSITION])
    opens, closes, lasts = order[OPENS] - later, order[CLOSES] - later, order[LASTS] + later
    best, best_at = NEVER, np.int64(0)
    nearing = np.int64(onto[here])
    # Unsigned: nobody has to look whether an index counts from the end.
    for position in range(np.uint64(first), np.uint64(last + 1)):
        there = np.uint64(at[NODE, position])
        leaving = np.int64(off[there])
        extra = nearing + leaving - at[LEG, position]
        if extra < best:
            begin = max(at[DEPARTS, position] + nearing, opens)
            if begin <= closes and begin + lasts + leaving <= at[LATEST, position]:
                if len(noticed):
                    extra += noticed[position, step_of(begin + lasts + leaving - at[BEGINS, position])]
                    if begin + later < order[EARLY] or begin + later > order[LATE]:
                        extra += order[SHIFT_PRICE]
                if extra < best:
                    best, best_at = extra, np.int64(position)  # signed: the two kinds together make a float
        nearing = np.int64(onto[there])
    entry[EXTRA], entry[WHERE_TO] = best, best_at


@compiled
def put_back(world: World, plan: Plan, chance: State, room: I64, most: float) -> bool:
    """Insert what waits wherever it fits cheapest, one after the other, in an order drawn anew each time; given up,
    and False, as soon as the round costs `most` more than what it began with."""
    count = plan.total[WAITING]
    if not count:
        return True
    keys, waiting, callers = room[0], room[1], room[2]
    way = share(chance)
    for index in range(count):
        waiting[index] = plan.bank[index]
        times = plan.order[waiting[index], LEFT]
        keys[index] = _turn(world.node, world.off, world.terms, chance, waiting[index], times, way)
    ascending(keys, waiting, count)
    vans, orders, places = world.terms[VANS], world.terms[ORDERS], world.terms[PLACES]
    calling, change = 0, float(change_of(plan) - plan.total[WAITING_PRICE])
    for van in range(vans):
        if plan.list[van, CALLS]:
            callers[calling] = van
            calling += 1
    for order in waiting[:count]:
        source = world.node[order, SOURCE]
        best, found, each = world.node[order, PRICE], -1, 0
        second, other = best, -1
        if source >= 0:
            each = world.node[orders + source, EACH]
        for index in range(1 if source < 0 else calling):
            van = world.node[order, HOME] if source < 0 else callers[index]
            if source >= 0 and plan.call[0, van, source, POSITION] < 0:
                continue
            if plan.insert[order, van, AS_OF] != plan.list[van, VERSION]:
                if world.terms[NOTICED]:
                    look_up(world, plan, van)
                price_insertion(
                    plan.insert[order, van],
                    world.node[order],
                    world.off[order],
                    world.onto[order],
                    plan.at[0, van],
                    plan.call[0, van],
                    plan.list[van],
                    orders + places + van,
                    each,
                    world.van[van, CAPACITY],
                    plan.noticed[van],
                )
            extra = plan.insert[order, van, EXTRA]
            if extra < best:
                second, other = best, found
                best, found = extra, van
            elif extra < second:
                second, other = extra, van
        if other >= 0 and share(chance) < BLINK:
            best, found = second, other
        change += best
        if found < 0:
            plan.order[order, LEFT] += 1
        if change >= most:
            return False
        if found >= 0:
            put(world, plan, found, plan.insert[order, found, WHERE_TO], order)
    return True


@compiled
def look_up(world: World, plan: Plan, van: int) -> None:
    """Have it on record what delays of the list cost as it is now."""
    at, row = plan.at[0, van], plan.list[van]
    if row[NOTED] != row[VERSION]:
        row[NOTED] = row[VERSION]
        note(world.node, at[NODE], at[LEG], at[BEGINS], at[DEPARTS], row[LENGTH], plan.noticed[van])


@compiled
def _turn(node_of: I64, off: I32, terms: I64, chance: State, order: int, times: int, way: float) -> int:
    """Whose turn it is, small ones first; ties fall by chance. times: how often it was left."""
    key = 0
    if way < 0.35:  # whom it would be worst to leave, and has been left most often
        key = -min((1 + min(times, MOST_TIMES)) * node_of[order, PRICE], NEVER)
    elif way < 0.55:
        key = -node_of[order, SIZE]
    elif way < 0.75:
        key = node_of[order, CLOSES] - node_of[order, OPENS]  # the least free first
    elif way < 0.85:
        key = -_to_goods(node_of, off, terms, order)
    return int(key * 1024 + below(chance, 1024))


@compiled
def _to_goods(node_of: I64, off: I32, terms: I64, order: int) -> int:
    """How far the order lies from where its goods are; of a van's own from where the van stands."""
    orders, source = terms[ORDERS], node_of[order, SOURCE]
    van = orders + terms[PLACES] + node_of[order, HOME]
    return int(off[order, orders + source if source >= 0 else van])


@compiled
def cheapest_call(
    world: World, plan: Plan, chance: State, van: int, place: int, most: int, wild: bool
) -> int:
    """Where to call with the least driving (and least noticed), no more than `most` aboard, in time for what comes
    after; -1 none. wild: any driving may seem less or more than it is."""
    orders, length, at = world.terms[ORDERS], plan.list[van, LENGTH], plan.at[0, van]
    if length + 3 >= at.shape[1]:
        return -1
    if world.terms[NOTICED]:
        look_up(world, plan, van)
    call, here = orders + place, orders + world.terms[PLACES] + van
    lasts = world.node[call, LASTS]
    best, best_at = float(NEVER), -1
    for position in range(length + 1):
        there = at[NODE, position]
        extra = float(world.onto[here, call] + world.onto[call, there] - at[LEG, position])
        begin = max(at[DEPARTS, position] + world.onto[here, call], world.node[call, OPENS])
        leaves = begin + lasts + world.onto[call, there]
        if world.terms[NOTICED]:
            delay = leaves + TAKEN_OVER * world.node[call, EACH] - at[BEGINS, position]
            extra += plan.noticed[van, position, step_of(delay)]
        if wild:
            extra *= 0.2 + 2.0 * share(chance)
        if leaves <= at[LATEST, position] and at[LOAD, position] <= most and extra < best:
            best, best_at = extra, position
        here = there
    return best_at


@compiled
def call_position(world: World, plan: Plan, chance: State, van: int, place: int) -> int:
    """Where to call: the cheapest position, or the cheapest once part of the load is delivered, or any; -1 none."""
    if plan.list[van, LENGTH] + 3 >= plan.at.shape[3]:
        return -1
    most = emptied(world, chance, van)
    return cheapest_call(world, plan, chance, van, place, most, share(chance) < WILD_SHARE)


@compiled
def emptied(world: World, chance: State, van: int) -> int:
    """What may be aboard when the van calls: anything, or no more than some share of what fits in."""
    fits = world.van[van, CAPACITY]
    return int(fits * share(chance)) if share(chance) < EMPTIER_SHARE else int(fits)


@compiled
def cheapest_way(world: World, plan: Plan, van: int, order: int) -> tuple[int, int, int]:
    """The cheapest call for one order with the order's insertion after it: the driving, the position of the call, that
    of the order once the van calls; NEVER where it cannot be. The van does not call at the order's place yet."""
    orders, length, at = world.terms[ORDERS], plan.list[van, LENGTH], plan.at[0, van]
    wanted, source = world.node[order], world.node[order, SOURCE]
    best, call_at, order_at = NEVER, -1, -1
    if length + 3 >= at.shape[1]:
        return best, call_at, order_at
    call, here = orders + source, orders + world.terms[PLACES] + van
    spare = world.van[van, CAPACITY] - wanted[SIZE]
    for position in range(length + 1):
        there = at[NODE, position]
        if at[DEPARTS, position] > wanted[CLOSES]:
            break
        leaves = max(at[DEPARTS, position] + world.onto[here, call], world.node[call, OPENS])
        leaves += world.node[call, LASTS] + world.node[call, EACH]
        driving = world.onto[here, call] - at[LEG, position]
        here = there
        if at[LOAD, position] > spare:
            continue
        extra = driving + world.onto[call, order] + world.onto[order, there]
        begins = max(leaves + world.onto[call, order], wanted[OPENS])
        ends = begins + wanted[LASTS] + world.onto[order, there]
        if extra < best and begins <= wanted[CLOSES] and ends <= at[LATEST, position]:
            best, call_at, order_at = extra, position, position + 1
        driving, arrives = driving + world.onto[call, there], leaves + world.onto[call, there]
        if position == length or driving >= best or arrives > at[LATEST, position]:
            continue
        delay = max(arrives - at[BEGINS, position], 0)
        for later in range(position + 1, length + 1):
            before, after = at[NODE, later - 1], at[NODE, later]
            if at[DEPARTS, later] > wanted[CLOSES]:
                break
            if before >= orders and plan.call[0, van, before - orders, LEAVES_WITH] > spare:
                break
            extra = driving + world.onto[before, order] + world.onto[order, after] - at[LEG, later]
            begins = max(at[DEPARTS, later] + delay + world.onto[before, order], wanted[OPENS])
            ends = begins + wanted[LASTS] + world.onto[order, after]
            if extra < best and begins <= wanted[CLOSES] and ends <= at[LATEST, later]:
                best, call_at, order_at = extra, position, later + 1
    return best, call_at, order_at
