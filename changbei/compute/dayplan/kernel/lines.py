"""Lines as linked lists: take a stop out, put it in, what that costs, and whether limits hold.

Nodes are the N stops, then the K vans' starts, then their ends. With a limit in time `early` is when service can
begin at a node (at an end: when the van is back), `late` when it must begin at the latest for all that follows, `idle`
how long the van waits after it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from changbei.compute.compiling import allocating, compiled

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

# columns of Ground.stop
SIZE, SERVICE, OPENS, CLOSES, PRICE, USUAL, STRANGE = range(7)
# columns of Ground.van; KIND: vans of a kind are alike, an empty one stands for all
CAPACITY, BEGINS, LIMIT, KIND = range(4)
# entries of Ground.terms; TIMED, PREFERS: 1.0 when hours, or habits and evenness, matter at all; REACH: neighbours
# beside which a place is looked for; IDLE: price of a second of waiting
TIMED, PREFERS, PERCENT, TOLERANCE, REACH, IDLE = range(6)
# columns of Lines.tally
COUNT, LOAD, DRIVING, SERVICES, STRANGERS, WAITING = range(6)


class Ground(NamedTuple):
    """What does not change. travel (L, L) seconds; place (N + 2K): location of a node; near (N, G): stops close to
    each stop, closest first; fair (K, 3): a van's share of stops, work seconds and load."""

    travel: I32
    place: I64
    stop: I64
    van: I64
    near: I32
    fair: F64
    terms: F64


class Lines(NamedTuple):
    """What changes. leg: seconds from a node to the next; van (N): whose line a stop is on, or -1."""

    after: I64
    before: I64
    leg: I64
    early: I64
    late: I64
    idle: I64
    van: I64
    tally: I64


def no_lines(stops: int, vans: int) -> Lines:
    """Room for lines; each has still to be laid."""
    nodes = stops + 2 * vans
    links = np.zeros((2, nodes), dtype=np.int64)
    times = np.zeros((4, nodes), dtype=np.int64)
    tally = np.zeros((vans, 6), dtype=np.int64)
    nobody = np.full(stops, -1, dtype=np.int64)
    return Lines(links[0], links[1], times[0], times[1], times[2], times[3], nobody, tally)


@compiled
def unevenness(ground: Ground, van: int, count: float, work: float, load: float) -> float:
    """Price of a line that is longer than its share, in driving seconds."""
    percent, tolerance, fair = ground.terms[PERCENT], ground.terms[TOLERANCE], ground.fair
    if percent == 0.0:
        return 0.0
    over = max(count / fair[van, 0] - tolerance, 0.0)
    over += max(work / fair[van, 1] - tolerance, 0.0)
    over += max(load / fair[van, 2] - tolerance, 0.0)
    return float(100.0 * percent * over)


@compiled
def cost(ground: Ground, lines: Lines, van: int) -> float:
    """Driving of a line, and what is priced beside it."""
    row = lines.tally[van]
    priced = float(row[DRIVING] + row[STRANGERS]) + ground.terms[IDLE] * row[WAITING]
    return float(priced + unevenness(ground, van, row[COUNT], work_of(lines, van), row[LOAD]))


@compiled
def work_of(lines: Lines, van: int) -> float:
    """Seconds from the beginning of the shift to coming back."""
    row = lines.tally[van]
    return float(row[DRIVING] + row[SERVICES] + row[WAITING])


@compiled
def strange(ground: Ground, stop: int, van: int) -> int:
    """Price of this van coming to that stop."""
    usual = ground.stop[stop, USUAL]
    if usual == -1 or usual == van:
        return 0
    return int(ground.stop[stop, STRANGE])


@compiled
def refresh(ground: Ground, lines: Lines, van: int) -> None:
    """The times of a line anew, forth and back, from its legs."""
    table, leg, after, before = ground.stop, lines.leg, lines.after, lines.before
    early, latest, idle = lines.early, lines.late, lines.idle
    start = len(lines.van) + van
    end = start + len(lines.tally)
    now = ground.van[van, BEGINS]
    early[start] = now
    node = start
    while True:
        now += leg[node]
        node = after[node]
        if node == end:
            break
        idle[before[node]] = max(table[node, OPENS] - now, 0)
        now = max(now, table[node, OPENS])
        early[node] = now
        now += table[node, SERVICE]
    early[end] = now
    idle[before[end]] = idle[end] = 0
    late, waiting = ground.van[van, LIMIT], np.int64(0)
    latest[end] = late
    while True:
        node = before[node]
        waiting += idle[node]
        idle[node] = waiting
        late -= leg[node]
        if node == start:
            break
        late = min(late - table[node, SERVICE], table[node, CLOSES])
        latest[node] = late
    latest[start] = late
    lines.tally[van, WAITING] = waiting


