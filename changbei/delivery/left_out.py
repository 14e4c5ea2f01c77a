"""Why a recovery leaves somebody unserved, in one word per customer. Pure, on arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from changbei.compute.recovery import Problem, Recovery

NO_ROOM, CLOSED, SHIFT_OVER, OTHERS_FIRST = "no_room", "closed", "shift_over", "others_first"
"""No van has so much room; every van would come after the delivery hours; none would be back before its shift ends;
a van could come, but its time or room goes to customers who count more, or to more of them."""


def why(problem: Problem, recovery: Recovery) -> Mapping[int, str]:
    """Unserved order → the first limit that keeps every van away, were it to drive there at once and to nobody else."""
    if not recovery.unserved:
        return {}
    rooms = problem.vans.capacity - _aboard(problem)
    return {order: _why(problem, order, rooms) for order in recovery.unserved}


def _aboard(problem: Problem) -> np.ndarray:
    """What each van carries for its own customers."""
    size = problem.orders.size
    return np.array([int(size[list(row)].sum()) if row else 0 for row in problem.planned], dtype=np.int64)


def _why(problem: Problem, order: int, rooms: np.ndarray) -> str:
    orders, vans = problem.orders, problem.vans
    place, target = int(orders.source[order]), int(orders.location[order])
    own = np.arange(len(vans)) == problem.home[order]  # goods aboard a van are delivered by it or not at all
    able = rooms >= int(orders.size[order]) if place >= 0 else own
    if not able.any():
        return NO_ROOM
    leaves, begin = vans.ready_seconds.copy(), vans.start
    if place >= 0:
        spot = int(problem.places.location[place])
        there = np.maximum(
            leaves + problem.travel_seconds[begin, spot], int(problem.places.ready_seconds[place])
        )
        handing = problem.places.handover_seconds[place] + problem.places.handover_per_order_seconds[place]
        leaves = there + int(handing)
        begin = np.full(len(vans), spot)
    arrives = leaves + problem.travel_seconds[begin, target]
    able = able & (arrives <= int(orders.window_close_seconds[order]))
    if not able.any():
        return CLOSED
    ends = np.maximum(arrives, int(orders.window_open_seconds[order])) + int(orders.service_seconds[order])
    back = ends + problem.travel_seconds[target, vans.end]
    return OTHERS_FIRST if (able & (back <= vans.shift_end_seconds)).any() else SHIFT_OVER
