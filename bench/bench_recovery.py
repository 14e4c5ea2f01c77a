"""Recovering a day of 2,000 stops, and planning one; beside PyVRP from scratch on the same remainder and seconds.

The day is made here from a seed: a city, lines by `plan_day`, breakdowns a third into the day. Run it alone with
`python -m bench.bench_recovery`; `run()` gives the rows that `make bench` collects.
"""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import pyvrp
from pyvrp.stop import MaxRuntime

from changbei.compute.dayplan import DayPlan, DayStops, DayVans, plan_day
from changbei.compute.geo import travel_seconds
from changbei.compute.pyvrp_seam import FleetStop, FleetVan, improve_routes
from changbei.compute.recovery import (
    OWN_RESERVE,
    Orders,
    Places,
    Problem,
    Recovery,
    Vans,
    alternatives,
    check,
    recover,
)

STOPS, VANS, SECONDS = 2000, 22, 2.0
MORNING, EVENING, LATEST = 8 * 3600, 17 * 3600 + 1800, 18 * 3600 + 1800
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    rows: list[Row] = []
    city = _city(seed=1)
    plan = _planned(city, rows)
    for broken in (1, 3):
        problem = _disrupted(city, plan, broken=broken, seed=broken)
        rows += _recovery_rows(problem, broken)
    return rows


def _row(name: str, value: float, unit: str, note: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "note": note}


def _city(seed: int) -> dict[str, Any]:
    """A dense core, suburbs, some villages; a depot at the edge; a tenth of the customers only in the morning."""
    rng = np.random.default_rng(seed)
    centres = np.vstack([rng.normal(0, 0.03, (5, 2)), rng.uniform(-0.13, 0.13, (9, 2))])
    at = centres[rng.integers(0, len(centres), STOPS)] + rng.normal(0, 0.012, (STOPS, 2))
    at = np.vstack([[0.09, -0.09], at]) + np.array([113.3, 23.1])
    began = time.perf_counter()
    travel = travel_seconds(at[:, 0], at[:, 1], leave_factor=rng.uniform(0.93, 1.07, STOPS + 1))
    matrix_seconds = time.perf_counter() - began
    size = np.clip(np.rint(rng.lognormal(1.8, 0.7, STOPS)), 1, 60).astype(np.int64)
    morning = rng.random(STOPS) < 0.1
    return {
        "at": at,
        "travel": travel,
        "matrix_seconds": matrix_seconds,
        "size": size,
        "service": 70 + 6 * size,
        "open": np.full(STOPS, MORNING),
        "close": np.where(morning, 11 * 3600, EVENING),
        "priority": rng.choice([1, 2, 3], STOPS, p=[0.7, 0.2, 0.1]),
        "capacity": int(size.sum() / VANS / 0.85),
    }


def _planned(city: dict[str, Any], rows: list[Row]) -> DayPlan:
    """The day as planned, which is a measurement of its own."""
    plan = plan_day(
        city["travel"],
        DayStops(np.arange(1, STOPS + 1), city["size"], city["service"], city["open"], city["close"]),
        DayVans(
            np.zeros(VANS, dtype=np.int64),
            np.full(VANS, city["capacity"]),
            np.full(VANS, MORNING),
            np.full(VANS, EVENING),
        ),
        x=city["at"][:, 0],
        y=city["at"][:, 1],
        seconds=5.0,
        seed=1,
    )
    rows.append(
        _row("geo.matrix", city["matrix_seconds"], "s", f"{STOPS + 1} × {STOPS + 1} great-circle times")
    )
    rows.append(_row("dayplan.wall", plan.wall_seconds, "s", f"{STOPS} stops, {VANS} vans, asked for 5 s"))
    rows.append(_row("dayplan.left_out", len(plan.left_out), "stops", "planned by nobody"))
    rows.append(_row("dayplan.driving", plan.driving_seconds / 3600, "h", "driving of all lines"))
    spread = max(plan.work_seconds) / max(float(np.mean(plan.work_seconds)), 1.0)
    rows.append(_row("dayplan.longest_line", spread, "× mean", "work of the longest line against the mean"))
    rows.append(_row("dayplan.pyvrp_whole", *_pyvrp_whole_day(city, 5.0)))
    return plan


