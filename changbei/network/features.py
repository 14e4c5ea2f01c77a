"""The network as GeoJSON for the map: feature collections, names in one language. Read-only.

Everything here is the product's own data; the map asks nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from changbei.compute import geo
from changbei.core.texts import pick
from changbei.network.models import City, District, Place, Site, Street, Vehicle

Collection = dict[str, Any]
Feature = dict[str, Any]


def collection(features: Iterable[Feature]) -> Collection:
    return {"type": "FeatureCollection", "features": list(features)}


def point(longitude: float, latitude: float, properties: Mapping[str, Any], number: int) -> Feature:
    return feature({"type": "Point", "coordinates": [longitude, latitude]}, properties, number)


def feature(geometry: Mapping[str, Any], properties: Mapping[str, Any], number: int) -> Feature:
    return {"type": "Feature", "id": number, "geometry": dict(geometry), "properties": dict(properties)}


def districts(language: str) -> Collection:
    """Outlines with code and name."""
    rows = District.objects.order_by("pk")
    return collection(
        feature(row.outline, {"code": row.code, "name": pick(row.name, language)}, row.pk) for row in rows
    )


def streets() -> Collection:
    """All stretches of road of one rank as one MultiLineString each, trunk roads last so that they lie on top; named
    roads once more as lines of their own for their labels."""
    by_rank: dict[str, list[Any]] = {"minor": [], "main": [], "trunk": []}
    named: list[Feature] = []
    for number, name, rank, path in Street.objects.order_by("pk").values_list("pk", "name", "rank", "path"):
        by_rank.setdefault(rank, []).append(path)
        if name:
            line = {"type": "LineString", "coordinates": path}
            named.append(feature(line, {"rank": rank, "name": name, "label": True}, number))
    bundles = [
        feature({"type": "MultiLineString", "coordinates": paths}, {"rank": rank, "label": False}, -position)
        for position, (rank, paths) in enumerate(by_rank.items(), start=1)
        if paths
    ]
    return collection([*bundles, *named])


def places(language: str) -> Collection:
    """Towns and villages with kind and population, the biggest first."""
    rows = Place.objects.order_by("-population", "pk").values_list(
        "pk", "code", "name", "kind", "population", "longitude", "latitude"
    )
    return collection(
        point(
            longitude,
            latitude,
            {"code": code, "name": pick(name, language), "kind": kind, "population": population},
            number,
        )
        for number, code, name, kind, population, longitude, latitude in rows
    )


def sites(language: str) -> Collection:
    """The delivery centre and the transfer stations, with how many reserve vans are fit."""
    ready: dict[int, int] = {}
    for site in Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.FIT).values_list(
        "site_id", flat=True
    ):
        ready[site] = ready.get(site, 0) + 1
    return collection(
        point(
            row.longitude,
            row.latitude,
            {
                "code": row.code,
                "kind": row.kind,
                "name": pick(row.name, language),
                "reserves": ready.get(row.pk, 0),
            },
            row.pk,
        )
        for row in Site.objects.order_by("pk")
    )


def extent() -> list[float]:
    """West, south, east, north of the city: what the map shows first."""
    boxes = [
        geo.box_of(geo.polygon(outline)) for outline in District.objects.values_list("outline", flat=True)
    ]
    if not boxes:
        here = City.objects.get()
        return [here.longitude - 0.5, here.latitude - 0.5, here.longitude + 0.5, here.latitude + 0.5]
    return [
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    ]
