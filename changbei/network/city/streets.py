"""The road network: a core with rings and radials, grids in the towns, roads that link them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from changbei.network.city.land import Land, Points, Spot, wander
from changbei.network.city.spec import CitySpec

RINGS = ((2.2, "一环路"), (4.6, "二环路"), (7.6, "三环路"))
RADIALS = 12
GRID_SPACING_KM = {"city": 0.55, "county_seat": 0.42, "town": 0.28, "village": 0.2}


@dataclass(frozen=True)
class Road:
    """A stretch of road in kilometres; `spot` is the place whose own street it is, 0 for roads between
    places.
    """

    name: str
    rank: str  # trunk, main, minor
    path: Points
    spot: int


def pave(spec: CitySpec, land: Land) -> list[Road]:
    rng = spec.stream("streets")
    towns = [spot for spot in land.spots if spot.kind != "village"]
    seats = [spot for spot in towns if spot.kind in {"city", "county_seat"}]
    roads = _core(rng, seats[0]) + _between_seats(rng, seats) + _between_towns(rng, towns)
    for town in towns:
        roads += _grid(rng, town)
    villages = [spot for spot in land.spots if spot.kind == "village"]
    by_number = {spot.number: spot for spot in towns}
    for village in villages:
        roads += _to_village(rng, by_number[village.town], village)
    return roads


def _core(rng: np.random.Generator, center: Spot) -> list[Road]:
    """Ring roads and the avenues that cross them."""
    roads = []
    for radius, name in RINGS:
        angles = np.linspace(0, 2 * math.pi, 49)
        wave = (
            1 + 0.05 * np.sin(3 * angles + rng.uniform(0, 6)) + 0.03 * np.sin(5 * angles + rng.uniform(0, 6))
        )
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * wave)[:, None]
        ring[-1] = ring[0]
        roads.append(Road(name, "trunk" if radius > 7 else "main", ring, center.number))
    for number in range(RADIALS):
        angle = 2 * math.pi * number / RADIALS + rng.uniform(-0.06, 0.06)
        toward = np.array([math.cos(angle), math.sin(angle)])
        path = wander(rng, toward * 0.5, toward * 8.6, depth=3, sway=0.04)
        roads.append(Road(f"放射{number + 1}路", "main", path, center.number))
    return roads


def _between_seats(rng: np.random.Generator, seats: list[Spot]) -> list[Road]:
    """Trunk roads from the core to every seat, and from each seat to the next around the city."""
    core, outer = seats[0], seats[1:]
    roads = [
        Road(f"常{seat.name['zh-Hans'][:2]}公路", "trunk", _link(rng, core, seat, depth=5, sway=0.1), 0)
        for seat in outer
    ]
    pairs = list(zip(outer, [*outer[1:], outer[0]], strict=True))
    roads += [Road("环城公路", "trunk", _link(rng, a, b, depth=5, sway=0.12), 0) for a, b in pairs]
    return roads


def _between_towns(rng: np.random.Generator, towns: list[Spot]) -> list[Road]:
    """Main roads: every town joins the network by its nearest member that already has one, plus a few
    cross links.
    """
    at = np.array([town.at for town in towns])
    distance = np.linalg.norm(at[:, None] - at[None, :], axis=2)
    joined = [index for index, town in enumerate(towns) if town.kind != "town"]
    waiting = [index for index, town in enumerate(towns) if town.kind == "town"]
    roads = []
    while waiting:
        block = distance[np.ix_(waiting, joined)]
        row, column = divmod(int(block.argmin()), len(joined))
        a, b = joined[column], waiting[row]
        roads.append(Road("", "main", _link(rng, towns[a], towns[b], depth=4, sway=0.13), 0))
        joined.append(b)
        waiting.remove(b)
    linked: set[tuple[int, int]] = set()
    for index in range(len(towns)):
        second = int(np.argsort(distance[index], kind="stable")[min(2, len(towns) - 1)])
        key = (min(index, second), max(index, second))
        if key not in linked and rng.random() < 0.45 and 1.0 < distance[index, second] < 14:
            linked.add(key)
            roads.append(Road("", "main", _link(rng, towns[index], towns[second], depth=4, sway=0.12), 0))
    return roads


def _link(rng: np.random.Generator, a: Spot, b: Spot, *, depth: int, sway: float) -> Points:
    return wander(rng, np.array(a.at), np.array(b.at), depth=depth, sway=sway)


def _grid(rng: np.random.Generator, town: Spot) -> list[Road]:
    """Two families of streets at right angles, turned as a whole, each cut where the town ends."""
    spacing, reach = GRID_SPACING_KM[town.kind], town.radius_km
    turn = rng.uniform(0, math.pi / 2)
    axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    count = max(1, int(reach / spacing))
    roads = []
    for along, across in (axes, axes[::-1]):
        for step in range(-count, count + 1):
            offset = step * spacing + rng.uniform(-0.12, 0.12) * spacing
            half = math.sqrt(max(reach**2 - offset**2, 0.0)) * rng.uniform(0.72, 1.0)
            if half < spacing / 2:
                continue
            middle = np.array(town.at) + across * offset
            bend = across * rng.uniform(-0.05, 0.05) * spacing
            path = np.array([middle - along * half, middle + bend, middle + along * half])
            rank = "main" if step == 0 or (town.kind == "city" and step % 4 == 0) else "minor"
            roads.append(Road("", rank, path, town.number))
    return roads


def _to_village(rng: np.random.Generator, town: Spot, village: Spot) -> list[Road]:
    """The road to the village, and its one street across."""
    path = _link(rng, town, village, depth=3, sway=0.15)
    forward = path[-1] - path[-2]
    length = float(np.linalg.norm(forward)) or 1.0
    aside = np.array([-forward[1], forward[0]]) / length * village.radius_km
    here = np.array(village.at)
    return [
        Road("", "minor", path, 0),
        Road("", "minor", np.array([here - aside, here + aside]), village.number),
    ]
