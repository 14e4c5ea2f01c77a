"""First valid plans: what a dispatcher does by hand, and calling in vans one by one while that serves more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from changbei.compute.recovery.draft import Draft, planned_line, refill
from changbei.compute.recovery.lines import NEVER, Ground, Line

TRIED = 8
"""How many of the vans nearest to a place are tried for a call there; further ones only when none of these helps."""


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
        late = [n for n, begin in zip(nodes, line.begins, strict=True) if begin > ground.nodes[n][2]]
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


def called_in(
    ground: Ground, start: Draft, rng: np.random.Generator, out_of_time: Callable[[], bool]
) -> Draft:
    """Reserve vans first, then the van whose call serves most for least, until nobody serves more or time is over."""
    draft = refill(start, rng, regret=True)
    for reserve_round in (True, False):
        hopes = _first_hopes(ground, reserve_round=reserve_round)
        while draft.bank and not out_of_time():
            better = _best_call(ground, draft, rng, hopes)
            if better is None:
                break
            draft = better
    return draft


Hopes = dict[tuple[int, int], int]
"""(place, van) → what its call gained when last tried: later, with less left waiting, it hardly gains more, so that
most need not be tried again."""


def _first_hopes(ground: Ground, *, reserve_round: bool) -> Hopes:
    """The nearest vans must be tried; the others have a chance when none of them helps."""
    hopes: Hopes = {}
    for place, allowed in enumerate(ground.allowed):
        vans = [van for van in allowed if bool(ground.problem.vans.reserve[van]) == reserve_round]
        hopes |= {(place, van): NEVER if rank < TRIED else 1 for rank, van in enumerate(vans)}
    return hopes


def _best_call(ground: Ground, draft: Draft, rng: np.random.Generator, hopes: Hopes) -> Draft | None:
    """The draft with the one call more that lowers the price most; None when none lowers it."""
    waiting = {int(ground.source[order]) for order in draft.bank}
    best = draft
    for (place, van), hope in sorted(hopes.items(), key=lambda item: -item[1]):
        if hope <= draft.price - best.price:
            break
        tried = draft
        if place in waiting and place not in draft.line(van).called:
            for position in call_positions(draft.line(van), place):
                called = draft.line(van).with_node(ground.count + place, position)
                tried = min(tried, refilled_alone(draft, called, rng), key=lambda d: d.price)
        hopes[place, van] = draft.price - tried.price
        best = min(best, tried, key=lambda d: d.price)
    return best if best is not draft else None


def refilled_alone(draft: Draft, line: Line, rng: np.random.Generator) -> Draft:
    """The draft after this van alone has taken what it can of what waits."""
    alone = refill(Draft(draft.ground, {line.van: line}, draft.bank), rng, regret=True)
    return draft.replaced(alone.lines, alone.bank)


def call_positions(line: Line, place: int) -> list[int]:
    """Up to three positions worth calling at: the cheapest, and the cheapest once a third and two thirds of what is
    aboard are delivered and have made room."""
    costs = line.calling_costs(place)
    loads = line.loads
    found: list[int] = []
    for share in (1.0, 2 / 3, 1 / 3):
        costs_there = np.where(loads <= share * loads[0], costs, NEVER)
        position = int(costs_there.argmin())
        if costs_there[position] < NEVER and position not in found:
            found.append(position)
    return found
