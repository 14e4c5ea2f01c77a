"""Chinese map coordinates (GCJ-02, BD-09) and the world's (WGS-84): converted where data come in and go out, nowhere
else.

Inside the product every position is WGS-84. GCJ-02 moves points within China by up to 700 m; the shift is a published
series of sines, without an exact inverse: `to_wgs84` iterates until it is off by less than a millimetre. BD-09 moves
GCJ-02 once more, by up to 1.5 km.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from changbei.compute.geo import FloatArray, Floats
from changbei.core.errors import Invalid

WGS84, GCJ02, BD09 = "wgs84", "gcj02", "bd09"
NAMES = (WGS84, GCJ02, BD09)
"""World (GPS), Chinese maps in general, Baidu's."""

AXIS_METRES = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""Outside of this box GCJ-02 is WGS-84."""
ROUNDS = 6
"""The error shrinks to about a hundredth each time: from 700 m to far below a millimetre."""


def into_wgs84(name: str, lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """Degrees of a coordinate system of NAMES as WGS-84. Raises `Invalid` for another name."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if name == WGS84:
        return lon_array, lat_array
    if name == GCJ02:
        return to_wgs84(lon_array, lat_array)
    if name == BD09:
        return to_wgs84(*_undone(_to_bd09, lon_array, lat_array))
    raise Invalid("datum", f"{name!r}: {', '.join(NAMES)}")


def out_of_wgs84(name: str, lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """WGS-84 degrees in a coordinate system of NAMES. Raises `Invalid` for another name."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if name == WGS84:
        return lon_array, lat_array
    if name == GCJ02:
        return to_gcj02(lon_array, lat_array)
    if name == BD09:
        return _to_bd09(*to_gcj02(lon_array, lat_array))
    raise Invalid("datum", f"{name!r}: {', '.join(NAMES)}")


def shape_in_wgs84(name: str, shape: shapely.Geometry) -> shapely.Geometry:
    """The same for every corner of a shape."""
    if name == WGS84:
        return shape
    return shapely.transform(shape, lambda corners: np.stack(into_wgs84(name, *corners.T), axis=1))


def _to_bd09(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """GCJ-02 degrees as Baidu draws them; outside of China's box as they are."""
    wave = np.pi * 3000 / 180
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * wave)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * wave)
    within = _in_china(lon, lat)
    return (
        np.where(within, radius * np.cos(angle) + 0.0065, lon),
        np.where(within, radius * np.sin(angle) + 0.006, lat),
    )


Moved = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def _undone(moved: Moved, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What was moved to these degrees: the error shrinks to about a hundredth each time."""
    lon_true, lat_true = lon, lat
    for _ in range(ROUNDS):
        lon_there, lat_there = moved(lon_true, lat_true)
        lon_true, lat_true = lon_true + lon - lon_there, lat_true + lat - lat_there
    return lon_true, lat_true


def to_gcj02(lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """WGS-84 degrees as a Chinese map draws them."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    east, north = _shift(lon_array, lat_array)
    return lon_array + east, lat_array + north


def to_wgs84(lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """What a Chinese map shows as WGS-84 degrees."""
    return _undone(to_gcj02, np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))


def _in_china(lon: FloatArray, lat: FloatArray) -> npt.NDArray[np.bool_]:
    return (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)


def _shift(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Degrees by which GCJ-02 lies east and north of WGS-84; 0 outside of China's box."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    short = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + short
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    flat = np.radians(lat)
    curve = 1 - ECCENTRICITY_SQUARED * np.sin(flat) ** 2
    meridian = AXIS_METRES * (1 - ECCENTRICITY_SQUARED) / (curve * np.sqrt(curve))
    parallel = AXIS_METRES / np.sqrt(curve) * np.cos(flat)
    within = _in_china(lon, lat)
    return (
        np.where(within, np.degrees(east / parallel), 0.0),
        np.where(within, np.degrees(north / meridian), 0.0),
    )
