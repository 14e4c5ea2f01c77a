"""Who delivers to whom and in which order: sites, lines, sequences, and the customer managers' territories.

Every shop is served once a week. A site's shops, lined up along a space-filling curve, are cut into as
many pieces as its vans drive lines in a week, so that no piece takes longer than needed, fills more than
its van, or outlasts the shift; the five pieces next to each other belong to one van.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from changbei.compute import geo
from changbei.compute.pyvrp_seam import FleetStop, FleetVan, improve_routes
from changbei.core.errors import Invalid
from changbei.network.city.land import Points
from changbei.network.city.shops import Integers, Shops
from changbei.network.city.spec import DELIVERY_WEEKDAYS, CitySpec

DEPARTURE_SECONDS = 8 * 3600
SHIFT_END_SECONDS = 17 * 3600 + 1800
PLANNED_RETURN_SECONDS = SHIFT_END_SECONDS - 1800  # what a usual day leaves for the unusual
CAPACITIES_CARTONS = (1000, 1200, 1500)
FILL = 0.92  # of the smallest capacity: a week can be stronger than usual
MOST_STOPS = 90
SHOPS_PER_MANAGER = 250
SOLVER_ITERATIONS = 10  # more hardly shortens a line of fifty stops
LATEST_SECONDS = 10**6

SITES_KM = (
    (-6.5, -5.0),
    (8.3, 25.7),
    (-21.9, 15.9),
    (-21.9, -15.9),
    (8.3, -25.7),
)  # the delivery centre first
NEARER_CENTER = 0.8  # the delivery centre reaches a little farther than the stations


@dataclass(frozen=True)
class DeliveryLine:
    """One van's drive on one weekday: shops (indexes) in sequence, and the arrivals of a usual day in
    seconds.
    """

    site: int
    van: int
    weekday: int
    shops: Integers
    arrivals: Integers
    returns_seconds: int


@dataclass(frozen=True)
class Rounds:
    lines: tuple[DeliveryLine, ...]
    vans_of_site: tuple[int, ...]
    managers: Integers  # per shop the number of its customer manager, counted from 0
    district_of_manager: tuple[int, ...]


def drive_seconds(distance_km: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Driving time over straight kilometres, as everywhere in the product."""
    return np.rint(geo.CITY_ROADS.seconds(np.asarray(distance_km) * 1000.0))


def plan_rounds(spec: CitySpec, shops: Shops) -> Rounds:
    site = _site_of_each(shops)
    along = hilbert(shops.at)
    order = [
        np.flatnonzero(site == s)[np.argsort(along[site == s], kind="stable")] for s in range(len(SITES_KM))
    ]
    vans = _share_vans(spec, shops, order)
    lines: list[DeliveryLine] = []
    first_van = 0
    for s, (mine, count) in enumerate(zip(order, vans, strict=True)):
        for number, piece in enumerate(_cut(shops, mine, s, count * DELIVERY_WEEKDAYS)):
            van, weekday = first_van + number // DELIVERY_WEEKDAYS, number % DELIVERY_WEEKDAYS + 1
            lines.append(_drive(shops, s, van, weekday, piece, spec.seed))
        first_van += count
    managers, districts = _territories(shops, along)
    return Rounds(tuple(lines), tuple(vans), managers, districts)


def hilbert(points: Points, *, order: int = 12) -> Integers:
    """(n,) position of each point on a Hilbert curve over the points' square: neighbours on it are
    neighbours on the map.
    """
    low = points.min(axis=0)
    side = float((points.max(axis=0) - low).max()) or 1.0
    cells = ((points - low) / side * (2**order - 1)).astype(np.int64)
    x, y = cells[:, 0].copy(), cells[:, 1].copy()
    position = np.zeros(len(points), dtype=np.int64)
    scale = 2 ** (order - 1)
    while scale:
        right, upper = (x & scale) > 0, (y & scale) > 0
        position += scale * scale * ((3 * right) ^ upper)
        flip = ~upper & right
        x[flip], y[flip] = scale - 1 - x[flip], scale - 1 - y[flip]
        x[~upper], y[~upper] = y[~upper].copy(), x[~upper].copy()
        x &= scale - 1
        y &= scale - 1
        scale //= 2
    return position


def _site_of_each(shops: Shops) -> Integers:
    reach = np.linalg.norm(shops.at[:, None, :] - np.array(SITES_KM)[None, :, :], axis=2)
    reach[:, 0] *= NEARER_CENTER
    nearest: Integers = reach.argmin(axis=1)
    return nearest


def _share_vans(spec: CitySpec, shops: Shops, order: list[Integers]) -> list[int]:
    """At least one van per site, each further one where the longest lines are; more than the specification's usual
    number where lines would not hold otherwise. Raises Invalid when the number is prescribed and does not suffice."""
    counts = [1] * len(order)
    longest = [_shortest_limit(shops, mine, s, DELIVERY_WEEKDAYS) for s, mine in enumerate(order)]
    while sum(counts) < spec.line_vans or max(longest) == math.inf:
        if spec.vans is not None and sum(counts) >= spec.vans:
            raise Invalid("vans", f"{spec.vans} cannot serve {spec.retailers} retailers in five days")
        busiest = int(np.argmax(longest))
        counts[busiest] += 1
        longest[busiest] = _shortest_limit(
            shops, order[busiest], busiest, counts[busiest] * DELIVERY_WEEKDAYS
        )
    return counts


