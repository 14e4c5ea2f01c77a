"""What is torn open before it is put together better."""

from __future__ import annotations

import numpy as np

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.chance import State, below, share
from changbei.compute.recovery.kernel.inserting import call_position, cheapest_way
from changbei.compute.recovery.kernel.plans import (
    CALLS,
    CHANGED,
    CHANGES,
    FRESH,
    LENGTH,
    NEAR,
    NEAR_KNOWN,
    NODE,
    POSITION,
    TAKES,
    VAN,
    WAITING,
    Plan,
    about_to_change,
    drop_marked,
    load_list,
    put,
)
from changbei.compute.recovery.kernel.sorting import ascending, smallest
from changbei.compute.recovery.kernel.world import (
    AFTER,
    CLOSES,
    FIRST,
    FRAGILE,
    I64,
    LISTED,
    NEVER,
    ORDERS,
    PLACES,
    SOURCE,
    STRANDED,
    VANS,
    Flags,
    World,
)

FRESH_SHARE, FRESH_TRIES = 0.8, 48
"""How often a round is spent on what has changed lately, and how long such a list is looked for."""

MOST_LISTS, LONGEST = 2, 60
"""How many lists a round takes a stretch out of at most, and how long that is at most: whole halves of tours."""

FEW, MANY = 24, 60
"""How many orders are freed at most for a van that is sent in a round, and for one that a plan is made around."""


@compiled
def is_in_play(van_of: I64, list_of: I64, van: int) -> bool:
    """Whether the van takes part: it calls somewhere, or cannot drive today's list anyway."""
    return bool(van_of[van, FRAGILE] or list_of[van, CALLS])


@compiled
def _look_around(world: World, plan: Plan, order: int, room: I64) -> None:
    """The orders that are nearest to drive to, nearest first; looked up once."""
    if plan.order[order, NEAR_KNOWN]:
        return
    plan.order[order, NEAR_KNOWN] = 1
    orders, there = world.terms[ORDERS], world.travel[world.where[order]]
    distance = room[0]
    for other in range(orders):
        distance[other] = there[world.where[other]]
    distance[order] = -1
    count, close = smallest(distance[:orders], room[1], room[2], NEAR), room[2]
    for index in range(NEAR):
        plan.near[order, index] = close[index] if index < count else order


@compiled
def remove_strings(world: World, plan: Plan, chance: State, mark: Flags, room: I64) -> None:
    """Take neighbouring stretches out of a few lists, around an order that is in play."""
    seed = _seed(world, plan, chance)
    if seed < 0:
        return
    _look_around(world, plan, seed, room)
    lists, longest = 1 + below(chance, MOST_LISTS), 1 + below(chance, LONGEST)
    for index in range(NEAR):
        order = plan.near[seed, index]
        van = plan.order[order, VAN]
        if van < 0 or plan.list[van, CHANGED] or not is_in_play(world.van, plan.list, van):
            continue
        if _mark_string(
            world.terms[ORDERS],
            plan.at[0, van, NODE],
            plan.list[van, LENGTH],
            chance,
            order,
            longest,
            mark,
        ):
            drop_marked(world, plan, van, mark)
        lists -= 1
        if not lists:
            return


@compiled
def _seed(world: World, plan: Plan, chance: State) -> int:
    """An order that waits, or one on a van in play, rather one whose list has changed since it was loaded."""
    waiting = plan.total[WAITING]
    if waiting and share(chance) < 0.3:
        return int(plan.bank[below(chance, waiting)])
    choosy = FRESH_TRIES if share(chance) < FRESH_SHARE else 0
    for tried in range(choosy + 64):
        order = below(chance, world.terms[ORDERS])
        van = plan.order[order, VAN]
        if van < 0 or not is_in_play(world.van, plan.list, van):
            continue
        if tried >= choosy or plan.list[van, FRESH]:
            return order
    return int(plan.bank[below(chance, waiting)]) if waiting else -1


