"""Ruin and recreate with simulated annealing: strings of neighbouring lines are taken out and put in anew.

After J. Christiaens, G. Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems",
Transportation Science 2020. Ours: places are looked for beside neighbours only, so that a round costs the same
whatever the size of the day; stops nobody serves are offered a place again when the ruin comes near them.
"""

from __future__ import annotations

import math

import numpy as np

from changbei.compute.dayplan.kernel.inserting import best_place
from changbei.compute.dayplan.kernel.lines import (
    CLOSES,
    COUNT,
    F64,
    I64,
    OPENS,
    PRICE,
    SIZE,
    TIMED,
    Ground,
    Lines,
    cost,
    lay,
    put_in,
    refresh,
    take_out,
)
from changbei.compute.recovery.kernel.chance import State, below, share
from changbei.compute.recovery.kernel.compiling import compiled

TOGETHER = 10.0
"""Stops taken out in a round, on average."""
LONGEST = 10.0
"""Stops of one line taken out at most."""
SPLIT = 0.5
"""How often some stops within the string stay."""
BANKED = 12
"""Stops without a van that are offered a place in one round."""


@compiled
def _ruin_line(
    ground: Ground, lines: Lines, stop: int, line: I64, most: float, chance: State, out: I64
) -> int:
    """Take a string with `stop` out of its line; `out` gets the stops, the number is returned."""
    van, size = lines.van[stop], len(line)
    length = min(int(share(chance) * min(float(size), most) + 1.0), size)
    kept = 1 if 1 < length < size and share(chance) < SPLIT else 0
    span = length + kept
    at = 0
    while line[at] != stop:
        at += 1
    low, high = max(0, at - span + 1), min(at, size - span)
    begin = low + below(chance, high - low + 1)
    stays = begin + below(chance, span) if kept else -1
    count = 0
    for place in range(begin, begin + span):
        if place != stays:
            out[count] = line[place]
            count += 1
            take_out(ground, lines, line[place])
    if ground.terms[TIMED] > 0.0:
        refresh(ground, lines, van)
    return count


@compiled
def _sort(ground: Ground, bank: I64, key: F64, count: int, vans_start: int, chance: State) -> None:
    """The order of putting in: by chance, large first, far first, near first, or by window."""
    how = share(chance)
    home = ground.place[vans_start]
    timed = ground.terms[TIMED] > 0.0
    for at in range(count):
        stop = bank[at]
        if how < 0.36:
            key[at] = share(chance)
        elif how < 0.68:
            key[at] = -ground.stop[stop, SIZE]
        elif how < 0.84:
            key[at] = -ground.travel[home, ground.place[stop]]
        elif how < 0.92 or not timed:
            key[at] = ground.travel[home, ground.place[stop]]
        elif how < 0.96:
            key[at] = ground.stop[stop, CLOSES] - ground.stop[stop, OPENS]
        else:
            key[at] = ground.stop[stop, CLOSES]
    for at in range(1, count):
        stop, value, to = bank[at], key[at], at - 1
        while to >= 0 and key[to] > value:
            key[to + 1], bank[to + 1] = key[to], bank[to]
            to -= 1
        key[to + 1], bank[to + 1] = value, stop


@compiled
def _offered(ground: Ground, lines: Lines, seed: int, absent: I64, count: int, bank: I64) -> int:
    """The stops without a van that take part: all when they are few, else those near the seed."""
    if count <= BANKED:
        bank[:count] = absent[:count]
        return count
    found = 0
    if lines.van[seed] < 0:
        bank[0] = seed
        found = 1
    for rank in range(ground.near.shape[1]):
        beside = np.int64(ground.near[seed, rank])
        if lines.van[beside] < 0 and found < BANKED:
            bank[found] = beside
            found += 1
    return found


