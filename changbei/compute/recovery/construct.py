"""The first valid plan: everybody drives on as far as that holds, and what a dispatcher does by hand."""

from __future__ import annotations

import numpy as np

from changbei.compute.recovery.draft import Draft, planned_line
from changbei.compute.recovery.lines import Ground, Line


def undisturbed(ground: Ground) -> Draft:
    """Everybody drives on; stranded goods stay. Stops that can no longer be served in time (a closed road, a late
    start) are left out where they stand, to be tried again elsewhere in the same van's list."""
    lines: dict[int, Line] = {}
    bank = [int(order) for stranded in ground.stranded for order in stranded]
    for van, row in enumerate(ground.problem.planned):
        if not row or planned_line(ground, van).feasible:
            continue
        lines[van], left = _prefix_that_holds(ground, van, list(row))
        bank += left
    return Draft(ground, lines, tuple(bank))


def _prefix_that_holds(ground: Ground, van: int, nodes: list[int]) -> tuple[Line, list[int]]:
    """Leave out, first to last, whatever is late; then from the end whatever the shift does not allow."""
    left: list[int] = []
    while True:
        line = ground.line(van, nodes)
        if line.feasible or not nodes:
            return line, left
        late = [n for n, begin in zip(nodes, line.begins, strict=True) if begin > ground.close[n]]
        own = [n for n in nodes if n < ground.count]
        gone = late[0] if late else own[-1]
        nodes = [n for n in nodes if n != gone]
        left.append(gone)
        if all(n >= ground.count for n in nodes):
            nodes = []


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
        sequence = named + [int(order) for order in stranded if int(order) not in set(named)]
        line, _ = _prefix_that_holds(ground, van, [ground.count + place, *sequence])
        if line.feasible and line.nodes:
            lines[van] = line
            bank -= set(line.nodes)
    return Draft(ground, lines, tuple(sorted(bank)))
