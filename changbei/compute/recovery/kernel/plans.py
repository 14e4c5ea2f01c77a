"""The lists of all vans with their schedules, and what takes a round back.

A call at a place loads exactly those of the place's orders that stand later in the same list, so what a list changes
at one position is felt from there on, or from the call on, and its schedule is renewed from there only. What is called
most often takes rows, not the whole plan: handing over that many arrays costs more than a scan of a list.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.noticing import STEPS, Prices
from changbei.compute.recovery.kernel.world import (
    ABOARD,
    CAPACITY,
    CLOSES,
    EACH,
    EARLY,
    I32,
    I64,
    LASTS,
    LATE,
    LIMIT,
    LISTED,
    NOTICED,
    OPENS,
    ORDERS,
    PLACES,
    PRICE,
    READY,
    RESERVE,
    SHIFT_PRICE,
    SIZE,
    SOURCE,
    TOUCH_PRICE,
    VANS,
    Flags,
    World,
)

NEAR: Final = 96
"""How many of an order's neighbours are remembered."""

# rows of Plan.at, along a list; after its last stop comes the van's end. LEG: driving to here from the stop before;
# BEGINS: service here; LATEST: the last beginning that keeps everything after; of the stop before, once done: DEPARTS,
# LOAD, and what it costs who noticed a shift on the way, SHIFTED
NODE, LEG, BEGINS, LATEST, DEPARTS, LOAD, SHIFTED = range(7)
# columns of Plan.list; VERSION grows with every change, so that what was priced once need not be priced again; FRESH:
# changed since all lists were loaded; NOTED: the version as of which `noticed` is
LENGTH, COST, HOLDS, VERSION, CALLS, CHANGED, FRESH = range(7)
OLD_LENGTH, OLD_COST, OLD_HOLDS, OLD_VERSION, OLD_CALLS, NOTED = range(7, 13)
# columns of Plan.call: position of the van's call at the place (-1 none), how many orders it takes over, their size,
# and the load with which the van leaves
POSITION, TAKES, GOODS, LEAVES_WITH = range(4)
CALL_COLUMNS: Final = 4
# columns of Plan.insert: cheapest insertion, where, as of which version of the list
EXTRA, WHERE_TO, AS_OF = range(3)
# columns of Plan.order: its van (-1: waits), its place in the bank, whether its neighbours are known, how often it was
# left since the search began
VAN, BANK_AT, NEAR_KNOWN, LEFT = range(4)
# entries of Plan.total; ROUND_PRICE: what waited when the round began
LAST_VERSION, WAITING, LOGGED, WAITING_PRICE, CHANGES, ROUND_PRICE = range(6)


class Plan(NamedTuple):
    """at (2, K, 7, L + 2): lists with their schedules, now and as they were when the round began. call (2, K, P, 4)
    likewise. list (K, 13). insert (N, K, 3). order (N, 4). bank (N): the waiting orders. near (N, NEAR), nearest first.
    changed (K): the vans of the round; log (…, 2): orders whose van changed in it, and the van before. total (6).
    noticed (K, L + 2, STEPS): see `noticing`; no rows where insertions do not look at who is shifted."""

    at: I64
    call: I64
    list: I64
    insert: I64
    order: I64
    bank: I64
    near: I32
    changed: I64
    log: I64
    total: I64
    noticed: Prices


class Lists(NamedTuple):
    """What was found: (K, L) nodes, (K) lengths, and the price of all lists and of what waits."""

    nodes: I32
    length: I64
    price: int


def plan_of(world: World, lists: Lists) -> Plan:
    """These lists, scheduled; what is on none of them waits. No list may get longer than the rows are."""
    plan = _empty_plan(world, lists.nodes.shape[1])
    load_lists(world, plan, lists.nodes, lists.length)
    return plan


def _empty_plan(world: World, longest: int) -> Plan:
    orders, places, vans = (int(world.terms[which]) for which in (ORDERS, PLACES, VANS))

    def numbers(*shape: int) -> I64:
        return np.zeros(shape, dtype=np.int64)

    plan = Plan(
        at=numbers(2, vans, 7, longest + 2),
        call=numbers(2, vans, places, CALL_COLUMNS),
        list=numbers(vans, 13),
        insert=numbers(orders, vans, 3) - 1,
        order=numbers(orders, 4),
        bank=np.arange(orders, dtype=np.int64),
        near=np.zeros((orders, NEAR), dtype=np.int32),
        changed=numbers(vans),
        log=numbers(8 * orders + 64, 2),
        total=numbers(6),
        noticed=np.zeros((vans, longest + 2 if world.terms[NOTICED] else 0, STEPS), dtype=np.int32),
    )
    plan.list[:, NOTED] = -1
    plan.order[:, VAN] = -1
    plan.order[:, BANK_AT] = plan.bank
    plan.total[WAITING] = orders
    plan.total[WAITING_PRICE] = world.node[:orders, PRICE].sum()
    return plan


