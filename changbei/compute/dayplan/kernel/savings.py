"""Lines to begin with: single trips joined where that saves most, while capacity and hours allow.

G. Clarke, J. Wright, "Scheduling of Vehicles from a Central Depot to a Number of Delivery Points", 1964.
"""

from __future__ import annotations

import numpy as np

from changbei.compute.compiling import allocating, compiled
from changbei.compute.dayplan.kernel.lines import CLOSES, I32, I64, OPENS, SERVICE, SIZE


@compiled
def _root(route: I64, stop: int) -> int:
    """The route that a stop is on by now; the way there is shortened for the next who asks."""
    top = stop
    while route[top] != top:
        top = route[top]
    while route[stop] != top:
        route[stop], stop = top, route[stop]
    return int(top)


@compiled
def _turn(head: I64, tail: I64, after: I64, before: I64, route: int) -> None:
    stop = head[route]
    while stop >= 0:
        after[stop], before[stop] = before[stop], after[stop]
        stop = before[stop]
    head[route], tail[route] = tail[route], head[route]


@allocating
def join(
    travel: I32,
    location: I64,
    stop: I64,
    depot: int,
    hours: tuple[int, int],
    capacity: int,
    first: I64,
    second: I64,
    turnable: bool,
) -> tuple[I64, I64, I64]:
    """Join trips at the pairs given (end of one, beginning of another), in that order. `turnable`: driven backwards
    they cost the same and no hours matter. Returns (N,) route of each stop, and per route its first stop; (N,) next."""
    n = len(stop)
    after, before = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    head, tail, route = np.arange(n), np.arange(n), np.arange(n)
    load = stop[:, SIZE].copy()
    early, late = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for one in range(n):
        early[one] = max(hours[0] + travel[depot, location[one]], stop[one, OPENS])
        late[one] = min(stop[one, CLOSES], hours[1] - travel[location[one], depot] - stop[one, SERVICE])
    for pair in range(len(first)):
        i, j = first[pair], second[pair]
        a, b = _root(route, i), _root(route, j)
        if a == b or load[a] + load[b] > capacity:
            continue
        if turnable:
            if (head[a] != i and tail[a] != i) or (head[b] != j and tail[b] != j):
                continue
            if tail[a] != i:
                _turn(head, tail, after, before, a)
            if head[b] != j:
                _turn(head, tail, after, before, b)
        else:
            if tail[a] != i or head[b] != j:
                continue
            if early[i] + stop[i, SERVICE] + travel[location[i], location[j]] > late[j]:
                continue
        after[i], before[j] = j, i
        route[b], tail[a] = a, tail[b]
        load[a] += load[b]
        if not turnable:
            _retime(travel, location, stop, after, before, early, late, i)
    for one in range(n):
        route[one] = _root(route, one)
    return route, head, after


@compiled
def _retime(
    travel: I32, location: I64, stop: I64, after: I64, before: I64, early: I64, late: I64, joint: int
) -> None:
    """Times after the joint forth, up to it back."""
    here = joint
    while after[here] >= 0:
        there = after[here]
        now = early[here] + stop[here, SERVICE] + travel[location[here], location[there]]
        early[there] = max(now, stop[there, OPENS])
        here = there
    here = joint
    while here >= 0:
        there = after[here]
        latest = late[there] - travel[location[here], location[there]] - stop[here, SERVICE]
        late[here] = min(stop[here, CLOSES], latest)
        here = before[here]
