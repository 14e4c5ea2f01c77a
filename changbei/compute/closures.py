"""The way around closed areas where no road network is at hand: along the outline of each area's convex hull.

Exact for one convex area on a plane: the shortest way between two points that a convex body keeps apart is a tangent, a
piece of its outline and a tangent. Several areas are gone around one after the other, and whoever is in a notch of one
leaves it along its side: longer than need be, never through.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from changbei.compute.geo import EARTH_RADIUS_METRES, ROWS_AT_ONCE, FloatArray, Floats, points_in

BoolArray = npt.NDArray[np.bool_]
Metres = npt.NDArray[np.float32]
TOUCHES_METRES = 1e-6
"""Grazing an outline by less than this is no crossing."""


def inside(areas: Sequence[shapely.Geometry], lon: Floats, lat: Floats) -> BoolArray:
    """(n,) whether a point lies in one of the areas."""
    found = np.zeros(len(lon), dtype=np.bool_)
    for area in areas:
        found |= points_in(area, lon, lat)
    return found


def metres_to_edge(area: shapely.Geometry, lon: Floats, lat: Floats) -> FloatArray:
    """(n,) straight metres from each point to the area's outline: what is left to drive out of it."""
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if not len(lon_array):
        return np.zeros(0)
    scale = np.radians(1) * EARTH_RADIUS_METRES
    narrow = np.array([np.cos(np.radians(float(lat_array.mean()))), 1.0]) * scale
    edge = shapely.transform(shapely.boundary(area), lambda corners: corners * narrow)
    found: FloatArray = shapely.distance(
        edge, shapely.points(np.stack([lon_array, lat_array], axis=1) * narrow)
    )
    return found


def around_metres(areas: Sequence[shapely.Geometry], lon: Floats, lat: Floats) -> Metres:
    """(n, n) metres that the straight way from each point to each grows by when nobody drives into the areas.

    Who is inside an area gets out of it and into it straight: 0 to and from such points.
    """
    lon_array, lat_array = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    extra = np.zeros((len(lon_array), len(lon_array)), dtype=np.float32)
    parts = [part for area in areas for part in shapely.get_parts(area)]
    if not parts or not len(lon_array):
        return extra
    scale = np.radians(1) * EARTH_RADIUS_METRES
    narrow = np.cos(np.radians(float(lat_array.mean())))
    points = np.stack([lon_array * narrow, lat_array], axis=1) * scale
    for part in parts:
        hull = shapely.convex_hull(part)
        outline = np.array(hull.exterior.coords)[:-1] * [narrow * scale, scale]
        if not hull.exterior.is_ccw:
            outline = outline[::-1]
        free = ~points_in(hull, lon_array, lat_array)
        extra[np.ix_(free, free)] += _around(points[free], outline)
        notched = ~free & ~points_in(part, lon_array, lat_array)
        if notched.any():
            area = shapely.transform(part, lambda corners: corners * [narrow * scale, scale])
            _leave_notches(extra, points, free, notched, area)
    return extra


def _leave_notches(
    extra: Metres,
    points: FloatArray,
    free: BoolArray,
    notched: BoolArray,
    area: shapely.Polygon,
) -> None:
    """Add what those in a notch of the area drive more, to and from each other and everybody outside its hull: along
    the notch's side to one of its ends, on around the hull."""
    shapely.prepare(area)
    outline = _rim(area)
    ends = np.concatenate([outline, points[free]])
    beyond = _around(ends, outline)[: len(outline)] + _apart(outline, ends)
    out = _ways_out(points[notched], area, outline)
    onward = np.min(out[:, :, None] + beyond[None], axis=1)
    inward = np.min(onward[:, None, : len(outline)] + out[None], axis=2)
    there = np.flatnonzero(free)
    these = np.flatnonzero(notched)
    for row, point in enumerate(these):
        others = np.concatenate([there, these])
        straight = _apart(points[[point]], points[others])[0]
        way = np.concatenate([onward[row, len(outline) :], inward[row]])
        seen = _in_sight(area, points[point], points[others]) | ~np.isfinite(way)
        longer = np.where(seen, 0.0, np.maximum(way - straight, 0.0))
        extra[point, others] += longer
        extra[there, point] += longer[: len(there)]


def _rim(area: shapely.Polygon) -> FloatArray:
    """The area's corners on the outline of its hull, counter-clockwise."""
    ring = shapely.get_exterior_ring(shapely.convex_hull(area))
    ring = ring if ring.is_ccw else shapely.reverse(ring)
    corners = np.array(area.exterior.coords)
    corners = corners[shapely.distance(ring, shapely.points(corners)) < TOUCHES_METRES]
    along = shapely.line_locate_point(ring, shapely.points(corners))
    found: FloatArray = corners[np.unique(along, return_index=True)[1]]
    return found