@compiled
def worth(plan: Plan) -> int:
    """The price of all lists and of what waits."""
    price = plan.total[WAITING_PRICE]
    for van in range(len(plan.list)):
        price += plan.list[van, COST]
    return int(price)


@compiled
def load_lists(world: World, plan: Plan, nodes: I32, length: I64) -> None:
    """Give every van its list, outside of a round; what is on none of them waits."""
    for order in range(world.terms[ORDERS]):
        _assign(plan.order, plan.bank, plan.total, world.node[order, PRICE], order, -1)
    for van in range(len(length)):
        load_list(world, plan, van, nodes[van, : length[van]])
        plan.list[van, FRESH] = 0
    keep_round(plan)


@compiled
def load_list(world: World, plan: Plan, van: int, nodes: I32) -> None:
    """Give a van another list as a whole."""
    orders, at, call, row = world.terms[ORDERS], plan.at[0, van], plan.call[0, van], plan.list[van]
    here = orders + world.terms[PLACES] + van
    call[:] = 0
    call[:, POSITION] = -1
    row[CALLS] = 0
    for position in range(len(nodes)):
        node = nodes[position]
        at[NODE, position], at[LEG, position] = node, world.onto[here, node]
        here = node
        if node >= orders:
            call[node - orders, POSITION] = position
            row[CALLS] += 1
            continue
        assign(plan.order, plan.bank, plan.log, plan.total, world.node[node, PRICE], node, van)
        source = world.node[node, SOURCE]
        if source >= 0:
            call[source, TAKES] += 1
            call[source, GOODS] += world.node[node, SIZE]
    row[LENGTH] = len(nodes)
    _whole(world, plan, van, here)
    schedule(world.node, world.van[van], world.terms, world.planned[van], at, call, row, 0, len(nodes) - 1)
    _renew(plan.list, plan.total, van)


@compiled
def _whole(world: World, plan: Plan, van: int, here: int) -> None:
    """The two ends of a list whose last stop is `here`."""
    at, length = plan.at[0, van], plan.list[van, LENGTH]
    end = world.terms[ORDERS] + world.terms[PLACES] + world.terms[VANS] + van
    at[NODE, length], at[LEG, length] = end, world.onto[here, end]
    at[DEPARTS, 0], at[LOAD, 0], at[SHIFTED, 0] = world.van[van, READY], world.van[van, ABOARD], 0
    at[LATEST, length] = world.van[van, LIMIT]


@compiled
def _renew(list_of: I64, total: I64, van: int) -> None:
    total[LAST_VERSION] += 1
    list_of[van, VERSION] = total[LAST_VERSION]


@compiled
def assign(order_of: I64, bank: I64, log: I64, total: I64, price: int, order: int, van: int) -> None:
    """The order is on this van's list now, or waits (-1). Logged."""
    before = order_of[order, VAN]
    if before == van:
        return
    entry = total[LOGGED]
    log[entry, 0], log[entry, 1] = order, before
    total[LOGGED] = entry + 1
    _assign(order_of, bank, total, price, order, van)


@compiled
def _assign(order_of: I64, bank: I64, total: I64, price: int, order: int, van: int) -> None:
    before = order_of[order, VAN]
    if before < 0 <= van:
        hole, last = order_of[order, BANK_AT], bank[total[WAITING] - 1]
        bank[hole], order_of[last, BANK_AT] = last, hole
        total[WAITING] -= 1
        total[WAITING_PRICE] -= price
    elif before >= 0 > van:
        bank[total[WAITING]], order_of[order, BANK_AT] = order, total[WAITING]
        total[WAITING] += 1
        total[WAITING_PRICE] += price
    order_of[order, VAN] = van


@compiled
def about_to_change(plan: Plan, van: int) -> None:
    """Remember the list as it was before this round touched it."""
    row = plan.list[van]
    if row[CHANGED]:
        return
    row[CHANGED] = 1
    plan.changed[plan.total[CHANGES]] = van
    plan.total[CHANGES] += 1
    _copy(plan.at[0, van], plan.at[1, van], plan.call[0, van], plan.call[1, van], row[LENGTH])
    row[OLD_LENGTH], row[OLD_VERSION], row[OLD_COST] = row[LENGTH], row[VERSION], row[COST]
    row[OLD_HOLDS], row[OLD_CALLS] = row[HOLDS], row[CALLS]


