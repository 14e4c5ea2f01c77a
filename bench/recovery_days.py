"""Delivery days made from a seed, and what breaks in them: the scenarios of bench_recovery.

A city has a dense core, suburbs and scattered villages, a depot at the edge, two sizes of vans, factors of streets
that make travel times asymmetric; a tenth of the customers want the morning, a fifth a window of two hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from changbei.compute import dayplan
from changbei.compute.dayplan import DayStops, DayVans
from changbei.compute.geo import travel_seconds
from changbei.compute.recovery import Orders, Places, Problem, Vans

MORNING, EVENING, LATEST = 8 * 3600, 17 * 3600 + 1800, 18 * 3600 + 1800
STOPS_A_VAN = 91
PLAN_ROUNDS_A_STOP = 30
FULL = 30
"""A van that breaks down has at least so many stops left: others are no disruption."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`broken` vans stop for good when `share` of the day is over, `reserves` stand ready at the depot."""

    stops: int
    city: int
    seed: int
    broken: int
    reserves: int
    share: float

    @property
    def name(self) -> str:
        return f"{self.stops}.broken{self.broken}.reserve{self.reserves}.at{round(100 * self.share)}.seed{self.seed}"


def scenarios(count: int, stops: tuple[int, ...] = (2000,)) -> list[Scenario]:
    """The first `count` of an endless list that turns through all kinds."""
    kinds = [(3, 1), (1, 1), (2, 0), (5, 2), (1, 0), (2, 1), (3, 2), (5, 1)]
    shares = (0.3, 0.45, 0.2)
    found = []
    for index in range(count):
        broken, reserves = kinds[index % len(kinds)]
        size = stops[index // len(kinds) % len(stops)]
        found.append(Scenario(size, index // 16 % 2, index, broken, reserves, shares[index // 2 % 3]))
    return found


@cache
def day(stops: int, seed: int) -> dict[str, Any]:
    """The city and its planned lines."""
    rng = np.random.default_rng(1000 * seed + stops)
    vans = max(round(stops / STOPS_A_VAN), 2)
    wide = 0.13 * (stops / 2000) ** 0.5
    centres = np.vstack(
        [rng.normal(0, wide / 4, (5, 2)), rng.uniform(-wide, wide, (9 * max(stops // 2000, 1), 2))]
    )
    at = centres[rng.integers(0, len(centres), stops)] + rng.normal(0, 0.012, (stops, 2))
    village = rng.random(stops) < 0.12
    at[village] = rng.uniform(-wide, wide, (int(village.sum()), 2))
    at = np.vstack([[0.7 * wide, -0.7 * wide], at]) + np.array([113.3, 23.1])
    factor = rng.uniform(0.93, 1.07, stops + 1)
    size = np.clip(np.rint(rng.lognormal(1.8, 0.7, stops)), 1, 60).astype(np.int64)
    kind = rng.random(stops)
    hour = MORNING + 3600 * rng.integers(1, 7, stops)
    made = {
        "at": at,
        "travel": travel_seconds(at[:, 0], at[:, 1], leave_factor=factor).astype(np.int32),
        "size": size,
        "service": 70 + 6 * size + np.rint(rng.exponential(45, stops)).astype(np.int64),
        "open": np.where((kind > 0.1) & (kind < 0.28), hour, MORNING),
        "close": np.where(kind < 0.1, 11 * 3600, np.where(kind < 0.28, hour + 7200, EVENING)),
        "priority": rng.choice([1, 2, 3], stops, p=[0.7, 0.2, 0.1]),
        "capacity": np.where(np.arange(vans) % 3 == 0, 1.15, 0.95) * size.sum() / vans / 0.82,
        "vans": vans,
    }
    made["capacity"] = made["capacity"].astype(np.int64)
    made["lines"] = dayplan.plan(
        made["travel"],
        DayStops(np.arange(1, stops + 1), size, made["service"], made["open"], made["close"]),
        DayVans(
            np.zeros(vans, dtype=np.int64), made["capacity"], np.full(vans, MORNING), np.full(vans, EVENING)
        ),
        seconds=0.0,
        seed=seed,
        iterations=PLAN_ROUNDS_A_STOP * stops,
    ).lines
    return made


def disrupted(scenario: Scenario) -> Problem:
    """The remainder of the day: vans that break stop at a customer, their goods aboard."""
    made = day(scenario.stops, scenario.city)
    now = int(MORNING + scenario.share * (EVENING - MORNING))
    state = [driven_until(made, line, now) for line in made["lines"]]
    rng = np.random.default_rng(scenario.seed)
    full = [van for van, (_, _, rest) in enumerate(state) if len(rest) >= FULL]
    gone = sorted(rng.choice(full, min(scenario.broken, len(full)), replace=False).tolist())
    source: list[int] = []
    stops: list[int] = []
    planned: list[tuple[int, ...]] = []
    stranded: list[tuple[int, ...]] = []
    for van, (_, _, rest) in enumerate(state):
        row = tuple(range(len(stops), len(stops) + len(rest)))
        stops += rest
        source += [gone.index(van) if van in gone else -1] * len(rest)
        (stranded if van in gone else planned).append(row)
    sound = [van for van in range(made["vans"]) if van not in gone]
    chosen = np.array(stops)
    return Problem(
        travel_seconds=made["travel"],
        vans=Vans.of(
            start=[*(state[van][0] for van in sound), *[0] * scenario.reserves],
            end=0,
            ready_seconds=[*(state[van][1] for van in sound), *[now + 900] * scenario.reserves],
            shift_end_seconds=LATEST,
            capacity=[*made["capacity"][sound].tolist(), *[int(made["capacity"].max())] * scenario.reserves],
            reserve=[False] * len(sound) + [True] * scenario.reserves,
        ),
        orders=Orders.of(
            location=chosen + 1,
            window_open_seconds=made["open"][chosen],
            window_close_seconds=made["close"][chosen],
            service_seconds=made["service"][chosen],
            size=made["size"][chosen],
            priority=made["priority"][chosen],
            source=source,
        ),
        places=Places.of(location=[state[van][0] for van in gone], end=0, site=0, planned=stranded),
        planned=(*planned, *[()] * scenario.reserves),
        site_location=np.array([0]),
    )


def driven_until(made: dict[str, Any], line: tuple[int, ...], now: int) -> tuple[int, int, list[int]]:
    """Where the van is (a location), when it may leave there, and the stops left."""
    at, here = MORNING, 0
    for position, stop in enumerate(line):
        if at > now:
            return here, at, list(line[position:])
        begins = max(at + int(made["travel"][here, stop + 1]), int(made["open"][stop]))
        at, here = begins + int(made["service"][stop]), stop + 1
    return here, max(at, now), []
