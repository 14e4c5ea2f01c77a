"""Small disrupted days for the tests: on a straight road, and random ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from changbei.compute.recovery import Orders, Places, Problem, Vans

DAY_END = 10_000


def road(*places: int) -> np.ndarray:
    """Travel seconds between places given by their metre on a straight road driven at 1 m/s."""
    at = np.array(places)
    return np.abs(at[:, None] - at[None, :])


def one_breakdown() -> Problem:
    """Depot at 0; van 0 stands at 10 with orders 0 and 1 (at 20, 40) aboard; van 1 is the reserve at the depot; a van
    broke down at 30 with orders 2 and 3 (at 31, 50). Taking over lasts 300 s and 8 s an order, serving 100 s."""
    return Problem(
        travel_seconds=road(0, 10, 20, 40, 31, 50, 30),
        vans=Vans.of(
            start=[1, 0],
            end=0,
            ready_seconds=[0, 60],
            shift_end_seconds=DAY_END,
            capacity=10,
            reserve=[False, True],
        ),
        orders=Orders.of(
            location=[2, 3, 4, 5],
            service_seconds=100,
            size=2,
            window_close_seconds=DAY_END,
            source=[-1, -1, 0, 0],
        ),
        places=Places.of(location=[6], site=0, end=0, planned=[[2, 3]]),
        planned=((0, 1), ()),
        site_location=np.array([0]),
    )


def crooked(day: Problem, seed: int) -> Problem:
    """The same with ways that know no triangle: it may be shorter over a third place."""
    travel = np.random.default_rng(seed).integers(1, 3000, day.travel_seconds.shape)
    np.fill_diagonal(travel, 0)
    return replace(day, travel_seconds=travel)


def random_day(seed: int, *, lines: int, reserves: int, own: int, stranded: int, places: int = 1) -> Problem:
    """A random day with tight windows, capacities and shifts; some of it cannot be served."""
    rng = np.random.default_rng(seed)
    vans, orders = lines + reserves, lines * own + stranded
    at = rng.integers(0, 3000, (1 + vans + orders + places, 2))
    straight = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    travel = np.rint(straight * rng.uniform(0.9, 1.1, straight.shape)).astype(np.int32)
    np.fill_diagonal(travel, 0)
    opens = rng.choice([0, 0, 2000, 5000], orders)
    source = np.array([-1] * (lines * own) + rng.integers(0, places, stranded).tolist())
    return Problem(
        travel_seconds=travel,
        vans=Vans.of(
            start=[*range(1, 1 + lines), *([0] * reserves)],
            end=0,
            ready_seconds=rng.integers(0, 600, vans),
            shift_end_seconds=rng.integers(7000, 14000, vans),
            capacity=rng.integers(own * 3, own * 5 + 8, vans),
            reserve=[False] * lines + [True] * reserves,
            site=rng.integers(0, 2, vans),
        ),
        orders=Orders.of(
            location=np.arange(1 + vans, 1 + vans + orders),
            window_open_seconds=opens,
            window_close_seconds=opens + rng.integers(1500, 12000, orders),
            service_seconds=rng.integers(30, 200, orders),
            size=rng.integers(1, 5, orders),
            priority=rng.integers(1, 4, orders),
            value=rng.integers(0, 1000, orders),
            source=source,
        ),
        places=Places.of(
            location=np.arange(1 + vans + orders, 1 + vans + orders + places),
            handover_seconds=100,
            ready_seconds=rng.integers(0, 1500, places),
            site=rng.integers(0, 2, places),
            end=0,
            planned=[np.flatnonzero(source == place).tolist() for place in range(places)],
        ),
        planned=tuple(tuple(range(van * own, (van + 1) * own)) if van < lines else () for van in range(vans)),
        site_location=np.array([0, 1]),
    )