@compiled
def _copy(at: I64, at_to: I64, call: I64, call_to: I64, length: int) -> None:
    for index in range(7):
        for position in range(length + 1):
            at_to[index, position] = at[index, position]
    for place in range(len(call)):
        for column in range(CALL_COLUMNS):
            call_to[place, column] = call[place, column]


@compiled
def change_of(plan: Plan) -> int:
    """By how much the lists and what waits cost more than when the round began."""
    change = plan.total[WAITING_PRICE] - plan.total[ROUND_PRICE]
    for index in range(plan.total[CHANGES]):
        row = plan.list[plan.changed[index]]
        change += row[COST] - row[OLD_COST]
    return int(change)


@compiled
def often_left(plan: Plan) -> int:
    """How often those who wait were left, all together."""
    times = 0
    for order in plan.bank[: plan.total[WAITING]]:
        times += plan.order[order, LEFT]
    return times


@compiled
def round_holds(plan: Plan) -> bool:
    """Whether every list of the round keeps its limits; without a stop the way may be longer."""
    for index in range(plan.total[CHANGES]):  # noqa: SIM110 – the compiler knows no all() of a generator
        if not plan.list[plan.changed[index], HOLDS]:
            return False
    return True


@compiled
def all_hold(plan: Plan) -> bool:
    """Whether every list keeps its limits."""
    for van in range(len(plan.list)):  # noqa: SIM110 – the compiler knows no all() of a generator
        if not plan.list[van, HOLDS]:
            return False
    return True


@compiled
def keep_round(plan: Plan) -> None:
    """The round's changes stand."""
    for index in range(plan.total[CHANGES]):
        plan.list[plan.changed[index], CHANGED] = 0
        plan.list[plan.changed[index], FRESH] = 1
    plan.total[CHANGES] = 0
    plan.total[LOGGED] = 0
    plan.total[ROUND_PRICE] = plan.total[WAITING_PRICE]


@compiled
def take_back_round(world: World, plan: Plan) -> None:
    """All as it was when the round began; what was priced for those lists is valid again."""
    for entry in range(plan.total[LOGGED] - 1, -1, -1):
        order = plan.log[entry, 0]
        _assign(plan.order, plan.bank, plan.total, world.node[order, PRICE], order, plan.log[entry, 1])
    for index in range(plan.total[CHANGES]):
        van = plan.changed[index]
        row = plan.list[van]
        row[LENGTH], row[VERSION], row[COST] = row[OLD_LENGTH], row[OLD_VERSION], row[OLD_COST]
        row[HOLDS], row[CALLS] = row[OLD_HOLDS], row[OLD_CALLS]
        row[CHANGED] = 0
        _copy(plan.at[1, van], plan.at[0, van], plan.call[1, van], plan.call[0, van], row[LENGTH])
    plan.total[CHANGES] = 0
    plan.total[LOGGED] = 0


@compiled
def snapshot(plan: Plan, nodes: I32, length: I64) -> None:
    """Copy all lists."""
    for van in range(len(length)):
        length[van] = plan.list[van, LENGTH]
        for position in range(length[van]):
            nodes[van, position] = plan.at[0, van, NODE, position]


@compiled
def put(world: World, plan: Plan, van: int, position: int, node: int) -> None:
    """Insert a node into a list."""
    if not plan.list[van, CHANGED]:
        about_to_change(plan, van)
    first = _insert(
        world.node,
        world.onto,
        plan.at[0, van],
        plan.call[0, van],
        plan.list[van],
        position,
        node,
        world.terms[ORDERS],
        world.terms[ORDERS] + world.terms[PLACES] + van,
    )
    if node < world.terms[ORDERS]:
        assign(plan.order, plan.bank, plan.log, plan.total, world.node[node, PRICE], node, van)
    schedule(
        world.node,
        world.van[van],
        world.terms,
        world.planned[van],
        plan.at[0, van],
        plan.call[0, van],
        plan.list[van],
        first,
        position,
    )
    _renew(plan.list, plan.total, van)


