"""The first valid plan: everybody drives on as far as that holds, and what a dispatcher does by hand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from changbei.compute.recovery.draft import Draft
from changbei.compute.recovery.lines import NEVER, Ground, Line


def undisturbed(ground: Ground) -> Draft:
    """Everybody drives on; stranded goods stay. Stops that can no longer be served in time (a closed road, a late
    start) are left out where they stand, to be tried again elsewhere in the same van's list."""
    lines: dict[int, Line] = {}
    bank = [int(order) for stranded in ground.stranded for order in stranded]
    for van, row in enumerate(ground.problem.planned):
        if not row or ground.planned_line(van).feasible:
            continue
        lines[van], left = _prefix_that_holds(ground, van, list(row))
        bank += left
    return Draft(ground, lines, tuple(bank))


class _Reached(NamedTuple):
    """A stop that is served in time: the van, were it the last one, would be home at `fixed`, or `after` seconds after
    it left the call, whichever is later, and has taken over `load` so far."""

    stop: int
    fixed: int
    after: int
    load: int


def _prefix_that_holds(ground: Ground, van: int, nodes: list[int]) -> tuple[Line, list[int]]:
    """Leave out, first to last, whatever is late; then from the end whatever the shift or the van does not allow. A
    call stands first or nowhere; every stop left out shortens its hand-over."""
    calls, stops = nodes[:1], nodes[1:]
    if not nodes or nodes[0] < ground.count:
        calls, stops = [], nodes
    vans = ground.problem.vans
    here, leaves, each, room = int(vans.start[van]), int(vans.ready_seconds[van]), 0, NEVER
    for call in calls:
        there, each = int(ground.location[call]), ground.per_order[call - ground.count]
        begins = max(leaves + int(ground.travel[here, there]), int(ground.open[call]))
        here, leaves = there, begins + int(ground.service[call]) + each * len(stops)
        room = int(vans.capacity[van] - ground.problem.aboard[van])
    reached, leaves = _in_time(ground, stops, here, int(vans.end[van]), leaves, each)
    while reached:
        last = reached[-1]
        if max(last.fixed, leaves + last.after) <= ground.limit[van] and last.load <= room:
            break
        reached.pop()
        leaves -= each
    served = [one.stop for one in reached]
    return ground.line(van, calls + served if served else []), sorted(set(stops) - set(served))


def _in_time(
    ground: Ground, stops: list[int], here: int, end: int, leaves: int, each: int
) -> tuple[list[_Reached], int]:
    """The stops that are not late from `here` on, and when the van leaves there, `each` earlier for every other one."""
    found, fixed, after, load = [], -NEVER, 0, 0
    for stop in stops:
        there, opens, lasts = int(ground.location[stop]), int(ground.open[stop]), int(ground.service[stop])
        leg = int(ground.travel[here, there])
        if max(fixed + leg, leaves + after + leg, opens) > ground.close[stop]:
            leaves -= each
            continue
        fixed, after, load = (
            max(fixed + leg, opens) + lasts,
            after + leg + lasts,
            load + int(ground.size[stop]),
        )
        here, home = there, int(ground.travel[there, end])
        found.append(_Reached(stop, fixed + home, after + home, load))
    return found, leaves


def by_hand(ground: Ground, start: Draft) -> Draft:
    """A reserve van per breakdown drives there, takes the whole load over and delivers in the planned sequence, leaving
    out what comes too late."""
    lines, bank = dict(start.lines), set(start.bank)
    free = [int(van) for van in np.flatnonzero(ground.problem.vans.reserve)]
    for place, stranded in enumerate(ground.stranded):
        van = next((van for van in free if van in ground.allowed[place]), None)
        if van is None or not len(stranded):
            continue
        free.remove(van)
        named = list(ground.problem.places.planned[place])
        sequence = named + sorted(set(stranded.tolist()) - set(named))
        line, _ = _prefix_that_holds(ground, van, [ground.count + place, *sequence])
        if line.feasible and line.nodes:
            lines[van] = line
            bank -= set(line.nodes)
    return Draft(ground, lines, tuple(sorted(bank)))