def _ways_out(points: FloatArray, area: shapely.Polygon, outline: FloatArray) -> FloatArray:
    """(m, corners) metres from a point in a notch to the corners of the outline at its ends: straight where they are in
    sight, else straight to the notch's side, and along that. Infinite to the others, and out of a hole."""
    notches = shapely.get_parts(shapely.difference(shapely.convex_hull(area), area))
    notch = np.argmin(shapely.distance(shapely.points(points)[:, None], notches[None, :]), axis=1)
    found = np.full((len(points), len(outline)), np.inf)
    corners = shapely.points(outline)
    for number in np.unique(notch).tolist():
        side = shapely.get_exterior_ring(notches[number])
        here = shapely.points(points[notch == number])
        ends = np.flatnonzero(shapely.distance(side, corners) < TOUCHES_METRES)
        along = np.abs(
            shapely.line_locate_point(side, here)[:, None]
            - shapely.line_locate_point(side, corners[ends])[None, :]
        )
        along = np.minimum(along, shapely.length(side) - along)
        sight = np.stack([_in_sight(area, point, outline[ends]) for point in points[notch == number]])
        straight = _apart(points[notch == number], outline[ends])
        by_side = shapely.distance(side, here)[:, None] + along
        found[np.ix_(notch == number, ends)] = np.where(sight, straight, by_side)
    return found


def _apart(some: FloatArray, others: FloatArray) -> FloatArray:
    found: FloatArray = np.linalg.norm(some[:, None] - others[None, :], axis=2)
    return found


def _in_sight(area: shapely.Polygon, point: FloatArray, others: FloatArray) -> BoolArray:
    """(n,) whether the straight way from a point to each of the others stays out of the area."""
    ways = shapely.linestrings(np.stack([np.broadcast_to(point, others.shape), others], axis=1))
    found: BoolArray = ~shapely.crosses(area, ways)
    return found


def _around(points: FloatArray, outline: FloatArray) -> Metres:
    """(n, n) extra metres around one convex outline, counter-clockwise, of points outside it."""
    if not len(points):
        return np.zeros((0, 0), dtype=np.float32)
    left, right = _tangents(points, outline)
    to_left = np.linalg.norm(outline[left] - points, axis=1)
    to_right = np.linalg.norm(outline[right] - points, axis=1)
    sides = np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1)
    along, whole = np.concatenate([[0.0], np.cumsum(sides)[:-1]]), float(sides.sum())
    sees = _in_cone(points, outline, left, right)
    extra = np.zeros((len(points), len(points)), dtype=np.float32)
    for first in range(0, len(points), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        apart = sees[rows] & sees.T[rows]
        clockwise = to_left[rows, None] + (along[left[rows], None] - along[right[None, :]]) % whole + to_right
        other = to_right[rows, None] + (along[left[None, :]] - along[right[rows], None]) % whole + to_left
        straight = np.linalg.norm(points[rows, None] - points[None, :], axis=2)
        extra[rows] = np.where(apart, np.maximum(np.minimum(clockwise, other) - straight, 0.0), 0.0)
    return extra


def _tangents(points: FloatArray, outline: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Per point the corners of the outline farthest to its left and to its right."""
    middle = outline.mean(axis=0) - points
    corner = outline[None, :] - points[:, None]
    turn = middle[:, None, 0] * corner[..., 1] - middle[:, None, 1] * corner[..., 0]
    ahead = (middle[:, None] * corner).sum(axis=2)
    angle = np.arctan2(turn, ahead)
    return np.argmax(angle, axis=1), np.argmin(angle, axis=1)


def _in_cone(
    points: FloatArray, outline: FloatArray, left: npt.NDArray[np.intp], right: npt.NDArray[np.intp]
) -> BoolArray:
    """(n, n) whether the point of the column stands, seen from that of the row, where the outline stands: before or
    behind it. Two points that see each other so have it between them."""
    to_left, to_right = outline[left] - points, outline[right] - points
    found = np.empty((len(points), len(points)), dtype=np.bool_)
    reach = TOUCHES_METRES * np.maximum(np.linalg.norm(to_left, axis=1), np.linalg.norm(to_right, axis=1))
    for first in range(0, len(points), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        to = points[None, :] - points[rows, None]
        off_left = to_left[rows, None, 0] * to[..., 1] - to_left[rows, None, 1] * to[..., 0]
        off_right = to_right[rows, None, 0] * to[..., 1] - to_right[rows, None, 1] * to[..., 0]
        found[rows] = (off_left < -reach[rows, None]) & (off_right > reach[rows, None])
    return found