def _pyvrp_whole_day(city: dict[str, Any], seconds: float) -> tuple[float, str, str]:
    """The same day given to PyVRP in one piece: driving hours, unit, note."""
    van = FleetVan(0, 0, MORNING, EVENING, city["capacity"])
    stops = [
        FleetStop(index + 1, int(size), int(service), int(opens), int(closes), 1_000_000)
        for index, (size, service, opens, closes) in enumerate(
            zip(city["size"], city["service"], city["open"], city["close"], strict=True)
        )
    ]
    found = improve_routes(city["travel"], [van] * VANS, stops, None, seed=1, seconds=seconds)
    if found is None:
        return 0.0, "h", "PyVRP on the whole day, same seconds: nothing feasible"
    rows = [[0, *(index + 1 for index in row), 0] for row in found]
    driving = sum(int(city["travel"][row[:-1], row[1:]].sum()) for row in rows)
    left = STOPS - sum(map(len, found))
    return driving / 3600, "h", f"PyVRP on the whole day, same seconds: {left} stops left out"


def _disrupted(city: dict[str, Any], plan: DayPlan, *, broken: int, seed: int) -> Problem:
    """A third into the day `broken` vans stop at a customer, their goods aboard; one reserve at the depot."""
    travel, now = city["travel"], MORNING + (EVENING - MORNING) // 3
    state = [_driven_until(city, line, now) for line in plan.lines]
    rng = np.random.default_rng(seed)
    full = [van for van, (_, _, rest) in enumerate(state) if len(rest) >= 30]
    gone = sorted(rng.choice(full, broken, replace=False).tolist())
    location, source, planned, stranded = [], [], [], []
    stops: list[int] = []
    for van, (_, _, rest) in enumerate(state):
        row = list(range(len(stops), len(stops) + len(rest)))
        stops += rest
        source += [gone.index(van) if van in gone else -1] * len(rest)
        (stranded if van in gone else planned).append(row)
    location = np.array(stops) + 1
    sound = [van for van in range(VANS) if van not in gone]
    column = np.array(stops)
    return Problem(
        travel_seconds=travel,
        vans=Vans.of(
            start=[*(state[van][0] for van in sound), 0],
            end=0,
            ready_seconds=[*(state[van][1] for van in sound), now + 900],
            shift_end_seconds=LATEST,
            capacity=city["capacity"],
            reserve=[False] * len(sound) + [True],
        ),
        orders=Orders.of(
            location=location,
            window_open_seconds=city["open"][column],
            window_close_seconds=city["close"][column],
            service_seconds=city["service"][column],
            size=city["size"][column],
            priority=city["priority"][column],
            source=source,
        ),
        places=Places.of(location=[state[van][0] for van in gone], end=0, site=0, planned=stranded),
        planned=(*(tuple(row) for row in planned), ()),
        site_location=np.array([0]),
    )


def _driven_until(city: dict[str, Any], line: tuple[int, ...], now: int) -> tuple[int, int, list[int]]:
    """Where the van is (a location), when it may leave there, and the stops left."""
    at, here = MORNING, 0
    for position, stop in enumerate(line):
        if at > now:
            return here, at, list(line[position:])
        at = max(at + int(city["travel"][here, stop + 1]), int(city["open"][stop])) + int(
            city["service"][stop]
        )
        here = stop + 1
    return here, max(at, now), []


def _recovery_rows(problem: Problem, broken: int) -> list[Row]:
    name = f"recovery.{STOPS}.broken{broken}"
    left, stranded = len(problem.orders), int((problem.orders.source >= 0).sum())
    said = f"{left} stops left, {stranded} stranded, {len(problem.vans)} vans, one reserve"
    hand = recover(problem, seconds=0.0, seed=1, policy=OWN_RESERVE, iterations=0)
    ours = recover(problem, seconds=SECONDS, seed=1)
    began = time.perf_counter()
    options = alternatives(problem, seconds=4.0, seed=1)
    wall = time.perf_counter() - began
    peer = _pyvrp_from_scratch(problem, SECONDS)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    faults = sum(len(check(problem, option)) for option in (hand, ours, *options))
    return [
        _row(f"{name}.first", ours.first_seconds, "s", f"until the first valid plan; {said}"),
        _row(f"{name}.wall", ours.wall_seconds, "s", f"asked for {SECONDS} s"),
        _row(f"{name}.unserved", ours.unserved_priority, "priority", _unserved_note(hand, peer)),
        _row(f"{name}.extra_driving", ours.extra_driving_seconds, "s", _driving_note(hand, peer)),
        _row(f"{name}.touched", len(ours.touched_vans), "vans", f"sound vans; of {len(problem.vans) - 1}"),
        _row(f"{name}.alternatives", wall, "s", " · ".join(_short(option) for option in options)),
        _row(f"{name}.violations", faults, "", "found by the independent checker; must be 0"),
        _row(f"{name}.memory", memory, "MB", "peak of this process, the peer included"),
    ]


