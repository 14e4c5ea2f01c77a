"""Ruin and recreate around the disruption, with simulated annealing.

After Schrimpf et al. 2000 and the string removals of Christiaens & Vanden Berghe 2020; ours are the moves that open
and close calls at a breakdown. Only vans that take part are ever looked at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from changbei.compute.recovery.construct import call_positions
from changbei.compute.recovery.draft import Draft, refill
from changbei.compute.recovery.lines import NEVER, Ground, Line

HOT_SECONDS, COLD_SECONDS = 400.0, 5.0
"""How much worse a plan may become, at the beginning and at the end of the search."""

CANDIDATES = 40
"""How many of the vans nearest to a breakdown are considered for a call there."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: after `iterations` when given (the clock is not looked at then), else at `until` on the
    monotonic clock, having begun at `since`."""

    since: float
    until: float
    iterations: int | None

    @classmethod
    def lasting(cls, seconds: float, iterations: int | None) -> Budget:
        """From now on."""
        now = time.perf_counter()
        return cls(now, now + seconds, iterations)

    def spent(self, done: int) -> float:
        """Share of the budget that is used up, 1 and above when it is over."""
        if self.iterations is not None:
            return done / self.iterations if self.iterations else 1.0
        length = self.until - self.since
        return (time.perf_counter() - self.since) / length if length > 0 else 1.0


def improve(ground: Ground, start: Draft, rng: np.random.Generator, budget: Budget) -> tuple[Draft, int]:
    """The best draft found within the budget, and the iterations made."""
    current = best = start.tidied()
    done = 0
    moves: tuple[Callable[[Ground, Draft, np.random.Generator], Draft | None], ...] = (
        remove_strings,
        open_call,
        close_call,
    )
    while (spent := budget.spent(done)) < 1.0:
        done += 1
        chance = rng.random()
        move = moves[0] if chance < 0.6 else moves[1] if chance < 0.8 else moves[2]
        ruined = move(ground, current, rng)
        if ruined is None:
            ruined = open_call(ground, current, rng)
            if ruined is None:
                continue
        regret = bool(rng.random() < 0.7)
        noise = float(rng.choice((0.0, 10.0, 40.0)))
        trial = refill(ruined, rng, regret=regret, noise_seconds=noise).tidied()
        if not trial.feasible:
            continue
        warmth = HOT_SECONDS * (COLD_SECONDS / HOT_SECONDS) ** spent
        if trial.price < current.price - warmth * math.log(1.0 - rng.random()):
            current = trial
            if current.price < best.price:
                best = current
    return best, done


def remove_strings(ground: Ground, draft: Draft, rng: np.random.Generator) -> Draft | None:
    """Take neighbouring stretches out of up to three lists."""
    orders = draft.on_lines
    if not len(orders):
        return None
    waiting = bool(draft.bank) and rng.random() < 0.3
    seed = int(rng.choice(draft.bank)) if waiting else int(rng.choice(orders))
    distance = ground.travel[ground.location[seed], ground.location[orders]]
    lists_wanted, length = int(rng.integers(1, 4)), int(rng.integers(2, 9))
    gone: dict[int, set[int]] = {}
    for order in orders[np.argsort(distance, kind="stable")[:60]].tolist():
        van = draft.where[order]
        if van in gone:
            continue
        gone[van] = _string_around(ground, draft.lines[van], order, length, rng)
        if len(gone) == lists_wanted:
            break
    return _removed(draft, gone)


def _string_around(ground: Ground, line: Line, order: int, length: int, rng: np.random.Generator) -> set[int]:
    """A stretch of the list that holds the order; calls stay, and own stops when sequences are to be kept."""
    at = line.nodes.index(order)
    first = max(0, at - int(rng.integers(0, length)))
    stretch = line.nodes[first : first + length]
    keep_own = ground.policy.keep_sequences
    return {n for n in stretch if n < ground.count and not (keep_own and ground.source[n] < 0)}


def _removed(draft: Draft, gone: dict[int, set[int]]) -> Draft:
    """These nodes out of these lists; the orders among them wait."""
    lines = {van: draft.line(van).without(nodes) for van, nodes in gone.items() if nodes}
    count = draft.ground.count
    waiting = sorted(node for nodes in gone.values() for node in nodes if node < count)
    return draft.replaced(lines, (*draft.bank, *waiting))


def open_call(ground: Ground, draft: Draft, rng: np.random.Generator) -> Draft | None:
    """Send one van more to a place, now and then after loosening its list, and free stranded orders nearby for it."""
    sizes = np.array([len(stranded) for stranded in ground.stranded], dtype=float)
    if not sizes.sum():
        return None
    waiting = [order for order in draft.bank if ground.source[order] >= 0]
    wanted_most = int(rng.choice(waiting)) if waiting and rng.random() < 0.7 else None
    if wanted_most is not None:
        place = int(ground.source[wanted_most])
    else:
        place = int(rng.choice(len(sizes), p=sizes / sizes.sum()))
    candidates = [van for van in ground.allowed[place] if place not in draft.line(van).called][:CANDIDATES]
    if not candidates:
        return None
    if wanted_most is not None:
        there = ground.location[wanted_most]
        candidates.sort(key=lambda van: int(ground.travel[draft.line(van).stops[:-1], there].min()))
    van = candidates[int(len(candidates) * rng.random() ** 2)]
    line, loosened = draft.line(van), set[int]()
    if line.nodes and rng.random() < 0.3:
        loosened = _string_around(ground, line, line.nodes[int(rng.integers(len(line.nodes)))], 8, rng)
        line = line.without(loosened)
    position = _somewhere(line, place, rng)
    if position is None:
        return None
    near = ground.travel[line.stops[:-1, None], ground.location[ground.stranded[place]][None, :]].min(axis=0)
    wanted = int(rng.integers(4, 26))
    gone: dict[int, set[int]] = {}
    for order in ground.stranded[place][np.argsort(near, kind="stable")[:wanted]].tolist():
        if draft.where.get(order, van) != van:
            gone.setdefault(draft.where[order], set()).add(order)
    opened = line.with_node(ground.count + place, position)
    waiting_too = tuple(sorted(order for order in loosened if order < ground.count))
    return _removed(draft.replaced({van: opened}, (*draft.bank, *waiting_too)), gone)


def close_call(ground: Ground, draft: Draft, rng: np.random.Generator) -> Draft | None:
    """Call one call off; half the time call earlier or later in the same list instead."""
    calls = [(van, place) for van, line in draft.lines.items() for place in line.called]
    if not calls:
        return None
    van, place = calls[int(rng.integers(len(calls)))]
    line = draft.lines[van]
    picked = {n for n in line.nodes if n < ground.count and ground.source[n] == place}
    closed = _removed(draft, {van: {ground.count + place, *picked}})
    if rng.random() < 0.5:
        position = _somewhere(closed.line(van), place, rng)
        if position is not None:
            closed = closed.replaced(
                {van: closed.line(van).with_node(ground.count + place, position)}, closed.bank
            )
    return closed


def _somewhere(line: Line, place: int, rng: np.random.Generator) -> int | None:
    """A position to call at: one of the good ones, or now and then any cheap one."""
    good = call_positions(line, place)
    if not good:
        return None
    if rng.random() < 0.6:
        return good[int(rng.integers(len(good)))]
    costs = line.calling_costs(place)
    order = np.argsort(costs, kind="stable")
    possible = int((costs < NEVER).sum())
    return int(order[int(possible * rng.random() ** 2)])