@compiled
def _mark_string(
    orders: int, nodes: I64, length: int, chance: State, order: int, longest: int, mark: Flags
) -> bool:
    """A stretch that holds the order, half the time with a gap that stays."""
    at = 0
    while at < length and nodes[at] != order:
        at += 1
    long, gap = 1 + below(chance, min(longest, length)), 0
    if long > 2 and share(chance) < 0.5:
        while long + gap < length and share(chance) > 0.3:
            gap += 1
    first = max(0, at - below(chance, long + gap))
    gap_at = first + 1 + below(chance, long - 1) if gap else -1
    found = False
    for position in range(first, min(first + long + gap, length)):
        node = nodes[position]
        in_gap = gap_at <= position < gap_at + gap
        if node < orders and not in_gap:
            mark[node] = True
            found = True
    return found


@compiled
def open_call(world: World, plan: Plan, chance: State, mark: Flags, room: I64) -> None:
    """Send one van more to a place, and free stranded orders near its way for it."""
    order = _stranded(world, plan, chance)
    if order < 0:
        return
    place = world.node[order, SOURCE]
    van = _caller(world, plan, chance, place, order, room)
    if van < 0:
        return
    nodes, length = plan.at[0, van, NODE], plan.list[van, LENGTH]
    if length and share(chance) < 0.25:
        node = nodes[below(chance, length)]
        if node < world.terms[ORDERS] and _mark_string(
            world.terms[ORDERS], nodes, length, chance, node, 8, mark
        ):
            drop_marked(world, plan, van, mark)
    if call_for(world, plan, chance, van, order):
        _free_around(world, plan, chance, van, place, FEW, mark, room)


@compiled
def free_for_another(world: World, plan: Plan, chance: State, mark: Flags, room: I64) -> tuple[int, int]:
    """Free what lies near the way of a van that does not call yet; the van and the place, -1 when there is none."""
    order = _stranded(world, plan, chance)
    if order < 0:
        return -1, -1
    place = world.node[order, SOURCE]
    van = _caller(world, plan, chance, place, order, room)
    if van >= 0:
        _free_around(world, plan, chance, van, place, MANY, mark, room)
    return van, int(place)


@compiled
def call_for(world: World, plan: Plan, chance: State, van: int, order: int) -> bool:
    """Let the van call for an order, in time for it when it waits; whether it can."""
    call = world.terms[ORDERS] + world.node[order, SOURCE]
    if plan.order[order, VAN] < 0:
        _, call_at, order_at = cheapest_way(world, plan, van, order)
        if call_at >= 0:
            put(world, plan, van, call_at, call)
            put(world, plan, van, order_at, order)
            return True
    position = call_position(world, plan, chance, van, world.node[order, SOURCE])
    if position >= 0:
        put(world, plan, van, position, call)
    return position >= 0


@compiled
def _stranded(world: World, plan: Plan, chance: State) -> int:
    """A stranded order, rather one that waits; -1 when there are none."""
    waiting, stranded = plan.total[WAITING], world.terms[STRANDED]
    if waiting and share(chance) < 0.5:
        order = int(plan.bank[below(chance, waiting)])
        if order < stranded:
            return order
    return below(chance, stranded) if stranded else -1


@compiled
def _caller(world: World, plan: Plan, chance: State, place: int, order: int, room: I64) -> int:
    """A van that may call and does not yet; the nearer to the order (or to the goods) the rather."""
    keys, found, count = room[0], room[1], 0
    by_order = share(chance) < 0.6
    for van in range(world.terms[VANS]):
        if world.allowed[place, van] == 0 or plan.call[0, van, place, POSITION] >= 0:
            continue
        key = world.reach[order, van] if by_order else world.allowed[place, van]
        keys[count], found[count] = key, van
        count += 1
    if not count:
        return -1
    ascending(keys, found, count)
    return int(found[int(count * share(chance) ** 2.5)])


