"""Distances, driving times and areas on WGS-84 degrees, on whole arrays.

Driving times without a road network: great-circle distance, a detour factor, and a speed that grows with the
distance. Calibrated to a prefecture city: about 20 km/h from door to door, 55 km/h on long stretches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

Degrees = Sequence[float] | npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int32]

EARTH_METRES = 6_371_009.0
DETOUR = 1.3
_ROAD_METRES = (0.0, 500.0, 5_000.0, 20_000.0, 60_000.0)
_DRIVE_SECONDS = (0.0, 85.0, 520.0, 1_520.0, 4_150.0)


def metres(from_lon: Degrees, from_lat: Degrees, to_lon: Degrees, to_lat: Degrees) -> npt.NDArray[np.float64]:
    """Great-circle metres between positions; the arrays are broadcast against each other (haversine)."""
    lon1, lat1, lon2, lat2 = (np.radians(np.asarray(a, dtype=np.float64)) for a in (from_lon, from_lat, to_lon, to_lat))
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    distance: npt.NDArray[np.float64] = 2 * EARTH_METRES * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return distance


def drive_seconds(straight_metres: npt.NDArray[np.float64]) -> Seconds:
    """Driving seconds over straight-line distances, any shape; beyond 60 km of road at the last stretch's speed."""
    road = np.asarray(straight_metres) * DETOUR
    beyond = np.maximum(road - _ROAD_METRES[-1], 0) * (4_150 - 1_520) / 40_000
    return np.rint(np.interp(road, _ROAD_METRES, _DRIVE_SECONDS) + beyond).astype(np.int32)


def travel_seconds(longitudes: Degrees, latitudes: Degrees) -> Seconds:
    """(n, n) driving seconds [from, to] between all positions, zero on the diagonal."""
    lon, lat = np.asarray(longitudes, dtype=np.float64), np.asarray(latitudes, dtype=np.float64)
    return drive_seconds(metres(lon[:, None], lat[:, None], lon[None, :], lat[None, :]))


def leg_seconds(longitudes: Degrees, latitudes: Degrees) -> Seconds:
    """(n - 1,) driving seconds from each position to the next."""
    lon, lat = np.asarray(longitudes, dtype=np.float64), np.asarray(latitudes, dtype=np.float64)
    return drive_seconds(metres(lon[:-1], lat[:-1], lon[1:], lat[1:]))


def geometry(geojson: Mapping[str, Any]) -> BaseGeometry:
    """The shape of a GeoJSON geometry; ValueError when it is none, or empty."""
    try:
        found: BaseGeometry = shape(dict(geojson))
    except (KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as wrong:
        raise ValueError(f"not a GeoJSON geometry: {wrong}") from None
    if found.is_empty:
        raise ValueError("the geometry is empty")
    return found if found.is_valid else shapely.make_valid(found)


def inside(area: BaseGeometry, longitudes: Degrees, latitudes: Degrees) -> npt.NDArray[np.bool_]:
    """(n,) whether each position lies in the area or on its edge."""
    shapely.prepare(area)
    found: npt.NDArray[np.bool_] = shapely.intersects_xy(area, np.asarray(longitudes), np.asarray(latitudes))
    return found
