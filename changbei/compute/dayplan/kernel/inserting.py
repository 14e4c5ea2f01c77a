"""Where a stop is best put in: beside one of its neighbours, into an empty van, and only else, and seldom, anywhere."""

from __future__ import annotations

import numpy as np

from changbei.compute.compiling import compiled
from changbei.compute.dayplan.kernel.lines import (
    BEGINS,
    CAPACITY,
    CLOSES,
    COUNT,
    IDLE,
    KIND,
    LOAD,
    OPENS,
    PREFERS,
    REACH,
    SERVICE,
    SIZE,
    TIMED,
    USUAL,
    Ground,
    Lines,
    strange,
    unevenness,
    work_of,
)
from changbei.compute.recovery.kernel.chance import State, share

BLINK = 0.01
"""Share of places that are overlooked, so that the best is not always taken (Christiaens & Vanden Berghe)."""
ANYWHERE = 0.05
"""How often the whole day is looked through for a stop that finds no place beside its neighbours."""
NOWHERE = 1e18
KINDS = 62


@compiled
def _longer(ground: Ground, lines: Lines, stop: int, before: int, after: int, there: int, onward: int) -> int:
    """By how many seconds the van comes back later, which what it would have waited makes up for; -1 when that breaks
    a limit in time."""
    now = lines.early[before] + there
    if before < len(lines.van):
        now += ground.stop[before, SERVICE]
    now = max(now, ground.stop[stop, OPENS])
    if now > ground.stop[stop, CLOSES]:
        return -1
    now += ground.stop[stop, SERVICE] + onward
    if now > lines.late[after]:
        return -1
    return int(max(now - lines.early[after] - lines.idle[after], 0))


@compiled
def _preference(ground: Ground, lines: Lines, stop: int, van: int, longer: int) -> float:
    """What is priced beside driving when this van takes that stop and comes back so many seconds later."""
    row, work = lines.tally[van], work_of(lines, van)
    now = unevenness(ground, van, row[COUNT], work, row[LOAD])
    then = unevenness(ground, van, row[COUNT] + 1, work + longer, row[LOAD] + ground.stop[stop, SIZE])
    return strange(ground, stop, van) + then - now


@compiled
def _price(ground: Ground, lines: Lines, stop: int, before: int, van: int, limit: float) -> float:
    """Cost of the stop after the node `before`; NOWHERE when it is not below `limit` or breaks a limit in time."""
    after = lines.after[before]
    at = ground.place[stop]
    there = ground.travel[ground.place[before], at]
    idle, service = ground.terms[IDLE], ground.stop[stop, SERVICE]
    if (1.0 - idle) * (there - lines.leg[before]) - idle * service >= limit:
        return NOWHERE
    onward = ground.travel[at, ground.place[after]]
    driving = there + onward - lines.leg[before]
    if (1.0 - idle) * driving - idle * service >= limit:
        return NOWHERE
    longer = driving + service
    if ground.terms[TIMED] > 0.0:
        longer = _longer(ground, lines, stop, before, after, there, onward)
        if longer < 0:
            return NOWHERE
    price = driving + idle * (longer - driving - service)
    if ground.terms[PREFERS] > 0.0:
        price += _preference(ground, lines, stop, van, longer)
    return float(price) if price < limit else NOWHERE


@compiled
def _beside_neighbours(
    ground: Ground, lines: Lines, stop: int, limit: float, chance: State
) -> tuple[float, int, int]:
    """The same as `_price` for both sides of each neighbour, written out: most of all time is spent here, and a call
    costs more than what it would do."""
    travel, place, table, near = ground.travel, ground.place, ground.stop, ground.near
    before_of, after_of, leg = lines.before, lines.after, lines.leg
    timed, prefers, idle = ground.terms[TIMED] > 0.0, ground.terms[PREFERS] > 0.0, ground.terms[IDLE]
    stops, at, size = len(lines.van), place[stop], table[stop, SIZE]
    opens, closes, service = table[stop, OPENS], table[stop, CLOSES], table[stop, SERVICE]
    best, where, who = limit, -1, -1
    most, least = 1.0 - idle, idle * service  # no place costs less than `most` of its driving without `least`
    for rank in range(min(int(ground.terms[REACH]), near.shape[1])):
        beside = np.int64(near[stop, rank])
        van = lines.van[beside]
        if van < 0 or lines.tally[van, LOAD] + size > ground.van[van, CAPACITY]:
            continue
        for side in range(2):
            before = int(beside if side == 0 else before_of[beside])
            there = np.int64(travel[place[before], at])
            saved = leg[before]
            if most * (there - saved) - least >= best or share(chance) < BLINK:
                continue
            after = after_of[before]
            onward = np.int64(travel[at, place[after]])
            driving = there + onward - saved
            if most * driving - least >= best:
                continue
            longer = driving + service
            if timed:
                now = lines.early[before] + there
                if before < stops:
                    now += table[before, SERVICE]
                now = max(now, opens)
                if now > closes or now + service + onward > lines.late[after]:
                    continue
                longer = max(now + service + onward - lines.early[after] - lines.idle[after], 0)
            price = driving + idle * (longer - driving - service)
            if prefers:
                price += _preference(ground, lines, stop, van, longer)
            if price < best:
                best, where, who = price, before, van
    return best, where, who


@compiled
def best_place(
    ground: Ground, lines: Lines, stop: int, limit: float, chance: State
) -> tuple[float, int, int]:
    """Price, the node before, and the van; van -1 when none was found below the limit; one may be elsewhere."""
    best, where, who = _beside_neighbours(ground, lines, stop, limit, chance)
    alone, van = into_empty(ground, lines, stop, best)
    if van >= 0:
        return alone, len(lines.van) + van, van
    if who >= 0:
        return best, where, who
    if share(chance) >= ANYWHERE:
        return limit, -1, -1
    return anywhere(ground, lines, stop, limit)


@compiled
def into_empty(ground: Ground, lines: Lines, stop: int, limit: float) -> tuple[float, int]:
    """Price, below the limit, and the van that would set out for this stop; of vans alike only one is looked at."""
    best, who, seen = limit, -1, np.int64(0)
    for van in range(len(lines.tally)):
        if lines.tally[van, COUNT] > 0 or ground.stop[stop, SIZE] > ground.van[van, CAPACITY]:
            continue
        kind = ground.van[van, KIND]
        if kind < KINDS:
            if (seen >> kind) & 1 and ground.stop[stop, USUAL] != van:
                continue
            seen |= np.int64(1) << kind
        price = _price(ground, lines, stop, len(lines.van) + van, van, best)
        if price < best:
            best, who = price, van
    return best, who


@compiled
def anywhere(ground: Ground, lines: Lines, stop: int, limit: float) -> tuple[float, int, int]:
    """The same with every place of every line that drives looked at."""
    stops, vans = len(lines.van), len(lines.tally)
    size = ground.stop[stop, SIZE]
    best, where, who = limit, -1, -1
    for van in range(vans):
        if lines.tally[van, COUNT] == 0 or lines.tally[van, LOAD] + size > ground.van[van, CAPACITY]:
            continue
        if ground.van[van, BEGINS] > ground.stop[stop, CLOSES]:
            continue
        node, end = stops + van, stops + vans + van
        while node != end:
            price = _price(ground, lines, stop, node, van, best)
            if price < best:
                best, where, who = price, node, van
            node = lines.after[node]
    return best, where, who
