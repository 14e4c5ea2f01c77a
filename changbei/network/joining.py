"""Many areas against all customers and sites at once: who lies in which (E3.2).

One statement takes the customers inside the box around all areas from the index on longitude and latitude; the box of
each area then picks from arrays sorted by longitude, and the prepared outline decides. The join of all boxes in SQL
alone takes several times as long (`bench_areas`): a warning is wide, and its customers are a good part of the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from changbei.compute import geo
from changbei.network.models import Retailer, Site

GeoJson = Mapping[str, Any]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Concerned:
    """What lies in one area, its border included: ids of customers and sites, customers by line and by district."""

    retailers: Ints
    key: int
    vulnerable: int
    lines: Mapping[int, int]
    districts: Mapping[int, int]
    sites: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.retailers)


NOBODY = Concerned(np.empty(0, np.int64), 0, 0, {}, {}, ())


@dataclass(frozen=True, slots=True)
class Shops:
    """Active customers as columns, from west to east."""

    longitude: geo.FloatArray
    latitude: geo.FloatArray
    ids: Ints
    lines: Ints
    districts: Ints
    key: Flags
    vulnerable: Flags


def shops_in(box: geo.Box) -> Shops:
    """The active customers within a box; one statement on the index."""
    rows = (
        Retailer.objects.filter(
            active=True, longitude__range=(box.west, box.east), latitude__range=(box.south, box.north)
        )
        .order_by("longitude", "pk")
        .values_list("longitude", "latitude", "pk", "line_id", "district_id", "is_key", "is_vulnerable")
    )
    columns = np.array(list(rows), dtype=float).reshape(-1, 7).T
    ids, lines, districts = columns[2:5].astype(np.int64)
    key, vulnerable = columns[5:7].astype(bool)
    return Shops(columns[0], columns[1], ids, lines, districts, key, vulnerable)


def join(areas: Sequence[GeoJson]) -> list[Concerned]:
    """What lies in each of the areas (GeoJSON), in their order; the same area twice is tested once. Two statements.

    Raises Invalid for what is no polygon.
    """
    return join_shapes([geo.polygon(area) for area in areas])


def join_shapes(shapes: Sequence[shapely.Geometry]) -> list[Concerned]:
    """As `join`, of shapely polygons."""
    if not shapes:
        return []
    distinct = {shapely.to_wkb(one): one for one in shapes}
    boxes = [geo.box_of(one) for one in distinct.values()]
    shops = shops_in(_around(boxes))
    sites = list(Site.objects.order_by("pk").values_list("pk", "longitude", "latitude"))
    found = {
        key: _within(one, box, shops, sites) for (key, one), box in zip(distinct.items(), boxes, strict=True)
    }
    return [found[shapely.to_wkb(one)] for one in shapes]


def _around(boxes: Sequence[geo.Box]) -> geo.Box:
    return geo.Box(
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    )


def _within(
    area: shapely.Geometry, box: geo.Box, shops: Shops, sites: Sequence[tuple[int, float, float]]
) -> Concerned:
    inside = positions(area, box, shops)
    served = [pk for pk, longitude, latitude in sites if shapely.intersects_xy(area, longitude, latitude)]
    if not len(inside):
        return Concerned(NOBODY.retailers, 0, 0, {}, {}, tuple(served))
    return Concerned(
        shops.ids[inside],
        int(shops.key[inside].sum()),
        int(shops.vulnerable[inside].sum()),
        _counts(shops.lines[inside]),
        _counts(shops.districts[inside]),
        tuple(served),
    )


def positions(area: shapely.Geometry, box: geo.Box, shops: Shops) -> Ints:
    """Which of the shops, by their place in the columns, lie in the area."""
    first = int(np.searchsorted(shops.longitude, box.west, side="left"))
    last = int(np.searchsorted(shops.longitude, box.east, side="right"))
    latitude = shops.latitude[first:last]
    near = first + np.flatnonzero((latitude >= box.south) & (latitude <= box.north))
    if not len(near):
        return near
    inside = geo.points_in(area, shops.longitude[near], shops.latitude[near])
    found: Ints = near[inside]
    return found


def _counts(values: Ints) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(Counter(dict(zip(found.tolist(), counts.tolist(), strict=True))).most_common())
