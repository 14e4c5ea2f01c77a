"""1,000 warnings against 50,000 customers: who lies in which, by district, line and site (E3.2).

Ours beside: all boxes joined in SQL on the same index and then the same exact test; the exact test of every customer
with prepared outlines and no index; and the plain loop that asks shapely about each customer in turn (its points are
made beforehand), on a few of the areas and scaled. Seconds are CPU of this process and of PostgreSQL together, so
that other work on the machine does not count. A third of the warnings name a county, as many in China do; the rest
are drawn: storms of all sizes, some of them elsewhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import shapely
from django.db import connection

from changbei.compute import geo
from changbei.network import joining, loading
from changbei.network.city import CitySpec, make
from changbei.network.models import District

Result = TypeVar("Result")

RETAILERS, WARNINGS, PLAIN = 50_000, 1_000, 5
SIZES = (0.02, 0.05, 0.1, 0.3)  # degrees
CORNERS = 200
IN_SQL = """
SELECT n, string_agg(int8send(r.id) || float8send(r.longitude) || float8send(r.latitude), '')
FROM unnest(%s::float8[], %s::float8[], %s::float8[], %s::float8[])
     WITH ORDINALITY AS area(west, south, east, north, n)
JOIN network_retailer r ON r.longitude BETWEEN west AND east AND r.latitude BETWEEN south AND north AND r.active
GROUP BY n
"""
SHOP = np.dtype([("id", ">i8"), ("longitude", ">f8"), ("latitude", ">f8")])


def run() -> list[dict[str, Any]]:
    loading.load(make(CitySpec(retailers=RETAILERS, roster_weeks=1)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE network_retailer")
    areas = drawn()
    ours, found = spent(lambda: joining.join_shapes(areas))
    pairs = sum(one.count for one in found)
    in_sql, by_sql = spent(lambda: joined_in_sql(areas))
    shops = joining.shops_in(geo.Box(-180.0, -90.0, 180.0, 90.0))
    fresh = [shapely.from_wkb(shapely.to_wkb(area)) for area in areas]
    everyone, by_all = spent(lambda: sum(len(all_points(area, shops)) for area in fresh))
    step = WARNINGS // PLAIN
    few = [shapely.from_wkb(shapely.to_wkb(area)) for area in areas[::step]]
    points = list(shapely.points(shops.longitude, shops.latitude))
    plain, by_loop = spent(lambda: [plain_loop(area, points) for area in few])
    plain *= WARNINGS / len(few)
    if not pairs == by_sql == by_all or by_loop != [one.count for one in found[::step]]:
        raise ValueError(f"different answers: {pairs}, {by_sql}, {by_all}, {by_loop}")
    size = f"{WARNINGS:,} × {RETAILERS:,}: {pairs:,} pairs, exact, by line and district"
    one, _ = spent(lambda: joining.join_shapes(areas[:1]))
    return [
        row("who lies in which warning", ours, size),
        row("the same for one warning", one, "a county; what a page or an arriving file costs"),
        row(
            "peer: boxes joined in SQL",
            in_sql,
            f"same index, same exact test; {in_sql / ours:.1f} times ours",
        ),
        row(
            "peer: prepared, no index",
            everyone,
            f"every customer in every outline; {everyone / ours:.1f} times ours",
        ),
        row(
            "peer: plain shapely loop",
            plain,
            f"scaled from {len(few)} of them; {plain / ours:.0f} times ours",
        ),
    ]


def row(name: str, seconds: float, note: str) -> dict[str, Any]:
    return {"name": name, "value": seconds, "unit": "s CPU", "note": note}


def drawn() -> list[shapely.Geometry]:
    """Counties of the city, and storms with 200 corners in and around it; the same every time."""
    counties = [
        geo.polygon(outline) for outline in District.objects.order_by("pk").values_list("outline", flat=True)
    ]
    west, south, east, north = shapely.total_bounds(counties)
    random = np.random.default_rng(20261121)
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    found = []
    for number in range(WARNINGS):
        if number % 3 == 0:
            found.append(counties[number % len(counties)])
            continue
        x, y = random.uniform(west - 0.5, east + 0.5), random.uniform(south - 0.5, north + 0.5)
        size = random.choice(SIZES) * (1 + 0.3 * np.sin(5 * turn) + 0.1 * random.normal(size=CORNERS))
        storm = shapely.Polygon(np.c_[x + size * np.cos(turn), y + size * np.sin(turn)])
        found.append(storm if storm.is_valid else storm.buffer(0))
    return found


def joined_in_sql(areas: list[shapely.Geometry]) -> int:
    """The number of pairs; PostgreSQL joins the boxes on its index and sends what may lie inside."""
    with connection.cursor() as cursor:
        cursor.execute(IN_SQL, [list(map(float, side)) for side in shapely.bounds(areas).T])
        pairs = 0
        for number, packed in cursor:
            near = np.frombuffer(bytes(packed), dtype=SHOP)
            area = areas[number - 1]
            shapely.prepare(area)
            inside = shapely.intersects_xy(
                area, near["longitude"].astype(float), near["latitude"].astype(float)
            )
            pairs += int(inside.sum())
        return pairs


def all_points(area: shapely.Geometry, shops: joining.Shops) -> Any:
    shapely.prepare(area)
    return np.flatnonzero(shapely.intersects_xy(area, shops.longitude, shops.latitude))


def plain_loop(area: shapely.Geometry, points: list[shapely.Point]) -> int:
    return sum(area.intersects(point) for point in points)


def spent(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of this process and of its PostgreSQL backend, and the result."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    before = time.process_time() + backend_seconds(backend)
    result = work()
    return time.process_time() + backend_seconds(backend) - before, result


def backend_seconds(pid: int) -> float:
    """CPU of another process; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