@compiled
def anneal(
    ground: Ground, lines: Lines, best: Lines, chance: State, rounds: int, heat: float
) -> tuple[float, float]:
    """`rounds` of ruin and recreate at one temperature. `lines` walks; the cheapest met is left in `best.van` and
    `best.after`. Returns by how much the walk, and the best, got dearer than at the beginning."""
    stops, vans = len(lines.van), len(lines.tally)
    touched = np.zeros(vans, dtype=np.bool_)
    kept, kept_at = np.zeros(vans, dtype=np.int64), np.zeros(vans + 1, dtype=np.int64)
    box, was = np.zeros(stops, dtype=np.int64), np.zeros(vans)
    bank, key, out = np.zeros(stops, dtype=np.int64), np.zeros(stops), np.zeros(stops, dtype=np.int64)
    absent, spot = np.zeros(stops, dtype=np.int64), np.full(stops, -1, dtype=np.int64)
    gone = 0
    for stop in range(stops):
        if lines.van[stop] < 0:
            absent[gone], spot[stop] = stop, gone
            gone += 1
    best.van[:], best.after[:] = lines.van, lines.after
    now, lowest = 0.0, 0.0
    for _ in range(rounds):
        seed = below(chance, stops)
        count = _offered(ground, lines, seed, absent, gone, bank)
        change = 0.0
        for at in range(count):
            change -= ground.stop[bank[at], PRICE]
        driving = 0
        for van in range(vans):
            if lines.tally[van, COUNT] > 0:
                driving += 1
        most = min(LONGEST, (stops - gone) / max(driving, 1))
        strings = int(share(chance) * (4.0 * TOGETHER / (1.0 + most) - 1.0) + 1.0)
        saved = 0
        for rank in range(-1, ground.near.shape[1]):
            if saved >= strings:
                break
            stop = seed if rank < 0 else int(ground.near[seed, rank])
            van = lines.van[stop]
            if van < 0 or touched[van]:
                continue
            saved = _keep(ground, lines, van, touched, kept, kept_at, box, was, saved)
            line = box[kept_at[saved - 1] : kept_at[saved]]
            taken = _ruin_line(ground, lines, stop, line, most, chance, out)
            bank[count : count + taken] = out[:taken]
            count += taken
        _sort(ground, bank, key, count, stops, chance)
        for at in range(count):
            stop = bank[at]
            price, before, van = best_place(ground, lines, stop, chance)
            if van < 0 or price >= ground.stop[stop, PRICE]:
                change += ground.stop[stop, PRICE]
                continue
            if not touched[van]:
                saved = _keep(ground, lines, van, touched, kept, kept_at, box, was, saved)
            put_in(ground, lines, stop, before, van)
        for number in range(saved):
            change += cost(ground, lines, kept[number]) - was[number]
            touched[kept[number]] = False
        if change <= 0.0 or change < -heat * math.log(1.0 - share(chance)):
            now += change
            gone = _absentees(lines, bank, count, absent, spot, gone)
            if now < lowest - 1e-6:
                lowest = now
                best.van[:], best.after[:] = lines.van, lines.after
            continue
        for at in range(count):
            lines.van[bank[at]] = -1
        for number in range(saved):
            lay(ground, lines, kept[number], box[kept_at[number] : kept_at[number + 1]])
    return now, lowest


@compiled
def _keep(
    ground: Ground,
    lines: Lines,
    van: int,
    touched: np.ndarray,
    kept: I64,
    kept_at: I64,
    box: I64,
    was: F64,
    saved: int,
) -> int:
    """Remember a line that is about to change, and what it costs; the number of those remembered."""
    touched[van] = True
    was[saved] = cost(ground, lines, van)
    kept[saved] = van
    after, stops = lines.after, len(lines.van)
    at, node = kept_at[saved], after[stops + van]
    while node < stops:
        box[at] = node
        at += 1
        node = after[node]
    kept_at[saved + 1] = at
    return saved + 1


@compiled
def _absentees(lines: Lines, bank: I64, count: int, absent: I64, spot: I64, gone: int) -> int:
    """Bring the list of stops without a van up to date; its length."""
    for at in range(count):
        stop = bank[at]
        if lines.van[stop] < 0 and spot[stop] < 0:
            absent[gone], spot[stop] = stop, gone
            gone += 1
        elif lines.van[stop] >= 0 and spot[stop] >= 0:
            gone -= 1
            last = absent[gone]
            absent[spot[stop]], spot[last] = last, spot[stop]
            spot[stop] = -1
    return gone