@compiled
def _insert(
    node_of: I64, onto: I32, at: I64, call: I64, row: I64, position: int, node: int, orders: int, start: int
) -> int:
    """Make room and enter the node; the first position whose schedule changes."""
    length = row[LENGTH]
    for later in range(length, position - 1, -1):
        at[NODE, later + 1] = at[NODE, later]
        at[LEG, later + 1] = at[LEG, later]
        at[LATEST, later + 1] = at[LATEST, later]
    before = at[NODE, position - 1] if position else start
    at[NODE, position], at[LEG, position] = node, onto[before, node]
    at[LEG, position + 1] = onto[node, at[NODE, position + 1]]
    row[LENGTH] = length + 1
    for place in range(len(call)):
        if call[place, POSITION] >= position:
            call[place, POSITION] += 1
    if node >= orders:
        row[CALLS] += 1
        call[node - orders, POSITION] = position
        return position
    source = node_of[node, SOURCE]
    if source < 0:
        return position
    call[source, TAKES] += 1
    call[source, GOODS] += node_of[node, SIZE]
    return int(call[source, POSITION])


@compiled
def drop_marked(world: World, plan: Plan, van: int, mark: Flags) -> None:
    """Take the marked nodes out of a list; the orders among them wait. The marks are taken away. Whoever marks a call
    marks what it takes over."""
    about_to_change(plan, van)
    orders, at, call, row = world.terms[ORDERS], plan.at[0, van], plan.call[0, van], plan.list[van]
    length, first, last = row[LENGTH], row[LENGTH], -1
    here = orders + world.terms[PLACES] + van
    kept, hole = 0, False
    for position in range(length + 1):
        node = at[NODE, position]
        if position < length and mark[node]:
            mark[node], hole = False, True
            first, last = min(first, kept), kept - 1
            if node >= orders:
                row[CALLS] -= 1
                call[node - orders, POSITION] = -1
                continue
            assign(plan.order, plan.bank, plan.log, plan.total, world.node[node, PRICE], node, -1)
            source = world.node[node, SOURCE]
            if source >= 0:
                call[source, TAKES] -= 1
                call[source, GOODS] -= world.node[node, SIZE]
                if call[source, POSITION] >= 0:
                    first = min(first, call[source, POSITION])
            continue
        at[LEG, kept] = world.onto[here, node] if hole else at[LEG, position]
        hole = False
        at[NODE, kept], at[LATEST, kept] = node, at[LATEST, position]
        if position < length and node >= orders:
            call[node - orders, POSITION] = kept
        here = node
        kept += 1
    row[LENGTH] = kept - 1
    schedule(world.node, world.van[van], world.terms, world.planned[van], at, call, row, first, last)
    _renew(plan.list, plan.total, van)


@compiled
def schedule(
    node_of: I64, van: I64, terms: I64, planned: I32, at: I64, call: I64, row: I64, first: int, last: int
) -> None:
    """Renew a schedule, its cost and whether it keeps every limit: forward from `first`, backward from `last`."""
    orders, length = terms[ORDERS], row[LENGTH]
    if not row[HOLDS]:
        first = 0
    now, load, shifted, holds = at[DEPARTS, first], at[LOAD, first], at[SHIFTED, first], True
    for position in range(first, length):
        node = at[NODE, position]
        now = max(now + at[LEG, position], node_of[node, OPENS])
        holds = holds and now <= node_of[node, CLOSES]
        at[BEGINS, position] = now
        if node < orders:
            shifted += node_of[node, SHIFT_PRICE] * (now < node_of[node, EARLY] or now > node_of[node, LATE])
            load -= node_of[node, SIZE]
            now += node_of[node, LASTS]
        else:
            place = node - orders
            load += call[place, GOODS]
            call[place, LEAVES_WITH] = load
            holds = holds and load <= van[CAPACITY]
            now += node_of[node, LASTS] + node_of[node, EACH] * call[place, TAKES]
        at[DEPARTS, position + 1], at[LOAD, position + 1], at[SHIFTED, position + 1] = now, load, shifted
    if length:
        holds = holds and now + at[LEG, length] <= van[LIMIT]
    late = at[LATEST, last + 1]
    for position in range(last, -1, -1):
        late -= at[LEG, position + 1] + at[DEPARTS, position + 1] - at[BEGINS, position]
        late = min(late, node_of[at[NODE, position], CLOSES])
        at[LATEST, position] = late
    cost = shifted
    if length or not van[RESERVE]:
        for position in range(length + 1):
            cost += at[LEG, position]
    if not van[RESERVE] and (row[CALLS] or not _is_as_planned(van, planned, at, length)):
        cost += terms[TOUCH_PRICE]
    row[COST], row[HOLDS] = cost, holds


@compiled
def _is_as_planned(van: I64, planned: I32, at: I64, length: int) -> bool:
    if length != van[LISTED]:
        return False
    for position in range(length):  # noqa: SIM110 – the compiler knows no all() of a generator
        if at[NODE, position] != planned[position]:
            return False
    return True