def _short(option: Recovery) -> str:
    return f"{option.policy.name}: {len(option.unserved)} unserved, {option.extra_driving_seconds} s"


def _unserved_note(hand: Recovery, peer: tuple[int, int] | None) -> str:
    theirs = f"{peer[0]}" if peer else "nothing feasible"
    return (
        f"reserve alone, without search: {hand.unserved_priority}; PyVRP from scratch, same seconds: {theirs}"
    )


def _driving_note(hand: Recovery, peer: tuple[int, int] | None) -> str:
    theirs = f"{peer[1]} s" if peer else "nothing feasible"
    return f"reserve alone, without search: {hand.extra_driving_seconds} s; PyVRP from scratch: {theirs}"


def _pyvrp_from_scratch(problem: Problem, seconds: float) -> tuple[int, int] | None:
    """(unserved priority, extra driving) of PyVRP on the whole remainder; None when it finds nothing feasible.

    Exact for these rules: stranded orders are shipments from the breakdown, whose approach lasts the fixed hand-over
    longer; a sound van's own orders are out of every other van's reach by a matrix per van.
    """
    vans, orders, places = problem.vans, problem.orders, problem.places
    ends = sorted({*vans.start.tolist(), *vans.end.tolist()})
    where = np.concatenate([ends, places.location, orders.location]).astype(np.int64)
    first_place, first_order = len(ends), len(ends) + len(places)
    driving = problem.travel_seconds[where[:, None], where[None, :]].astype(np.int64)
    lasting = driving.copy()
    for place in range(len(places)):
        lasting[:, first_place + place] += int(places.handover_seconds[place])
    np.fill_diagonal(driving, 0)
    np.fill_diagonal(lasting, 0)
    own = orders.source < 0
    matrices: tuple[list[Any], list[Any]] = ([], [])
    for van in range(len(vans)):
        foreign = first_order + np.flatnonzero(own & (problem.home != van))
        for matrix, kept in zip((driving, lasting), matrices, strict=True):
            seen = matrix.copy()
            seen[:, foreign] = 10_000_000
            np.fill_diagonal(seen, 0)
            kept.append(seen)
    windows = [
        (int(a), int(b)) for a, b in zip(orders.window_open_seconds, orders.window_close_seconds, strict=True)
    ]
    price = [int(priority) * 100_000 for priority in orders.priority]
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in where],
        clients=[
            pyvrp.Client(
                location=first_order + i,
                delivery=[int(orders.size[i])],
                service_duration=int(orders.service_seconds[i]),
                tw_early=windows[i][0],
                tw_late=windows[i][1],
                prize=price[i],
                required=False,
            )
            for i in np.flatnonzero(own).tolist()
        ],
        depots=[pyvrp.Depot(location=index) for index in range(len(ends))],
        vehicle_types=[
            pyvrp.VehicleType(
                capacity=[int(vans.capacity[van])],
                start_depot=ends.index(int(vans.start[van])),
                end_depot=ends.index(int(vans.end[van])),
                tw_early=int(vans.ready_seconds[van]),
                tw_late=int(problem.van_limit_seconds[van]),
                profile=van,
            )
            for van in range(len(vans))
        ],
        distance_matrices=matrices[0],
        duration_matrices=matrices[1],
        shipments=[
            pyvrp.Shipment(
                pickup_location=first_place + int(orders.source[i]),
                delivery_location=first_order + i,
                pickup_service_duration=int(places.handover_per_order_seconds[orders.source[i]]),
                delivery_tw_early=windows[i][0],
                delivery_tw_late=windows[i][1],
                delivery_service_duration=int(orders.service_seconds[i]),
                amount=[int(orders.size[i])],
                prize=price[i],
                required=False,
            )
            for i in np.flatnonzero(~own).tolist()
        ],
    )
    best = pyvrp.solve(data, stop=MaxRuntime(seconds), seed=1, collect_stats=False).best
    if not best.is_feasible():
        return None
    unserved = best.uncollected_prizes() // 100_000
    idle = sum(
        int(problem.travel_seconds[vans.start[van], vans.end[van]])
        for van in set(np.flatnonzero(~vans.reserve).tolist())
        - {route.vehicle_type() for route in best.routes()}
    )
    return unserved, int(best.distance()) + idle - problem.undisturbed_driving_seconds


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:38} {row['value']:>12} {row['unit']:9} {row['note']}")
