"""Chinese map coordinates (GCJ-02) and the world's (WGS-84): converted where data come in and go out, nowhere else.

Inside the product every position is WGS-84. GCJ-02 moves points within China by up to 700 m; the shift is a published
series of sines, without an exact inverse: `to_wgs84` iterates until it is off by less than a millimetre.
"""

from __future__ import annotations

import numpy as np

from changbei.compute.geo import FloatArray, Floats

AXIS_METRES = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""Outside of this box GCJ-02 is WGS-84."""
ROUNDS = 6
"""The error shrinks to about a hundredth each time: from 700 m to far below a millimetre."""


def to_gcj02(lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """WGS-84 degrees as a Chinese map draws them."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    east, north = _shift(lon_array, lat_array)
    return lon_array + east, lat_array + north


def to_wgs84(lon: Floats, lat: Floats) -> tuple[FloatArray, FloatArray]:
    """What a Chinese map shows as WGS-84 degrees."""
    lon_drawn, lat_drawn = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    lon_true, lat_true = lon_drawn, lat_drawn
    for _ in range(ROUNDS):
        east, north = _shift(lon_true, lat_true)
        lon_true, lat_true = lon_drawn - east, lat_drawn - north
    return lon_true, lat_true


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
    within = (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)
    return (
        np.where(within, np.degrees(east / parallel), 0.0),
        np.where(within, np.degrees(north / meridian), 0.0),
    )
