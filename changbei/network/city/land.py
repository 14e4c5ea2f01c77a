"""The land: districts that tile the city's area, towns and villages. Works in kilometres east and north of
the centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from changbei.network.city import names
from changbei.network.city.spec import CitySpec

Points = npt.NDArray[np.float64]  # (n, 2) kilometres

CENTER_LONGITUDE = 122.6  # open sea: no real village is meant
CENTER_LATITUDE = 32.6
KM_PER_LATITUDE = 110.85
KM_PER_LONGITUDE = 111.32 * math.cos(math.radians(CENTER_LATITUDE))
PEOPLE_PER_RETAILER = 250
DISTRICTS = (  # code, simplified, English, angle of its seat (degrees from east), terrain
    ("990101", "样城区", "Sample Core District", 0.0, "plain"),
    ("990102", "例海区", "Example Harbour District", 0.0, "plain"),
    ("990121", "试原县", "Trial Plain County", 72.0, "plain"),
    ("990122", "仿河县", "Imitation River County", 144.0, "plain"),
    ("990123", "拟山县", "Mock Hills County", 216.0, "hill"),
    ("990124", "设丘县", "Supposed Downs County", 288.0, "hill"),
)
CORE_RADIUS_KM = 10.5
OUTER_RADIUS_KM = 47.0
COAST_KM = 27.0  # the sea begins about here in the east
SEAT_RADIUS_KM = 27.0
HARBOUR_SEAT_KM = (19.0, 1.5)


@dataclass(frozen=True)
class Spot:
    """A place where people live, with what the streets and shops need to know of it."""

    number: int  # id in the table of places
    district: int  # index into DISTRICTS
    kind: str  # city, county_seat, town, village
    town: int  # number of the town it belongs to; its own for towns
    at: tuple[float, float]  # kilometres
    population: int
    terrain: str
    name: dict[str, str]
    code: str

    @property
    def radius_km(self) -> float:
        """How far its streets reach."""
        return {"city": 6.5, "county_seat": 2.6, "town": 0.9, "village": 0.25}[self.kind]


@dataclass(frozen=True)
class Land:
    outlines: tuple[Points, ...]  # closed rings, one per district
    spots: tuple[Spot, ...]


def degrees(points: Points) -> Points:
    """(n, 2) kilometres to (n, 2) longitude and latitude, six decimals."""
    scale = np.array([KM_PER_LONGITUDE, KM_PER_LATITUDE])
    positions: Points = np.round(np.asarray(points) / scale + (CENTER_LONGITUDE, CENTER_LATITUDE), 6)
    return positions


def survey(spec: CitySpec) -> Land:
    """Draw the districts and settle the land."""
    outlines = _outlines(spec.stream("outlines"))
    polygons = tuple(shapely.Polygon(ring) for ring in outlines)
    for polygon in polygons:
        shapely.prepare(polygon)
    return Land(outlines, tuple(_settle(spec, polygons)))


def wander(rng: np.random.Generator, start: Points, end: Points, *, depth: int, sway: float) -> Points:
    """A natural line from start to end: each midpoint is moved sideways by up to `sway` of its piece's
    length.
    """
    line = np.array([start, end])
    for _ in range(depth):
        step = line[1:] - line[:-1]
        aside = np.stack([-step[:, 1], step[:, 0]], axis=1) * rng.uniform(-sway, sway, (len(step), 1))
        middle = (line[1:] + line[:-1]) / 2 + aside
        grown = np.empty((len(line) + len(middle), 2))
        grown[0::2], grown[1::2] = line, middle
        line = grown
    return line


def _outlines(rng: np.random.Generator) -> tuple[Points, ...]:
    """A core and five sectors around it. Neighbours share their border point for point, so the districts
    tile.
    """
    corners = np.radians(np.array([-36, 36, 108, 180, 252]) + rng.uniform(-6, 6, 5))
    inner = _on_circle(corners, CORE_RADIUS_KM)
    outer = _on_shore(corners, rng.uniform(0.93, 1.07, 5))
    spokes = [wander(rng, inner[k], outer[k], depth=4, sway=0.16) for k in range(5)]
    inner_arcs, outer_arcs = [], []
    for k in range(5):
        following = (k + 1) % 5
        between = np.linspace(corners[k], corners[following] + (2 * math.pi if following == 0 else 0), 7)
        through = _on_circle(between, CORE_RADIUS_KM * 1.02)
        through[0], through[-1] = inner[k], inner[following]
        inner_arcs.append(_chain(rng, through, depth=2, sway=0.12))
        edge = _on_shore(between, rng.uniform(0.92, 1.08, 7))
        edge[0], edge[-1] = outer[k], outer[following]
        outer_arcs.append(_chain(rng, edge, depth=3, sway=0.14))
    core = np.concatenate([arc[:-1] for arc in inner_arcs] + [inner_arcs[0][:1]])
    sectors = [
        np.concatenate(
            [spokes[k][:-1], outer_arcs[k][:-1], spokes[(k + 1) % 5][::-1][:-1], inner_arcs[k][::-1]]
        )
        for k in range(5)
    ]
    return (core, *sectors)


def _on_circle(angles: Points, radius: float) -> Points:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius


def _on_shore(angles: Points, factors: Points) -> Points:
    """The city's edge: round, but cut off by the sea in the east."""
    points = _on_circle(angles, OUTER_RADIUS_KM) * factors[:, None]
    far = points[:, 0] > COAST_KM
    points[far, 0] = COAST_KM * factors[far] ** 2 + 2.0 * np.cos(points[far, 1] / 7.0)
    return points


