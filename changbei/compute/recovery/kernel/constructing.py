"""Who calls where, made by adding: again and again the van that takes stranded goods over for the least."""

from __future__ import annotations

from typing import Final

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.chance import State, below, share
from changbei.compute.recovery.kernel.inserting import (
    cheapest_call,
    cheapest_way,
    emptied,
    look_up,
    price_insertion,
    put_back,
)
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
from changbei.compute.recovery.kernel.store import Pairs, Seconds, Store
from changbei.compute.recovery.kernel.world import (
    AFTER,
    CAPACITY,
    CLOSES,
    EACH,
    FIRST,
    LISTED,
    NEVER,
    NOTICED,
    ORDERS,
    PLACES,
    PRICE,
    READY,
    SOURCE,
    VANS,
    World,
)

ANY: Final = 1 << 30
"""As many new calls as are of use."""

URGENT_SHARE, URGENT_SECONDS = 0.5, 14_400
"""How often orders that close soon go first, and how soon that is at most."""

SEEN_SHARE, ONLY_SHARE = 0.4, 0.6
"""How many of the vans are thought of; how often a van without a list of its own may go to one place only."""

WORTH_SHARE, WORTH_LEAST, WORTH_MOST = 0.3, 200.0, 1600.0
"""How often what a van takes over counts as worth so many seconds each, instead of what each costs: many at once then
go before few that are cheap."""


@compiled
def construct(world: World, plan: Plan, store: Store, noise: float, dearest: int, calls: int) -> None:
    """Send vans to places, the best first, until nobody can take anything over; the plan is changed.

    Half the time somebody is sent for what closes soon before that: nothing else is left over so often. What a van can
    take over gets less with every other van that is sent, so only the seemingly best pair is looked at again. noise:
    by how much a pair may seem worse than it is; without any, all pairs are thought of. dearest: seconds above which
    an order is left to others. calls: how many new ones at most, beside those for what closes soon; none of either
    at 0.
    """
    chance, worth_each = store.chance, 0.0
    if calls > 0 and share(chance) < URGENT_SHARE:
        _send_for_urgent(world, plan, store, noise)
    if noise > 0.0 and share(chance) < WORTH_SHARE:
        worth_each = WORTH_LEAST * (WORTH_MOST / WORTH_LEAST) ** share(chance)
    pairs, step = store.pairs, 1
    _nothing_known(world, plan, pairs, chance, noise)
    while plan.total[WAITING]:
        place, van = _best(pairs.price)
        if place < 0:
            break
        calling = plan.call[0, van, place, POSITION] >= 0
        if not calling and calls <= 0:
            pairs.price[place, van] = NEVER
            continue
        cost, taken = take_over(world, plan, store, van, place, pairs.most[place, van], dearest)
        if taken and pairs.known[place, van] == step:
            keep_round(plan)
            pairs.price[place, van] = NEVER
            step, calls = step + 1, calls if calling else calls - 1
            continue
        take_back_round(world, plan)
        seems = cost * pairs.factor[place, van]
        if taken:
            pairs.price[place, van] = seems - worth_each * taken if worth_each > 0.0 else seems / taken
        else:
            pairs.price[place, van] = NEVER
        pairs.known[place, van] = step
    put_back(world, plan, chance, store.room, NEVER)
    keep_round(plan)


@compiled
def _nothing_known(world: World, plan: Plan, pairs: Pairs, chance: State, noise: float) -> None:
    """No pair was looked at yet; with noise, only some are thought of."""
    pairs.price[:], pairs.factor[:], pairs.known[:] = float(NEVER), 1.0, 0
    for van in range(world.terms[VANS]):
        own, only = world.van[van, LISTED] > 0, -1
        if noise > 0.0 and not own and share(chance) < ONLY_SHARE:
            only = below(chance, world.terms[PLACES])
        seen = noise == 0.0 or not own or share(chance) < SEEN_SHARE
        for place in range(world.terms[PLACES]):
            thought_of = seen or plan.call[0, van, place, POSITION] >= 0
            if thought_of and world.allowed[place, van] > 0 and (only < 0 or only == place):
                pairs.price[place, van] = -NEVER
            pairs.factor[place, van] += noise * share(chance)
            pairs.most[place, van] = emptied(world, chance, van) if noise > 0.0 else world.van[van, CAPACITY]


@compiled
def _best(price: Seconds) -> tuple[int, int]:
    """The place and the van that seem best; -1 when there are none."""
    least, best_place, best_van = float(NEVER), -1, -1
    for place in range(price.shape[0]):
        for van in range(price.shape[1]):
            if price[place, van] < least:
                least, best_place, best_van = price[place, van], place, van
    return best_place, best_van


@compiled
def take_over(
    world: World, plan: Plan, store: Store, van: int, place: int, most: int, dearest: int
) -> tuple[int, int]:
    """Let the van call, with no more than `most` aboard, and take what waits near its way; what that costs, and how
    many it takes: none when it cannot."""
    orders, count = world.terms[ORDERS], 0
    if plan.call[0, van, place, POSITION] < 0:
        position = cheapest_call(world, plan, store.chance, van, place, most, False)
        if position < 0:
            return 0, 0
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
        return 0, 0
    return int(plan.list[van, COST] - plan.list[van, OLD_COST]), taken


@compiled
def _priced(world: World, plan: Plan, van: int, order: int) -> tuple[int, int]:
    """What the cheapest insertion into the van's list costs, and where."""
    orders, entry = world.terms[ORDERS], plan.insert[order, van]
    if world.terms[NOTICED]:
        look_up(world, plan, van)
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
        plan.noticed[van],
    )
    return entry[EXTRA], entry[WHERE_TO]


@compiled
def _send_for_urgent(world: World, plan: Plan, store: Store, noise: float) -> None:
    """Send somebody in time for the stranded orders that close soon, one by one, the first to close first."""
    closes, waiting = store.room[0], store.room[1]
    first, count = NEVER, 0
    for van in range(world.terms[VANS]):
        first = min(first, world.van[van, READY])
    soon = int(first + URGENT_SECONDS * share(store.chance))
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
