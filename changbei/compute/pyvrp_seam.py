"""The only file that knows PyVRP (pre-1.0): fleets and stops in, sequences out.

PyVRP by N. Wouda et al., "PyVRP: a high-performance VRP solver package", INFORMS J. on Computing 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pyvrp import Client, Depot, Location, ProblemData, Solution, VehicleType
from pyvrp import Route as PyvrpRoute
from pyvrp import solve as pyvrp_solve
from pyvrp.stop import MaxIterations, MaxRuntime

FORBIDDEN_SECONDS = 10_000_000
"""A leg that must not be driven: onto a stop the van has no goods for."""


@dataclass(frozen=True, slots=True)
class FleetVan:
    """A van from `start` to `end` (locations), away no earlier than ready_seconds, back by limit_seconds, with room for
    `capacity`; `only`: the stops it may serve, None for all."""

    start: int
    end: int
    ready_seconds: int
    limit_seconds: int
    capacity: int
    only: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class FleetStop:
    """A stop at a location; `prize` is what leaving it out costs in driving seconds."""

    location: int
    size: int
    service_seconds: int
    open_seconds: int
    close_seconds: int
    prize: int


def improve_routes(
    travel_seconds: npt.NDArray[np.integer],
    vans: Sequence[FleetVan],
    stops: Sequence[FleetStop],
    routes: Sequence[Sequence[int]] | None,
    *,
    seed: int,
    seconds: float | None = None,
    iterations: int | None = None,
) -> list[list[int]] | None:
    """Sequences of stop numbers per van, from the given ones onward; None when nothing feasible was found.

    Minimises driving seconds plus the prizes of stops left out. Stops after `iterations` when given (deterministic),
    else after `seconds`. The caller compares: a result is feasible but need not be better than `routes`.
    """
    servable = [index for index, stop in enumerate(stops) if stop.open_seconds <= stop.close_seconds]
    if not servable or not vans:
        return [[] for _ in vans]
    if len(servable) < len(stops):
        return _without_closed(travel_seconds, vans, stops, routes, servable, seed, seconds, iterations)
    data = _data(travel_seconds, vans, stops)
    initial = None
    if routes is not None:
        named = [PyvrpRoute(data, list(row), van) for van, row in enumerate(routes) if row]
        initial = Solution(data, named)
    stop = MaxIterations(iterations) if iterations is not None else MaxRuntime(max(seconds or 0.0, 0.0))
    result = pyvrp_solve(data, stop=stop, seed=seed, collect_stats=False, initial_solution=initial)
    if not result.best.is_feasible():
        return None
    found: list[list[int]] = [[] for _ in vans]
    for route in result.best.routes():
        found[route.vehicle_type()] = [item.idx for item in route if item.is_client()]
    return found


def _without_closed(
    travel_seconds: npt.NDArray[np.integer],
    vans: Sequence[FleetVan],
    stops: Sequence[FleetStop],
    routes: Sequence[Sequence[int]] | None,
    servable: list[int],
    seed: int,
    seconds: float | None,
    iterations: int | None,
) -> list[list[int]] | None:
    """The same for the stops that can be served at all; PyVRP refuses windows that close before they open."""
    number = {index: at for at, index in enumerate(servable)}
    found = improve_routes(
        travel_seconds,
        [van if van.only is None else replace(van, only=_numbered(van.only, number)) for van in vans],
        [stops[index] for index in servable],
        None if routes is None else [[number[index] for index in row if index in number] for row in routes],
        seed=seed,
        seconds=seconds,
        iterations=iterations,
    )
    return None if found is None else [[servable[at] for at in row] for row in found]


def _numbered(stops: frozenset[int], number: dict[int, int]) -> frozenset[int]:
    return frozenset(number[index] for index in stops if index in number)


def _data(
    travel_seconds: npt.NDArray[np.integer], vans: Sequence[FleetVan], stops: Sequence[FleetStop]
) -> ProblemData:
    """PyVRP's own words for it: every stop and every end of a van is a location of its own; vans with a list of stops
    of their own see the others as unreachable."""
    ends = sorted({van.start for van in vans} | {van.end for van in vans})
    depot = {location: index for index, location in enumerate(ends)}
    where = np.array([*ends, *(stop.location for stop in stops)], dtype=np.int64)
    matrix = travel_seconds[where[:, None], where[None, :]].astype(np.int64)
    np.fill_diagonal(matrix, 0)
    views: dict[frozenset[int] | None, int] = {}
    matrices: list[Any] = []  # PyVRP's stub asks for an ndarray of plain int, which no array is
    for van in vans:
        if van.only in views:
            continue
        views[van.only] = len(matrices)
        seen = matrix
        if van.only is not None:
            foreign = [len(ends) + index for index in range(len(stops)) if index not in van.only]
            seen = matrix.copy()
            seen[:, foreign] = FORBIDDEN_SECONDS
            np.fill_diagonal(seen, 0)
        matrices.append(seen)
    return ProblemData(
        locations=[Location(0, 0) for _ in where],
        clients=[
            Client(
                location=len(ends) + index,
                delivery=[stop.size],
                service_duration=stop.service_seconds,
                tw_early=stop.open_seconds,
                tw_late=stop.close_seconds,
                prize=stop.prize,
                required=False,
            )
            for index, stop in enumerate(stops)
        ],
        depots=[Depot(location=index) for index in range(len(ends))],
        vehicle_types=[
            VehicleType(
                num_available=1,
                capacity=[van.capacity],
                start_depot=depot[van.start],
                end_depot=depot[van.end],
                tw_early=van.ready_seconds,
                tw_late=van.limit_seconds,
                profile=views[van.only],
            )
            for van in vans
        ],
        distance_matrices=matrices,
        duration_matrices=matrices,
    )
