"""Geography on arrays: calibrated great-circle travel times, points in polygons, boxes.

Coordinates are WGS-84 longitude and latitude in degrees, in that order as in GeoJSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import shape

from changbei.core.errors import Invalid

EARTH_RADIUS_METRES = 6_371_008.8
"""Mean radius (IUGG)."""
ROWS_AT_ONCE = 256
"""Rows of a matrix computed together: bounds the memory of intermediates to a few megabytes."""

FloatArray = npt.NDArray[np.float64]
Floats = Sequence[float] | npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RoadModel:
    """How straight-line metres become seconds on the road where no road network is at hand.

    detour: road metres per straight metre. at_metres, at_speed: driving speed in metres per second by road length,
    interpolated between; short trips are slow streets, long ones use trunk roads. To calibrate, scale `at_speed` so
    that yesterday's driven legs come out right.
    """

    detour: float = 1.35
    at_metres: tuple[float, ...] = (0.0, 1_000.0, 5_000.0, 15_000.0, 50_000.0)
    at_speed: tuple[float, ...] = (4.5, 5.5, 8.5, 12.5, 18.0)

    def __post_init__(self) -> None:
        if self.detour < 1.0:
            raise Invalid("detour", "a road is not shorter than the straight line; must be at least 1")
        if len(self.at_metres) != len(self.at_speed) or list(self.at_metres) != sorted(set(self.at_metres)):
            raise Invalid("at_metres", "must rise, with one speed each")
        if min(self.at_speed, default=0.0) <= 0.0:
            raise Invalid("at_speed", "must be above 0")

    def seconds(self, straight_metres: FloatArray) -> FloatArray:
        """Driving time of straight-line distances, any shape."""
        road = straight_metres * self.detour
        result: FloatArray = road / np.interp(road, self.at_metres, self.at_speed)
        return result


CITY_ROADS = RoadModel()


def great_circle_metres(lon_from: Floats, lat_from: Floats, lon_to: Floats, lat_to: Floats) -> FloatArray:
    """(n, m) haversine distances between n and m points."""
    lon_a, lat_a = np.radians(_column(lon_from, lat_from)), np.radians(np.asarray(lat_from, dtype=float))
    lon_b, lat_b = np.radians(_column(lon_to, lat_to)), np.radians(np.asarray(lat_to, dtype=float))
    half_lat = np.sin((lat_b[None, :] - lat_a[:, None]) / 2) ** 2
    half_lon = np.sin((lon_b[None, :] - lon_a[:, None]) / 2) ** 2
    chord = half_lat + np.cos(lat_a)[:, None] * np.cos(lat_b)[None, :] * half_lon
    result: FloatArray = 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return result


def _column(lon: Floats, lat: Floats) -> FloatArray:
    """Longitudes as an array; refuses what cannot be coordinates."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if lon_array.shape != lat_array.shape or lon_array.ndim != 1:
        raise Invalid("lat", f"{lat_array.shape} latitudes for {lon_array.shape} longitudes")
    if not (np.isfinite(lon_array).all() and np.isfinite(lat_array).all()):
        raise Invalid("lon", "coordinates must be finite numbers")
    if (np.abs(lon_array) > 180).any() or (np.abs(lat_array) > 90).any():
        raise Invalid("lon", "longitude within ±180 and latitude within ±90; are the two swapped?")
    return lon_array


def travel_seconds(
    lon: Floats,
    lat: Floats,
    *,
    roads: RoadModel = CITY_ROADS,
    leave_factor: Floats | None = None,
    arrive_factor: Floats | None = None,
    detour_metres: npt.NDArray[np.floating] | None = None,
) -> npt.NDArray[np.int32]:
    """(n, n) whole seconds from each point to each, 0 on the diagonal.

    detour_metres: (n, n) straight metres more, around closed areas for example (`compute.closures`).
    leave_factor, arrive_factor: (n,) multipliers of getting away from and up to a point (one-way streets, courtyards);
    with them the matrix is asymmetric. An estimate to be named as such wherever it is shown.
    """
    lon_array, lat_array = _column(lon, lat), np.asarray(lat, dtype=float)
    count = len(lon_array)
    leave = np.ones(count) if leave_factor is None else np.asarray(leave_factor, dtype=float)
    arrive = np.ones(count) if arrive_factor is None else np.asarray(arrive_factor, dtype=float)
    matrix = np.empty((count, count), dtype=np.int32)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        straight = great_circle_metres(lon_array[rows], lat_array[rows], lon_array, lat_array)
        if detour_metres is not None:
            straight += detour_metres[rows]
        matrix[rows] = np.rint(roads.seconds(straight) * leave[rows, None] * arrive[None, :])
    np.fill_diagonal(matrix, 0)
    return matrix


def polygon(geojson: Mapping[str, Any]) -> shapely.Geometry:
    """A shapely polygon or multipolygon from a GeoJSON geometry; raises `Invalid` when it is none or crosses itself."""
    try:
        geometry: shapely.Geometry = shape(dict(geojson))
    except (
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        shapely.errors.ShapelyError,
    ) as error:
        raise Invalid("geometry", f"not a GeoJSON geometry: {error}") from error
    if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
        raise Invalid("geometry", f"must be a polygon, is {geometry.geom_type}")
    if not geometry.is_valid:
        raise Invalid("geometry", shapely.is_valid_reason(geometry))
    return geometry


def points_in(area: shapely.Geometry, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
    """(n,) whether each point lies in the area or on its border: a customer on the border is told too (E3.2.1)."""
    lon_array = _column(lon, lat)
    shapely.prepare(area)
    result: npt.NDArray[np.bool_] = shapely.intersects_xy(area, lon_array, np.asarray(lat, dtype=float))
    return result


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north in degrees; borders belong to it."""

    west: float
    south: float
    east: float
    north: float

    def meets(self, other: Box) -> bool:
        """Whether the two have a point in common."""
        apart = self.west > other.east or other.west > self.east
        return not (apart or self.south > other.north or other.south > self.north)


def box_of(area: shapely.Geometry) -> Box:
    """The smallest box around an area."""
    west, south, east, north = (float(bound) for bound in area.bounds)
    return Box(west, south, east, north)
