"""What follows the last call of every van that takes over, handed to the general solver behind the seam.

After its last call a van is an ordinary vehicle with its goods aboard; only who has called where still restricts who
may serve what. Up to there the lists stay as the search left them.
"""

from __future__ import annotations

from dataclasses import dataclass

from changbei.compute.pyvrp_seam import FleetStop, FleetVan, improve_routes
from changbei.compute.recovery.draft import Draft
from changbei.compute.recovery.lines import Ground, Line


@dataclass(frozen=True, slots=True)
class _Tail:
    line: Line
    cut: int

    @property
    def head(self) -> list[int]:
        return self.line.nodes[: self.cut]

    @property
    def nodes(self) -> list[int]:
        return self.line.nodes[self.cut :]


def improve_tails(
    ground: Ground, draft: Draft, *, seed: int, seconds: float | None = None, iterations: int | None = None
) -> Draft:
    """The draft with better tails, or the draft itself when there are none that keep every limit."""
    if ground.policy.keep_sequences:
        return draft
    tails = [_tail(line) for line in draft.lines.values()]
    orders = [order for tail in tails for order in tail.nodes] + list(draft.bank)
    index = {order: at for at, order in enumerate(orders)}
    stops = [_stop(ground, order) for order in orders]
    vans = [_van(ground, tail, orders, index) for tail in tails]
    routes = [[index[order] for order in tail.nodes] for tail in tails]
    found = improve_routes(
        ground.travel, vans, stops, routes, seed=seed, seconds=seconds, iterations=iterations
    )
    if found is None:
        return draft
    lines = {
        tail.line.van: ground.line(tail.line.van, [*tail.head, *(orders[at] for at in row)])
        for tail, row in zip(tails, found, strict=True)
    }
    served = {order for line in lines.values() for order in line.nodes}
    better = Draft(ground, lines, tuple(order for order in orders if order not in served)).tidied()
    return better if better.feasible and better.price < draft.price else draft


def _tail(line: Line) -> _Tail:
    return _Tail(line, max(line.called.values(), default=-1) + 1)


def _stop(ground: Ground, order: int) -> FleetStop:
    location, opens, closes, service, size, _ = ground.nodes[order]
    return FleetStop(location, size, service, opens, closes, int(ground.unserved_price[order]))


def _van(ground: Ground, tail: _Tail, orders: list[int], index: dict[int, int]) -> FleetVan:
    """The van as it leaves its last call. Its capacity is what the tail's orders may weigh together: what it carries
    then besides them (goods nobody accepts today) stays aboard."""
    line, van, count = tail.line, tail.line.van, ground.count
    problem = ground.problem
    places = {node - count for node in tail.head if node >= count}
    only = frozenset(
        index[order] for order in orders if ground.home[order] == van or int(ground.source[order]) in places
    )
    start = ground.location[tail.head[-1]] if tail.head else problem.vans.start[van]
    tail_size = sum(ground.nodes[order][4] for order in tail.nodes)
    capacity = max(int(problem.vans.capacity[van]) - (int(line.loads[tail.cut]) - tail_size), tail_size)
    return FleetVan(
        start=int(start),
        end=int(problem.vans.end[van]),
        ready_seconds=int(line.departs[tail.cut]),
        limit_seconds=int(ground.limit[van]),
        capacity=capacity,
        only=only,
    )
