"""Taking strings of neighbouring lines out, and the order in which their stops come back.

After J. Christiaens, G. Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems",
Transportation Science 2020. Ours: now and then a whole line goes, so that fewer vans may do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from changbei.compute.compiling import allocating, compiled
from changbei.compute.dayplan.kernel.lines import (
    CLOSES,
    COUNT,
    F64,
    I64,
    OPENS,
    SIZE,
    TIMED,
    Ground,
    Lines,
    cost,
    refresh,
    take_out,
)
from changbei.compute.recovery.kernel.chance import State, below, share

TOGETHER = 10.0
"""Stops taken out in a round, on average."""
LONGEST = 10.0
"""Stops of one line taken out at most …"""
WHOLE_LINE = 0.02
"""… but this often all of the first."""
SPLIT = 0.5
"""How often some stops within the string stay."""


class Desk(NamedTuple):
    """What a round notes down. bank: stops to be put in, by `key`; touched (K): whether a line has changed; kept: those
    lines, `box` from `kept_at` on their stops before, `was` what they cost."""

    bank: I64
    key: F64
    touched: npt.NDArray[np.bool_]
    kept: I64
    kept_at: I64
    box: I64
    was: F64


@allocating
def new_desk(stops: int, vans: int) -> Desk:
    """An empty one."""
    return Desk(
        np.zeros(stops, dtype=np.int64),
        np.zeros(stops),
        np.zeros(vans, dtype=np.bool_),
        np.zeros(vans, dtype=np.int64),
        np.zeros(vans + 1, dtype=np.int64),
        np.zeros(stops, dtype=np.int64),
        np.zeros(vans),
    )


@compiled
def keep(ground: Ground, lines: Lines, desk: Desk, van: int, saved: int) -> int:
    """Remember a line that is about to change, and what it costs; the number of those remembered."""
    desk.touched[van] = True
    desk.was[saved] = cost(ground, lines, van)
    desk.kept[saved] = van
    after, stops = lines.after, len(lines.van)
    at, node = desk.kept_at[saved], after[stops + van]
    while node < stops:
        desk.box[at] = node
        at += 1
        node = after[node]
    desk.kept_at[saved + 1] = at
    return saved + 1


@compiled
def ruin(
    ground: Ground, lines: Lines, desk: Desk, seed: int, count: int, gone: int, chance: State
) -> tuple[int, int]:
    """Take a string out of each of the lines nearest to the seed. Their stops follow the `count` in the bank; `gone`
    stops have no van. Returns how many are in the bank then, and how many lines were remembered."""
    driving = 0
    for van in range(len(lines.tally)):
        if lines.tally[van, COUNT] > 0:
            driving += 1
    most = min(LONGEST, (len(lines.van) - gone) / max(driving, 1))
    strings = int(share(chance) * (4.0 * TOGETHER / (1.0 + most) - 1.0) + 1.0)
    whole = share(chance) < WHOLE_LINE
    saved = 0
    for rank in range(-1, ground.near.shape[1]):
        if saved >= strings:
            break
        stop = seed if rank < 0 else int(ground.near[seed, rank])
        van = lines.van[stop]
        if van < 0 or desk.touched[van]:
            continue
        saved = keep(ground, lines, desk, van, saved)
        line = desk.box[desk.kept_at[saved - 1] : desk.kept_at[saved]]
        length = len(line)
        if not whole or saved > 1:
            length = min(int(share(chance) * min(float(length), most) + 1.0), length)
        count = _take_string(ground, lines, desk, stop, line, length, count, chance)
    return count, saved


@compiled
def _take_string(
    ground: Ground, lines: Lines, desk: Desk, stop: int, line: I64, length: int, count: int, chance: State
) -> int:
    """Take a string with `stop` out of its line, sometimes around one that stays. Returns how many are in the bank."""
    van, size = lines.van[stop], len(line)
    stay = 1 if 1 < length < size and share(chance) < SPLIT else 0
    span = length + stay
    at = 0
    while line[at] != stop:
        at += 1
    low, high = max(0, at - span + 1), min(at, size - span)
    begin = low + below(chance, high - low + 1)
    stays = begin + below(chance, span) if stay else -1
    for place in range(begin, begin + span):
        if place != stays:
            desk.bank[count] = line[place]
            count += 1
            take_out(ground, lines, line[place])
    if ground.terms[TIMED] > 0.0:
        refresh(ground, lines, van)
    return count


@compiled
def sort(ground: Ground, desk: Desk, count: int, vans_start: int, chance: State) -> None:
    """The order of putting in: by chance, large first, far first, near first, or by window."""
    bank, key = desk.bank, desk.key
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