@compiled
def take_out(ground: Ground, lines: Lines, stop: int) -> None:
    """A stop leaves its line; whoever takes out the last one of several refreshes the times."""
    van = lines.van[stop]
    before, after = lines.before[stop], lines.after[stop]
    lines.after[before], lines.before[after] = after, before
    lines.tally[van, COUNT] -= 1
    lines.tally[van, LOAD] -= ground.stop[stop, SIZE]
    lines.tally[van, SERVICES] -= ground.stop[stop, SERVICE]
    if ground.stop[stop, USUAL] >= 0:
        lines.tally[van, STRANGERS] -= strange(ground, stop, van)
    leg = ground.travel[ground.place[before], ground.place[after]] if lines.tally[van, COUNT] > 0 else 0
    lines.tally[van, DRIVING] += leg - lines.leg[before] - lines.leg[stop]
    lines.leg[before] = leg
    lines.van[stop] = -1


@compiled
def put_in(ground: Ground, lines: Lines, stop: int, before: int, van: int) -> None:
    """A stop joins a line after the node `before`."""
    after = lines.after[before]
    there = ground.travel[ground.place[before], ground.place[stop]]
    onward = ground.travel[ground.place[stop], ground.place[after]]
    lines.tally[van, DRIVING] += there + onward - lines.leg[before]
    lines.tally[van, COUNT] += 1
    lines.tally[van, LOAD] += ground.stop[stop, SIZE]
    lines.tally[van, SERVICES] += ground.stop[stop, SERVICE]
    if ground.stop[stop, USUAL] >= 0:
        lines.tally[van, STRANGERS] += strange(ground, stop, van)
    lines.after[before], lines.before[stop] = stop, before
    lines.after[stop], lines.before[after] = after, stop
    lines.leg[before], lines.leg[stop] = there, onward
    lines.van[stop] = van
    if ground.terms[TIMED] > 0.0:
        refresh(ground, lines, van)


@compiled
def lay(ground: Ground, lines: Lines, van: int, sequence: I64) -> None:
    """A line becomes this sequence; the stops must be on no other one."""
    travel, place, table = ground.travel, ground.place, ground.stop
    after, before, leg, of = lines.after, lines.before, lines.leg, lines.van
    here = len(of) + van
    load, driving, services, strangers = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for stop in sequence:
        after[here], before[stop] = stop, here
        leg[here] = travel[place[here], place[stop]]
        driving += leg[here]
        of[stop] = van
        load += table[stop, SIZE]
        services += table[stop, SERVICE]
        if table[stop, USUAL] >= 0 and table[stop, USUAL] != van:
            strangers += table[stop, STRANGE]
        here = stop
    end = len(of) + len(lines.tally) + van
    after[here], before[end] = end, here
    leg[here] = travel[place[here], place[end]] if len(sequence) else 0
    row = lines.tally[van]
    row[COUNT], row[LOAD], row[DRIVING] = len(sequence), load, driving + leg[here]
    row[SERVICES], row[STRANGERS] = services, strangers
    if ground.terms[TIMED] > 0.0:
        refresh(ground, lines, van)


@compiled
def holds(ground: Ground, lines: Lines, van: int) -> bool:
    """Whether a line keeps all windows, the shift and the capacity."""
    stops, vans = len(lines.van), len(lines.tally)
    if lines.tally[van, LOAD] > ground.van[van, CAPACITY]:
        return False
    if ground.terms[TIMED] == 0.0:
        return True
    node, end = lines.after[stops + van], stops + vans + van
    while node != end:
        if lines.early[node] > ground.stop[node, CLOSES]:
            return False
        node = lines.after[node]
    return bool(lines.early[end] <= ground.van[van, LIMIT])


@allocating
def sequence_of(lines: Lines, van: int) -> I64:
    """The stops of a line."""
    stops = len(lines.van)
    found = np.zeros(lines.tally[van, COUNT], dtype=np.int64)
    node = lines.after[stops + van]
    for at in range(len(found)):
        found[at] = node
        node = lines.after[node]
    return found
