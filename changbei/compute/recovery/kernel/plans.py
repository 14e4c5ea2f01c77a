"""The lists of all vans with their schedules, and the log that takes a round back."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from changbei.compute.recovery.kernel.compiling import compiled
from changbei.compute.recovery.kernel.world import (
    ABOARD,
    CAPACITY,
    CLOSES,
    EACH,
    ETA,
    I32,
    I64,
    LASTS,
    LIMIT,
    LISTED,
    NEVER,
    OPENS,
    ORDERS,
    PLACES,
    PRICE,
    READY,
    RESERVE,
    SHIFT_PRICE,
    SHIFT_SECONDS,
    SIZE,
    SOURCE,
    TOUCH_PRICE,
    VANS,
    Flags,
    World,
)

NEAR: Final = 64
"""How many of an order's neighbours are remembered."""

# columns of Plan.at, per position: when service begins there, when the van leaves the stop before, and the last
# beginning that keeps everything after (at the end: the latest return)
BEGINS, DEPARTS, LATEST = range(3)
# columns of Plan.list; VERSION grows with every change, so that what was priced once need not be priced again
LENGTH, COST, HOLDS, VERSION, CHANGED, OLD_LENGTH, OLD_COST, OLD_VERSION = range(8)
# columns of Plan.call: position of the van's call at the place (-1 none), and the version `more` was made for
POSITION, MORE_VERSION = range(2)
# columns of Plan.more, per position after a call: departure with one order more handed over, and the room for it
MORE_DEPARTS, ROOM = range(2)
# columns of Plan.insert: cheapest insertion, where, as of which version of the list
EXTRA, WHERE_TO, AS_OF = range(3)
# columns of Plan.order: its van (-1: waits), its place in the bank, whether its neighbours are known
VAN, BANK_AT, NEAR_KNOWN = range(3)
# entries of Plan.total; ROUND_PRICE: what waited when the round began
LAST_VERSION, WAITING, LOGGED, WAITING_PRICE, CHANGES, ROUND_PRICE = range(6)


class Plan(NamedTuple):
    """nodes (K, L): row v is van v's list, orders and calls (N + place); legs (K, L + 1): driving to each from the stop
    before, the last one home. at (K, L + 1, 3). list (K, 8). call (K, P, 2).
    more (K, P, L + 1, 2). insert (N, K, 3). order (N, 3). bank (N): the waiting orders. near (N, NEAR), nearest first.
    old, old_legs: lists as they were when the round began; changed (K): the vans of the round; log (…, 2): orders
    whose van changed in it, and the van before. total (6)."""

    nodes: I32
    legs: I32
    at: I64
    list: I64
    call: I64
    more: I64
    insert: I64
    order: I64
    bank: I64
    near: I32
    old: I32
    old_legs: I32
    changed: I64
    log: I64
    total: I64


class Lists(NamedTuple):
    """What was found: (K, L) nodes, (K) lengths, and the price above that of where the first search began."""

    nodes: I32
    length: I64
    price: int


def plan_of(world: World, lists: Lists) -> Plan:
    """These lists, scheduled; what is on none of them waits. No list may get longer than the rows are."""
    plan = _empty_plan(world, lists.nodes.shape[1])
    for van in range(len(lists.length)):
        load_list(world, plan, van, lists.nodes[van, : lists.length[van]])
    return plan


def _empty_plan(world: World, longest: int) -> Plan:
    orders, places, vans = (int(world.terms[which]) for which in (ORDERS, PLACES, VANS))

    def numbers(*shape: int) -> I64:
        return np.zeros(shape, dtype=np.int64)

    plan = Plan(
        nodes=np.zeros((vans, longest), dtype=np.int32),
        legs=np.zeros((vans, longest + 1), dtype=np.int32),
        at=numbers(vans, longest + 1, 3),
        list=numbers(vans, 8),
        call=numbers(vans, places, 2) - 1,
        more=numbers(vans, places, longest + 1, 2),
        insert=numbers(orders, vans, 3) - 1,
        order=numbers(orders, 3),
        bank=np.arange(orders, dtype=np.int64),
        near=np.zeros((orders, NEAR), dtype=np.int32),
        old=np.zeros((vans, longest), dtype=np.int32),
        old_legs=np.zeros((vans, longest + 1), dtype=np.int32),
        changed=numbers(vans),
        log=numbers(8 * orders + 64, 2),
        total=numbers(6),
    )
    plan.order[:, VAN] = -1
    plan.order[:, BANK_AT] = plan.bank
    plan.total[WAITING] = orders
    plan.total[WAITING_PRICE] = world.node[:orders, PRICE].sum()
    return plan


@compiled
def load_list(world: World, plan: Plan, van: int, nodes: I32) -> None:
    """Give a van a list, outside of a round."""
    for position in range(len(nodes)):
        plan.nodes[van, position] = nodes[position]
        if nodes[position] < world.terms[ORDERS]:
            assign(world, plan, nodes[position], van)
    plan.list[van, LENGTH] = len(nodes)
    plan.total[LOGGED], plan.total[ROUND_PRICE] = 0, plan.total[WAITING_PRICE]
    measure(world, plan, van)
    schedule(world, plan, van)


