"""The retailers as arrays: where they are, what they are, how much they order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from changbei.network.city.land import Land, Points
from changbei.network.city.spec import CitySpec
from changbei.network.city.streets import Road

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FORMATS = ("supermarket", "convenience", "grocery", "specialist", "hotel", "kiosk")
FORMAT_SHARES = {
    "city": (0.08, 0.42, 0.24, 0.12, 0.06, 0.08),
    "county_seat": (0.08, 0.36, 0.33, 0.11, 0.05, 0.07),
    "town": (0.05, 0.25, 0.56, 0.08, 0.02, 0.04),
    "village": (0.01, 0.10, 0.85, 0.02, 0.0, 0.02),
}
MEAN_TIER = {"city": 14.5, "county_seat": 13.5, "town": 11.5, "village": 8.0}
TIERS = 30
KEY_TIER = 23


@dataclass(frozen=True)
class Shops:
    """n retailers. at: (n, 2) kilometres; place, district: indexes into Land.spots and DISTRICTS."""

    at: Points
    place: Integers
    district: Integers
    retail_format: Integers  # index into FORMATS
    tier: Integers
    cartons: Integers
    service_seconds: Integers
    conduct: Integers  # 0 law-abiding, 1 warned, 2 punished
    marked_prices: Flags
    grade: Integers  # 0 A to 3 D
    is_key: Flags
    is_vulnerable: Flags
    pays_cash: Flags

    def __len__(self) -> int:
        return len(self.place)


def open_shops(spec: CitySpec, land: Land, roads: list[Road]) -> Shops:
    rng = spec.stream("shops")
    place = _places(rng, spec, land)
    kinds = [spot.kind for spot in land.spots]
    count = len(place)
    retail_format = np.array([rng.choice(len(FORMATS), p=FORMAT_SHARES[kinds[i]]) for i in place])
    mean = np.array([MEAN_TIER[kinds[i]] for i in place])
    bonus = np.array([5.0, 1.0, -0.5, 3.0, 1.5, -3.0])[retail_format]
    tier = np.clip(np.rint(rng.normal(mean + bonus, 5.0)), 1, TIERS).astype(np.int64)
    cartons = np.clip(np.rint(1.0 + tier * rng.lognormal(0.0, 0.28, count)), 1, 60).astype(np.int64)
    conduct = rng.choice(3, size=count, p=(0.945, 0.042, 0.013))
    marked_prices = rng.random(count) < np.where(conduct == 0, 0.95, 0.7)
    grade = np.minimum(3, rng.choice(4, size=count, p=(0.27, 0.56, 0.14, 0.03)) + conduct)
    is_key = (tier >= KEY_TIER) & (conduct == 0) & marked_prices
    return Shops(
        at=_along_streets(rng, place, land, roads),
        place=place,
        district=np.array([land.spots[i].district for i in place]),
        retail_format=retail_format,
        tier=tier,
        cartons=cartons,
        service_seconds=(180 + 10 * cartons + rng.integers(0, 121, count)).astype(np.int64),
        conduct=conduct,
        marked_prices=marked_prices,
        grade=grade,
        is_key=is_key,
        is_vulnerable=(rng.random(count) < 0.025) & (tier < 12),
        pays_cash=rng.random(count) < 0.03,
    )


def _places(rng: np.random.Generator, spec: CitySpec, land: Land) -> Integers:
    """Which place each shop is in: by population, towns a little more than their share, tiny villages
    often none.
    """
    people = np.array([spot.population for spot in land.spots], dtype=np.float64)
    draw = np.array(
        [{"city": 1.1, "county_seat": 1.1, "town": 1.1, "village": 0.75}[s.kind] for s in land.spots]
    )
    draw[(people < 200) & np.array([spot.kind == "village" for spot in land.spots])] = 0.1
    weight = people * draw
    return np.sort(rng.choice(len(land.spots), size=spec.retailers, p=weight / weight.sum()))


def _along_streets(rng: np.random.Generator, place: Integers, land: Land, roads: list[Road]) -> Points:
    """A point beside one of the place's own streets, ten to forty metres off it, denser toward the middle."""
    own: dict[int, list[Points]] = {}
    for road in roads:
        if road.spot and road.rank != "trunk":
            own.setdefault(road.spot, []).append(road.path)
    at = np.empty((len(place), 2))
    for number, index in enumerate(place):
        spot = land.spots[index]
        paths = own[spot.number]
        best, reach = np.array(spot.at), np.inf
        for _ in range(1 if spot.kind == "village" else 2):
            found = _beside(rng, paths[rng.integers(len(paths))])
            distance = float(np.hypot(*(found - np.array(spot.at))))
            if distance < reach:
                best, reach = found, distance
        at[number] = best
    return at


def _beside(rng: np.random.Generator, path: Points) -> Points:
    leg = rng.integers(len(path) - 1)
    a, b = path[leg], path[leg + 1]
    along = b - a
    aside = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    side = 1.0 if rng.random() < 0.5 else -1.0
    spot: Points = a + along * rng.random() + aside * side * rng.uniform(0.01, 0.04)
    return spot
