"""Tables of areas as people have them: GeoJSON feature collections, or CSV with outlines as WKT or GeoJSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shapely import from_wkt, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from changbei.compute import datum
from changbei.core.errors import Invalid, Problem
from changbei.network import codes

CODES = ("code", "adcode", "areacode", "gb", "代码", "行政区划代码", "区划代码")
NAMES = ("name", "名称", "行政区划名称", "区划名称")
OUTLINES = ("outline", "geometry", "wkt", "轮廓", "边界")
TRADITIONAL = ("name_zh_hant", "name:zh-hant", "繁体名称", "繁體名稱")
ENGLISH = ("name_en", "name:en", "英文名称", "英文名稱")
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Draft:
    """An area as read; `code` has its digits without the zeros that say nothing past the county."""

    code: str
    name: Mapping[str, str]
    outline: BaseGeometry


def read(data: bytes, filename: str, *, coordinates: str = datum.WGS84) -> list[Draft]:
    """All areas of a file, in WGS-84 whatever of `datum.NAMES` they are drawn in. Raises Invalid with every problem
    found, by row; nothing is taken in by halves."""
    text = _decoded(data)
    rows = _from_csv(text) if filename.lower().endswith((".csv", ".tsv", ".txt")) else _from_geojson(text)
    drafts: dict[str, Draft] = {}
    problems: list[Problem] = []
    for number, fields, outline in rows:
        try:
            draft = _draft(fields, outline)
            draft = replace(draft, outline=datum.shape_in_wgs84(coordinates, draft.outline))
            if draft.code in drafts:
                raise Invalid("code", f"{draft.code} occurs twice")
            drafts[draft.code] = draft
        except Invalid as error:
            problems += [Problem(f"{number}.{one.field}", one.message) for one in error.problems]
    if not drafts and not problems:
        problems.append(Problem("file", "no area in this file"))
    if problems:
        raise Invalid(problems=problems[:MOST_PROBLEMS])
    return list(drafts.values())


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("file", "neither UTF-8 nor GB 18030")


Rows = Iterator[tuple[int, dict[str, str], Any]]


def _from_geojson(text: str) -> Rows:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("file", f"not JSON: {error}") from None
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise Invalid("file", "a GeoJSON FeatureCollection is needed")
    for number, feature in enumerate(features, start=1):
        given = feature if isinstance(feature, dict) else {}
        properties = given.get("properties") or {}
        fields = {
            str(key).lower(): str(value).strip() for key, value in properties.items() if value is not None
        }
        if "id" in given:
            fields.setdefault("code", str(given["id"]))
        yield number, fields, given.get("geometry")


def _from_csv(text: str) -> Rows:
    csv.field_size_limit(64 * 1024 * 1024)  # outlines of coasts are long
    dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
    for number, row in enumerate(csv.DictReader(io.StringIO(text), dialect=dialect), start=2):
        fields = {str(key).strip().lower(): str(value or "").strip() for key, value in row.items() if key}
        yield number, fields, _first(fields, OUTLINES)


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _draft(fields: Mapping[str, str], outline: Any) -> Draft:
    return Draft(_code(_first(fields, CODES)), _name(fields), _outline(outline))


def _code(given: str) -> str:
    """The code as it is kept, without the zeros that say nothing."""
    meaning = codes.head(given)
    if not meaning:
        raise Invalid("code", f"{given!r}: an administrative code has 6 or 12 digits")
    return meaning


def _name(fields: Mapping[str, str]) -> dict[str, str]:
    simplified = _first(fields, NAMES)
    if not simplified:
        raise Invalid("name", "is missing")
    return {
        "zh-Hans": simplified,
        "zh-Hant": _first(fields, TRADITIONAL) or simplified,
        "en": _first(fields, ENGLISH) or simplified,
    }


def _outline(given: Any) -> BaseGeometry:
    """The surface as drawn, mended where it crosses itself."""
    try:
        if isinstance(given, str) and not given.lstrip().startswith("{"):
            drawn = from_wkt(given)
        else:
            drawn = shape(json.loads(given) if isinstance(given, str) else given)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, ShapelyError) as error:
        raise Invalid("outline", f"neither WKT nor GeoJSON: {error}") from None
    whole = _surface(make_valid(drawn))
    if whole.is_empty:
        raise Invalid("outline", f"a polygon is needed, not {drawn.geom_type}")
    west, south, east, north = whole.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise Invalid("outline", "longitude within ±180 and latitude within ±90: are they degrees?")
    return whole


def _surface(geometry: BaseGeometry) -> BaseGeometry:
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = [one for one in getattr(geometry, "geoms", ()) if one.geom_type == "Polygon"]
    parts += [
        one
        for many in getattr(geometry, "geoms", ())
        if many.geom_type == "MultiPolygon"
        for one in many.geoms
    ]
    return MultiPolygon(parts)