@compiled
def assign(world: World, plan: Plan, order: int, van: int) -> None:
    """The order is on this van's list now, or waits (-1). Logged."""
    before = plan.order[order, VAN]
    if before == van:
        return
    entry = plan.total[LOGGED]
    plan.log[entry, 0], plan.log[entry, 1] = order, before
    plan.total[LOGGED] = entry + 1
    _assign(world, plan, order, van)


@compiled
def _assign(world: World, plan: Plan, order: int, van: int) -> None:
    before = plan.order[order, VAN]
    if before < 0 <= van:
        hole, last = plan.order[order, BANK_AT], plan.bank[plan.total[WAITING] - 1]
        plan.bank[hole], plan.order[last, BANK_AT] = last, hole
        plan.total[WAITING] -= 1
        plan.total[WAITING_PRICE] -= world.node[order, PRICE]
    elif before >= 0 > van:
        plan.bank[plan.total[WAITING]], plan.order[order, BANK_AT] = order, plan.total[WAITING]
        plan.total[WAITING] += 1
        plan.total[WAITING_PRICE] += world.node[order, PRICE]
    plan.order[order, VAN] = van


@compiled
def measure(world: World, plan: Plan, van: int) -> None:
    """Look up all legs of a list."""
    here = world.terms[ORDERS] + world.terms[PLACES] + van
    end = here + world.terms[VANS]
    for position in range(plan.list[van, LENGTH]):
        node = plan.nodes[van, position]
        plan.legs[van, position] = world.onto[here, node]
        here = node
    plan.legs[van, plan.list[van, LENGTH]] = world.onto[here, end]


@compiled
def about_to_change(plan: Plan, van: int) -> None:
    """Remember the list as it was before this round touched it."""
    row = plan.list[van]
    if row[CHANGED]:
        return
    row[CHANGED] = 1
    plan.changed[plan.total[CHANGES]] = van
    plan.total[CHANGES] += 1
    for position in range(row[LENGTH]):
        plan.old[van, position] = plan.nodes[van, position]
        plan.old_legs[van, position] = plan.legs[van, position]
    plan.old_legs[van, row[LENGTH]] = plan.legs[van, row[LENGTH]]
    row[OLD_LENGTH], row[OLD_VERSION], row[OLD_COST] = row[LENGTH], row[VERSION], row[COST]


@compiled
def keep_round(plan: Plan) -> None:
    """The round's changes stand."""
    for index in range(plan.total[CHANGES]):
        plan.list[plan.changed[index], CHANGED] = 0
    plan.total[CHANGES] = 0
    plan.total[LOGGED] = 0
    plan.total[ROUND_PRICE] = plan.total[WAITING_PRICE]


@compiled
def take_back_round(world: World, plan: Plan) -> None:
    """All as it was when the round began; what was priced for those lists is valid again."""
    for entry in range(plan.total[LOGGED] - 1, -1, -1):
        _assign(world, plan, plan.log[entry, 0], plan.log[entry, 1])
    for index in range(plan.total[CHANGES]):
        van = plan.changed[index]
        for position in range(plan.list[van, OLD_LENGTH]):
            plan.nodes[van, position] = plan.old[van, position]
            plan.legs[van, position] = plan.old_legs[van, position]
        plan.list[van, LENGTH] = plan.list[van, OLD_LENGTH]
        plan.legs[van, plan.list[van, LENGTH]] = plan.old_legs[van, plan.list[van, LENGTH]]
        schedule(world, plan, van)
        plan.list[van, VERSION] = plan.list[van, OLD_VERSION]
    keep_round(plan)


@compiled
def snapshot(plan: Plan, nodes: I32, length: I64) -> None:
    """Copy all lists."""
    for van in range(len(length)):
        length[van] = plan.list[van, LENGTH]
        for position in range(length[van]):
            nodes[van, position] = plan.nodes[van, position]


@compiled
def put(world: World, plan: Plan, van: int, position: int, node: int) -> None:
    """Insert a node into a list."""
    about_to_change(plan, van)
    nodes, legs, length = plan.nodes[van], plan.legs[van], plan.list[van, LENGTH]
    start = world.terms[ORDERS] + world.terms[PLACES] + van
    before = nodes[position - 1] if position else start
    after = nodes[position] if position < length else start + world.terms[VANS]
    for later in range(length, position, -1):
        nodes[later] = nodes[later - 1]
        legs[later + 1] = legs[later]
    nodes[position] = node
    legs[position], legs[position + 1] = world.onto[before, node], world.onto[node, after]
    plan.list[van, LENGTH] = length + 1
    if node < world.terms[ORDERS]:
        assign(world, plan, node, van)
    schedule(world, plan, van)


