"""Polygons and circles of CAP as GeoJSON. CAP writes latitude first, GeoJSON longitude first."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence

import numpy as np
from shapely import (
    STRtree,
    from_geojson,
    get_coordinates,
    get_num_coordinates,
    get_rings,
    linestrings,
    make_valid,
    union_all,
)
from shapely import to_geojson as as_geojson
from shapely.geometry import GeometryCollection, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from changbei.incidents.cap.parts import GeoJson

Note = Callable[..., None]  # note(code, **values)

EARTH_KM = 6371.0088
LARGEST_RADIUS_KM = 5000.0  # a quarter of the way round: beyond it a circle is no warning area
CIRCLE_CORNERS = 64
MOST_MEETINGS = 5_000  # of the edges of one polygon: mended in a twentieth of a second
MOST_MEETINGS_TOGETHER = 100_000  # of an alert
SAMPLED_EDGES = 200
DECIMALS = 6  # a tenth of a metre
_NUMBER = r"[+-]?\d{1,3}(?:\.\d{0,30})?"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_LOOSE_COMMA = re.compile(r"\s*[,，]\s*")
_CIRCLE = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})\s+([+-]?\d{{1,6}}(?:\.\d{{0,30}})?)")


class Budget:
    """How much tangled line an alert may have mended; nobody is kept waiting by a file made for that."""

    def __init__(self) -> None:
        self.left = float(MOST_MEETINGS_TOGETHER)

    def allows(self, meetings: float) -> bool:
        if meetings > min(MOST_MEETINGS, self.left):
            return False
        self.left -= meetings
        return True


def polygon(text: str, note: Note, budget: Budget | None = None) -> BaseGeometry | None:
    """`lat,lon lat,lon …` closed; None, with a note, when it cannot be read."""
    pairs = _pairs(text, note)
    if pairs is None:
        return None
    if any(abs(first) > 90 for first, _ in pairs) and all(abs(second) <= 90 for _, second in pairs):
        note("polygon-swapped")
        pairs = [(second, first) for first, second in pairs]
    if any(abs(latitude) > 90 or abs(longitude) > 360 for latitude, longitude in pairs):
        note("polygon-range")
        return None
    if any(abs(longitude) > 180 for _, longitude in pairs):
        note("polygon-beyond")  # it crosses the date line and runs on
    if pairs[0] != pairs[-1] and len(pairs) >= 3:
        note("polygon-open")
        pairs.append(pairs[0])
    if len(pairs) < 4:
        note("polygon-few")
        return None
    drawn = Polygon([(longitude, latitude) for latitude, longitude in pairs])
    return _mended(drawn, note, budget or Budget())


def _pairs(text: str, note: Note) -> list[tuple[float, float]] | None:
    """The pairs as written; `lat,lon, lat,lon` and `lat, lon lat, lon` are read too, with a note."""
    words = text.split()
    if not words:
        note("empty", name="polygon")
        return None
    matches = [_PAIR.fullmatch(word) for word in words]
    if not all(matches):
        matches = [_PAIR.fullmatch(word.strip(",，")) for word in words]
        if not all(matches):
            matches = [_PAIR.fullmatch(word) for word in _LOOSE_COMMA.sub(",", text.strip()).split()]
        if all(matches):
            note("polygon-separators")
    pairs = [(float(match[1]), float(match[2])) for match in matches if match]
    if len(pairs) < len(matches):
        note("polygon-pair", value=next(word for word, match in zip(words, matches) if not match))
        return None
    return pairs


def _mended(drawn: Polygon, note: Note, budget: Budget) -> BaseGeometry | None:
    if not drawn.is_valid:
        if budget.allows(_meetings([drawn])):
            note("polygon-crossing")
        else:  # mending would take minutes; a larger area warns too many, not too few
            note("polygon-hull", points=len(drawn.exterior.coords))
            drawn = drawn.convex_hull
    flat = surface(drawn if drawn.is_valid else make_valid(drawn, method="structure", keep_collapsed=False))
    if flat.is_empty:
        note("polygon-empty")
        return None
    return flat


def _meetings(shapes: Sequence[BaseGeometry]) -> float:
    """About how many pairs of edges have boxes that meet, neighbours left out, from a sample of edges."""
    corners, ring = get_coordinates(get_rings(shapes), return_index=True)
    inside = ring[:-1] == ring[1:]
    edges = linestrings(np.stack([corners[:-1][inside], corners[1:][inside]], axis=1))
    sample = edges[:: max(1, len(edges) // SAMPLED_EDGES)]
    met = STRtree(edges).query(sample).shape[1] - 3 * len(sample)  # itself and its two neighbours
    return max(0.0, float(met) * len(edges) / len(sample) / 2)


def circle(text: str, note: Note) -> BaseGeometry | None:
    """`lat,lon radius` with the radius in kilometres, as a polygon of 64 corners on the sphere."""
    if not text.strip():
        note("empty", name="circle")
        return None
    match = _CIRCLE.fullmatch(text.strip())
    if not match:
        note("circle-shape", value=text.strip())
        return None
    latitude, longitude, radius_km = (float(part) for part in match.groups())
    if 90 < abs(latitude) <= 180 and abs(longitude) <= 90:
        note("circle-swapped")
        latitude, longitude = longitude, latitude
    if abs(latitude) > 90 or abs(longitude) > 180:
        note("circle-shape", value=text.strip())
        return None
    if radius_km == 0:
        note("circle-point")
        return None
    if not 0 < radius_km <= LARGEST_RADIUS_KM:
        note("circle-radius", value=match[3])
        return None
    drawn = Polygon(_corners(latitude, longitude, radius_km))
    return surface(drawn if drawn.is_valid else make_valid(drawn))


def _corners(latitude: float, longitude: float, radius_km: float) -> list[tuple[float, float]]:
    """Points at `radius_km` from the centre at equal bearings; longitudes run on beyond ±180."""
    angle, phi = radius_km / EARTH_KM, math.radians(latitude)
    corners = []
    for step in range(CIRCLE_CORNERS):
        bearing = 2 * math.pi * step / CIRCLE_CORNERS
        sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing)
        across = math.atan2(
            math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine
        )
        north = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
        corners.append((round(longitude + math.degrees(across), DECIMALS), round(north, DECIMALS)))
    return corners


def surface(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry, without the lines and points that mending or cutting leaves behind."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = [part for part in getattr(geometry, "geoms", []) if part.geom_type in ("Polygon", "MultiPolygon")]
    return union_all(parts) if parts else MultiPolygon()


def joined(shapes: Sequence[BaseGeometry], note: Note | None = None) -> GeoJson | None:
    """The union of shapes as GeoJSON, None when there is none or nothing is left of them.

    Of more crossings than anybody draws only the hull is taken, with a note.
    """
    if not shapes:
        return None
    if len(shapes) > 1 and _meetings(shapes) > MOST_MEETINGS_TOGETHER:
        if note is not None:
            note("area-hull", points=int(get_num_coordinates(list(shapes)).sum()))
        shapes = [GeometryCollection(list(shapes)).convex_hull]
    whole = shapes[0] if len(shapes) == 1 else surface(union_all(list(shapes)))
    return None if whole.is_empty else to_geojson(whole)


def united(geometries: Sequence[GeoJson | None]) -> GeoJson | None:
    """The union of GeoJSON geometries, None when there is none."""
    given: list[GeoJson] = []
    for geometry in geometries:
        if geometry and geometry not in given:  # each language of an alert repeats the same area
            given.append(geometry)
    if len(given) == 1:
        return given[0]
    return joined([from_geojson(json.dumps(geometry)) for geometry in given])


def to_geojson(geometry: BaseGeometry) -> GeoJson:
    """GeoJSON with plain lists, as JSON columns give it back."""
    drawn: GeoJson = json.loads(as_geojson(geometry))
    return drawn