def _shortest_limit(shops: Shops, mine: Integers, site: int, pieces: int) -> float:
    """The smallest duration (seconds) such that `pieces` lines of at most that length serve all of `mine`; infinite
    when not even lines of a whole shift do."""
    row = _Row(shops, mine, site)
    low, high = 600.0, float(PLANNED_RETURN_SECONDS - DEPARTURE_SECONDS)
    if row.cut(high, pieces) is None:
        return math.inf
    while high - low > 60:
        middle = (low + high) / 2
        low, high = (low, middle) if row.cut(middle, pieces) is not None else (middle, high)
    return high


def _cut(shops: Shops, mine: Integers, site: int, pieces: int) -> list[Integers]:
    """Exactly `pieces` consecutive pieces of `mine`; some are empty only where there are more lines than
    shops.
    """
    limit = _shortest_limit(shops, mine, site, pieces)
    bounds = _Row(shops, mine, site).cut(limit, pieces)
    assert bounds is not None, "_share_vans gives a site as many vans as its lines need"
    while len(bounds) < pieces + 1:
        widest = int(np.argmax(np.diff(bounds)))
        bounds.insert(widest + 1, (bounds[widest] + bounds[widest + 1]) // 2)
    return [mine[a:b] for a, b in pairwise(bounds)]


class _Row:
    """Shops in a row with prefix sums, so that the duration of any piece is a few additions."""

    def __init__(self, shops: Shops, mine: Integers, site: int) -> None:
        at = shops.at[mine]
        hops = drive_seconds(np.linalg.norm(np.diff(at, axis=0), axis=1)) if len(mine) > 1 else np.zeros(0)
        self.to_site = drive_seconds(np.linalg.norm(at - np.array(SITES_KM[site]), axis=1))
        self.hops = np.concatenate([[0.0], np.cumsum(hops)])
        self.service = np.concatenate([[0], np.cumsum(shops.service_seconds[mine])])
        self.cartons = np.concatenate([[0], np.cumsum(shops.cartons[mine])])

    def cut(self, limit_seconds: float, pieces: int) -> list[int] | None:
        """Bounds of the pieces when each takes as much as fits; None when more than `pieces` would be
        needed.
        """
        bounds, count, room = [0], len(self.to_site), min(CAPACITIES_CARTONS) * FILL
        while bounds[-1] < count:
            i = bounds[-1]
            j = np.arange(i, min(i + MOST_STOPS, count))
            seconds = (
                self.to_site[i]
                + self.hops[j]
                - self.hops[i]
                + self.service[j + 1]
                - self.service[i]
                + self.to_site[j]
            )
            fits = (seconds <= limit_seconds) & (self.cartons[j + 1] - self.cartons[i] <= room)
            taken = int(np.argmin(fits)) if not fits.all() else len(fits)
            if taken == 0 or len(bounds) > pieces:
                return None
            bounds.append(i + taken)
        return bounds


def _drive(shops: Shops, site: int, van: int, weekday: int, piece: Integers, seed: int) -> DeliveryLine:
    """Times of a usual day over the piece in its order."""
    sequence = improve_sequence(shops, site, piece, seed)
    at = np.concatenate([[SITES_KM[site]], shops.at[sequence], [SITES_KM[site]]])
    legs = drive_seconds(np.linalg.norm(np.diff(at, axis=0), axis=1)).astype(np.int64)
    service = shops.service_seconds[sequence]
    before = np.concatenate([[0], np.cumsum(service)])
    arrivals = DEPARTURE_SECONDS + np.cumsum(legs[:-1]) + before[:-1]
    returns = int(DEPARTURE_SECONDS + legs.sum() + before[-1])
    return DeliveryLine(site, van, weekday, sequence, arrivals, returns)


def improve_sequence(shops: Shops, site: int, piece: Integers, seed: int) -> Integers:
    """The order in which the line calls at its shops: along the curve, then improved by the general solver."""
    if len(piece) < 3:
        return piece
    at = np.concatenate([[SITES_KM[site]], shops.at[piece]])
    travel = drive_seconds(np.linalg.norm(at[:, None] - at[None, :], axis=2)).astype(np.int32)
    stops = [FleetStop(n, 0, 0, 0, LATEST_SECONDS, LATEST_SECONDS) for n in range(1, len(at))]
    van = FleetVan(0, 0, 0, LATEST_SECONDS, 0)
    curve = list(range(len(piece)))
    found = improve_routes(travel, [van], stops, [curve], seed=seed, iterations=SOLVER_ITERATIONS)
    row = found[0] if found and len(found[0]) == len(piece) else curve
    first, last = (math.dist(shops.at[piece[row[end]]], SITES_KM[site]) for end in (0, -1))
    return piece[row if first <= last else row[::-1]]


def _territories(shops: Shops, along: Integers) -> tuple[Integers, tuple[int, ...]]:
    """Each district's shops along the curve, cut into equal pieces: one customer manager each."""
    managers = np.zeros(len(shops), dtype=np.int64)
    districts: list[int] = []
    for district in range(int(shops.district.max()) + 1):
        mine = np.flatnonzero(shops.district == district)
        mine = mine[np.argsort(along[mine], kind="stable")]
        for piece in np.array_split(mine, max(1, round(len(mine) / SHOPS_PER_MANAGER))):
            managers[piece] = len(districts)
            districts.append(district)
    return managers, tuple(districts)