def _chain(rng: np.random.Generator, through: Points, *, depth: int, sway: float) -> Points:
    pieces = [wander(rng, a, b, depth=depth, sway=sway) for a, b in pairwise(through)]
    return np.concatenate([piece[:-1] for piece in pieces] + [through[-1:]])


def _settle(spec: CitySpec, polygons: tuple[shapely.Polygon, ...]) -> list[Spot]:
    """The city proper, the county seats, towns spread over each district and villages around each town."""
    rng = spec.stream("places")
    towns_each = int(np.clip(round(spec.retailers / 1000), 3, 24))
    villages_each = int(np.clip(round(spec.retailers / 1500), 2, 9))
    draft = _towns(rng, polygons, towns_each)
    weights = np.array([_weight(rng, kind) for _, kind, _ in draft])
    people = spec.retailers * PEOPLE_PER_RETAILER * 0.7 * weights / weights.sum()
    spots: list[Spot] = []
    counters = [0] * len(DISTRICTS)
    for index, ((district, kind, at), population) in enumerate(zip(draft, people, strict=True)):
        counters[district] += 1
        code = f"{DISTRICTS[district][0]}{counters[district]:03d}000"
        name = _town_name(district, kind, index, counters[district])
        terrain = DISTRICTS[district][4] if kind == "town" else "plain"
        spots.append(
            Spot(len(spots) + 1, district, kind, len(spots) + 1, at, int(population), terrain, name, code)
        )
    rural = [spot for spot in spots if spot.district > 0]
    rural_people = spec.retailers * PEOPLE_PER_RETAILER * 0.3 / max(1, len(rural) * villages_each)
    for town in rural:
        spots += _villages(rng, polygons[town.district], town, villages_each, rural_people, len(spots))
    return spots


def _towns(
    rng: np.random.Generator, polygons: tuple[shapely.Polygon, ...], each: int
) -> list[tuple[int, str, tuple[float, float]]]:
    draft: list[tuple[int, str, tuple[float, float]]] = []
    for district, polygon in enumerate(polygons):
        angle = math.radians(DISTRICTS[district][3])
        if district == 0:
            seat = (0.0, 0.0)
        elif district == 1:
            seat = HARBOUR_SEAT_KM
        else:
            seat = (SEAT_RADIUS_KM * math.cos(angle), SEAT_RADIUS_KM * math.sin(angle))
        draft.append((district, "city" if district == 0 else "county_seat", seat))
        taken = [seat]
        for _ in range(max(2, each // 2) if district == 0 else each):
            taken.append(_roomiest(rng, polygon, np.array(taken)))
            draft.append((district, "town", taken[-1]))
    return draft


def _roomiest(rng: np.random.Generator, polygon: shapely.Polygon, taken: Points) -> tuple[float, float]:
    """Of twelve random points of the district, away from its border, the one farthest from its towns."""
    inside = polygon.buffer(-1.4)
    west, south, east, north = inside.bounds
    found: list[Points] = []
    while len(found) < 12:
        tries = rng.uniform((west, south), (east, north), (24, 2))
        found += list(tries[shapely.contains_xy(inside, tries[:, 0], tries[:, 1])])
    points = np.array(found[:12])
    distance = np.linalg.norm(points[:, None, :] - taken[None, :, :], axis=2).min(axis=1)
    best = points[int(distance.argmax())]
    return float(best[0]), float(best[1])


def _weight(rng: np.random.Generator, kind: str) -> float:
    base = {"city": 14.0, "county_seat": 5.0, "town": 1.0}[kind]
    return base * float(rng.lognormal(0.0, 0.3 if kind == "town" else 0.1))


def _town_name(district: int, kind: str, index: int, counter: int) -> dict[str, str]:
    _, hans, english, _, _ = DISTRICTS[district]
    if kind == "city":
        return names.text(f"{hans}中心", f"{english} Centre")
    if kind == "county_seat":
        return names.text(f"{hans[:2]}城关镇", f"{english.rsplit(' ', 1)[0]} Seat")
    stem, romanised = names.place_stem(index)
    if district == 0:
        return names.text(f"{stem}街道", f"{romanised} Street Community")
    return names.text(f"{stem}镇", f"{romanised} Town")


def _villages(
    rng: np.random.Generator,
    polygon: shapely.Polygon,
    town: Spot,
    count: int,
    mean_people: float,
    so_far: int,
) -> list[Spot]:
    """Villages a few kilometres around their town; many small ones, for the rules about villages without a
    shop.
    """
    spots: list[Spot] = []
    stem = {language: words.removesuffix(" Town") for language, words in town.name.items()}
    sizes = np.maximum(35, rng.lognormal(math.log(max(mean_people, 150)) - 0.32, 0.8, count)).astype(int)
    for number, people in enumerate(sizes, start=1):
        at = town.at
        for _ in range(20):
            angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(1.6, 4.6)
            reach += town.radius_km / 2
            at = (town.at[0] + reach * math.cos(angle), town.at[1] + reach * math.sin(angle))
            if polygon.contains(shapely.Point(at)):
                break
        else:
            at = (town.at[0] + 0.1 * number, town.at[1] + 0.1)
        terrain = town.terrain if rng.random() < 0.8 else ("hill" if town.district >= 4 else "plain")
        own = names.text(f"{names.numeral(number)}村", f"Village {number}")
        spots.append(
            Spot(
                so_far + number,
                town.district,
                "village",
                town.number,
                at,
                int(people),
                terrain,
                names.join([stem, own]),
                f"{town.code[:9]}{200 + number:03d}",
            )
        )
    return spots