@compiled
def _free_around(
    world: World, plan: Plan, chance: State, van: int, place: int, most: int, mark: Flags, room: I64
) -> None:
    """Stranded orders of the place that lie nearest to the van's way leave the vans they are on."""
    count, distance, found = 0, room[0], room[1]
    against = share(chance) < 0.5
    for order in range(
        world.node[world.terms[ORDERS] + place, FIRST], world.node[world.terms[ORDERS] + place, AFTER]
    ):
        now = plan.order[order, VAN]
        if now == van:
            continue
        key = np.int64(world.reach[order, van])
        if against:
            key -= world.reach[order, now] if now >= 0 else 4 * key
        distance[count], found[count] = key, order
        count += 1
    wanted = min(3 + below(chance, most), count)
    ascending(distance, found, count)
    for order in found[:wanted]:
        if plan.order[order, VAN] >= 0:
            mark[order] = True
    for other in range(world.terms[VANS]):
        if other != van and plan.call[0, other, place, POSITION] >= 0:
            drop_marked(world, plan, other, mark)


@compiled
def close_call(world: World, plan: Plan, chance: State, mark: Flags) -> None:
    """Call one call off; or call earlier or later in the same list."""
    van, place = call_off(world, plan, chance, mark)
    if van >= 0 and share(chance) < 0.5:
        order = _waiting(world, plan, chance, place)
        if order >= 0:
            call_for(world, plan, chance, van, order)


@compiled
def _waiting(world: World, plan: Plan, chance: State, place: int) -> int:
    """An order of the place that waits: one of several tried, the one that closes first; -1 none."""
    found, closes = -1, NEVER
    for _ in range(1 + below(chance, 12)):
        order = plan.bank[below(chance, plan.total[WAITING])] if plan.total[WAITING] else -1
        if order >= 0 and world.node[order, SOURCE] == place and world.node[order, CLOSES] < closes:
            found, closes = order, world.node[order, CLOSES]
    return int(found)


@compiled
def call_off(world: World, plan: Plan, chance: State, mark: Flags) -> tuple[int, int]:
    """Call any one call off, with all that was taken over there; the van and the place, -1 when nobody calls."""
    calls = 0
    for van in range(world.terms[VANS]):
        calls += plan.list[van, CALLS]
    chosen = below(chance, calls)
    for van in range(world.terms[VANS]):
        for place in range(world.terms[PLACES]):
            if plan.call[0, van, place, POSITION] >= 0:
                if not chosen:
                    _without_call(world, plan, van, place, mark)
                    return van, place
                chosen -= 1
    return -1, -1


@compiled
def _without_call(world: World, plan: Plan, van: int, place: int, mark: Flags) -> None:
    orders = world.terms[ORDERS]
    mark[orders + place] = True
    for position in range(plan.list[van, LENGTH]):
        node = plan.at[0, van, NODE, position]
        if node < orders and world.node[node, SOURCE] == place:
            mark[node] = True
    drop_marked(world, plan, van, mark)


@compiled
def _is_idle(call: I64, place: int) -> bool:
    """Whether a van calls at the place and takes nothing over there."""
    return bool(call[place, POSITION] >= 0 and not call[place, TAKES])


@compiled
def calls_for_nothing(world: World, plan: Plan) -> bool:
    """Whether a van of the round calls where it takes nothing over any more."""
    for index in range(plan.total[CHANGES]):
        van = plan.changed[index]
        for place in range(world.terms[PLACES]):
            if _is_idle(plan.call[0, van], place):
                return True
    return False


@compiled
def tidy(world: World, plan: Plan, mark: Flags) -> None:
    """Calls nobody needs go; a van that takes nothing over drives today's list again."""
    for index in range(plan.total[CHANGES]):
        van = plan.changed[index]
        idle = False
        for place in range(world.terms[PLACES]):
            if _is_idle(plan.call[0, van], place):
                mark[world.terms[ORDERS] + place] = True
                idle = True
        if idle:
            drop_marked(world, plan, van, mark)
        if not is_in_play(world.van, plan.list, van):
            _as_planned(world, plan, van)


@compiled
def _as_planned(world: World, plan: Plan, van: int) -> None:
    about_to_change(plan, van)
    load_list(world, plan, van, world.planned[van, : world.van[van, LISTED]])