@compiled
def drop_marked(world: World, plan: Plan, van: int, mark: Flags) -> None:
    """Take the marked nodes out of a list; the orders among them wait. The marks are taken away."""
    about_to_change(plan, van)
    nodes, legs, length = plan.nodes[van], plan.legs[van], plan.list[van, LENGTH]
    here = world.terms[ORDERS] + world.terms[PLACES] + van
    end, kept, hole = here + world.terms[VANS], 0, False
    for position in range(length + 1):
        node = nodes[position] if position < length else end
        if position < length and mark[node]:
            mark[node], hole = False, True
            if node < world.terms[ORDERS]:
                assign(world, plan, node, -1)
            continue
        legs[kept] = world.onto[here, node] if hole else legs[position]
        hole = False
        if position < length:
            nodes[kept] = node
            kept += 1
        here = node
    plan.list[van, LENGTH] = kept
    schedule(world, plan, van)


@compiled
def schedule(world: World, plan: Plan, van: int) -> None:
    """Beginnings, departures, latest beginnings and the cost of one list, and whether it keeps every limit."""
    orders = world.terms[ORDERS]
    length, nodes, at, call = plan.list[van, LENGTH], plan.nodes[van], plan.at[van], plan.call[van]
    limits, legs = world.van[van], plan.legs[van]
    call[:, POSITION] = -1
    for position in range(length):
        if nodes[position] >= orders:
            call[nodes[position] - orders, POSITION] = position
    same = length == limits[LISTED]
    now, driving, holds, shifted, load = limits[READY], 0, True, 0, limits[ABOARD]
    at[0, DEPARTS] = now
    for position in range(length):
        node = nodes[position]
        same = same and world.planned[van, position] == node
        driving += legs[position]
        now += legs[position]
        now = max(now, world.node[node, OPENS])
        if now > world.node[node, CLOSES]:
            holds = False
        at[position, BEGINS] = now
        now += world.node[node, LASTS]
        if node < orders:
            source = world.node[node, SOURCE]
            if source >= 0 and (call[source, POSITION] < 0 or call[source, POSITION] > position):
                holds = False
            load -= world.node[node, SIZE]
            told = world.node[node, ETA]
            if told >= 0 and abs(now - world.node[node, LASTS] - told) > world.terms[SHIFT_SECONDS]:
                shifted += 1
        else:
            for later in range(position + 1, length):
                other = nodes[later]
                if other < orders and world.node[other, SOURCE] == node - orders:
                    now += world.node[node, EACH]
                    load += world.node[other, SIZE]
            if load > limits[CAPACITY]:
                holds = False
        at[position + 1, DEPARTS] = now
    if length or not limits[RESERVE]:
        driving += legs[length]
        if length and now + legs[length] > limits[LIMIT]:
            holds = False
    late = limits[LIMIT]
    at[length, LATEST] = late
    for position in range(length - 1, -1, -1):
        late -= legs[position + 1] + at[position + 1, DEPARTS] - at[position, BEGINS]
        late = min(late, world.node[nodes[position], CLOSES])
        at[position, LATEST] = late
    cost = driving + shifted * world.terms[SHIFT_PRICE]
    if not same and not limits[RESERVE]:
        cost += world.terms[TOUCH_PRICE]
    plan.total[LAST_VERSION] += 1
    row = plan.list[van]
    row[COST], row[HOLDS], row[VERSION] = cost, holds, plan.total[LAST_VERSION]


@compiled
def prepare_call(world: World, plan: Plan, van: int, place: int) -> None:
    """Departures if one order more were handed over at the call, and the room for it, per position after the call."""
    if plan.call[van, place, MORE_VERSION] == plan.list[van, VERSION]:
        return
    plan.call[van, place, MORE_VERSION] = plan.list[van, VERSION]
    orders, length, nodes, at = world.terms[ORDERS], plan.list[van, LENGTH], plan.nodes[van], plan.at[van]
    more, call = plan.more[van, place], plan.call[van, place, POSITION]
    load, capacity, free = world.van[van, ABOARD], world.van[van, CAPACITY], NEVER
    for position in range(length):
        node = nodes[position]
        if node < orders:
            load -= world.node[node, SIZE]
        else:
            for later in range(position + 1, length):
                other = nodes[later]
                if other < orders and world.node[other, SOURCE] == node - orders:
                    load += world.node[other, SIZE]
            if position >= call and capacity - load < free:
                free = capacity - load
        if position >= call:
            more[position + 1, ROOM] = free
    now = at[call + 1, DEPARTS] + world.node[orders + place, EACH]
    more[call + 1, MORE_DEPARTS] = now
    for position in range(call + 1, length):
        node = nodes[position]
        now = max(now + plan.legs[van, position], world.node[node, OPENS])
        if now > at[position, LATEST]:
            for later in range(position + 1, length + 1):
                more[later, MORE_DEPARTS] = NEVER
            return
        now += at[position + 1, DEPARTS] - at[position, BEGINS]
        more[position + 1, MORE_DEPARTS] = now
