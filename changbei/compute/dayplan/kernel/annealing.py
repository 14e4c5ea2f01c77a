"""Ruin and recreate with simulated annealing: strings of neighbouring lines are taken out and put in anew.

After J. Christiaens, G. Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems",
Transportation Science 2020. Ours: places are looked for beside neighbours only, so that a round costs the same
whatever the size of the day; how dear a round may become is drawn before it, so that a hopeless one ends early; stops
nobody serves are offered a place again when the ruin comes near them.
"""

from __future__ import annotations

import math

import numpy as np

from changbei.compute.compiling import allocating, compiled
from changbei.compute.dayplan.kernel.inserting import best_place, into_empty
from changbei.compute.dayplan.kernel.lines import I64, PRICE, TIMED, Ground, Lines, cost, holds, lay, put_in
from changbei.compute.dayplan.kernel.ruining import Desk, keep, new_desk, ruin, sort
from changbei.compute.recovery.kernel.chance import State, below, share

BANKED = 12
"""Stops without a van that are offered a place in one round."""
SET_OUT = 0.01
"""How often a van that stays at home sets out: no single stop is worth that, several together may be."""
TINY = 1e-6


@allocating
def anneal(
    ground: Ground, lines: Lines, best: Lines, chance: State, rounds: int, heat: float
) -> tuple[float, float]:
    """`rounds` of ruin and recreate at one temperature. `lines` walks; the cheapest met is left in `best.van` and
    `best.after`. Returns by how much the walk, and the best, got dearer than at the beginning."""
    stops, desk = len(lines.van), new_desk(len(lines.van), len(lines.tally))
    absent, spot = np.zeros(stops, dtype=np.int64), np.full(stops, -1, dtype=np.int64)
    gone = 0
    for stop in range(stops):
        if lines.van[stop] < 0:
            absent[gone], spot[stop] = stop, gone
            gone += 1
    best.van[:], best.after[:] = lines.van, lines.after
    now, lowest = 0.0, 0.0
    for _ in range(rounds):
        allowed = -heat * math.log(1.0 - share(chance))
        seed = below(chance, stops)
        offered = _offered(ground, lines, seed, absent, gone, desk.bank)
        count, saved = ruin(ground, lines, desk, seed, offered, gone, chance)
        change = _saved_so_far(ground, lines, desk, offered, saved)
        sort(ground, desk, count, stops, chance)
        change, saved = _recreate(ground, lines, desk, count, saved, change, allowed, chance)
        for number in range(saved):
            desk.touched[desk.kept[number]] = False
        if change > allowed or not _hold(ground, lines, desk, saved):
            _undo(ground, lines, desk, count, saved)
            continue
        now += change
        gone = _absentees(lines, desk.bank, count, absent, spot, gone)
        if now < lowest - TINY:
            lowest = now
            best.van[:], best.after[:] = lines.van, lines.after
    return now, lowest


@compiled
def _offered(ground: Ground, lines: Lines, seed: int, absent: I64, gone: int, bank: I64) -> int:
    """The stops without a van that take part: all when they are few, else those near the seed."""
    if gone <= BANKED:
        for number in range(gone):
            bank[number] = absent[number]
        return gone
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
def _saved_so_far(ground: Ground, lines: Lines, desk: Desk, offered: int, saved: int) -> float:
    """What the ruin saves, and what it would save if all that were offered a place got one for nothing."""
    change = 0.0
    for number in range(saved):
        change += cost(ground, lines, desk.kept[number]) - desk.was[number]
    for at in range(offered):
        change -= ground.stop[desk.bank[at], PRICE]
    return change


@compiled
def _recreate(
    ground: Ground,
    lines: Lines,
    desk: Desk,
    count: int,
    saved: int,
    change: float,
    allowed: float,
    chance: State,
) -> tuple[float, int]:
    """Put the bank in, one after the other where it is cheapest, as long as the whole may still be allowed. Returns by
    how much all is dearer, and how many lines are remembered."""
    stops, bank = len(lines.van), desk.bank
    sets_out = share(chance) < SET_OUT
    for at in range(count):
        stop = bank[at]
        dear = float(ground.stop[stop, PRICE])
        limit = min(dear, allowed - change + TINY)
        price, before, van = limit, -1, -1
        if sets_out and at == 0:
            price, van = into_empty(ground, lines, stop, limit)
            before = stops + van
        if van < 0:
            price, before, van = best_place(ground, lines, stop, limit, chance)
        if van < 0:
            change += dear
        else:
            change += price
            if not desk.touched[van]:
                saved = keep(ground, lines, desk, van, saved)
            put_in(ground, lines, stop, before, van)
        if change > allowed:
            break
    return change, saved


@compiled
def _hold(ground: Ground, lines: Lines, desk: Desk, saved: int) -> bool:
    """Whether the lines of the round keep their limits: without a stop the way may be longer."""
    if ground.terms[TIMED] == 0.0:
        return True
    for number in range(saved):  # noqa: SIM110 – the compiler knows no all() of a generator
        if not holds(ground, lines, desk.kept[number]):
            return False
    return True


@compiled
def _undo(ground: Ground, lines: Lines, desk: Desk, count: int, saved: int) -> None:
    for at in range(count):
        lines.van[desk.bank[at]] = -1
    for number in range(saved):
        line = desk.box[desk.kept_at[number] : desk.kept_at[number + 1]]
        lay(ground, lines, desk.kept[number], line)


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
