"""Where a warning is: what it draws, and what it only names by administrative codes (E3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shapely import union_all
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from changbei.incidents import cap
from changbei.incidents.cap.geometry import surface, to_geojson
from changbei.network import areas

Json = dict[str, Any]

WIDER = {
    "zh-Hans": "区划代码{codes}没有轮廓，按所在区县处理",
    "zh-Hant": "區劃代碼{codes}沒有輪廓，按所在區縣處理",
    "en": "no outline is known for the code {codes}; the county it lies in was taken",
}


@dataclass(frozen=True)
class Place:
    """`geometry` is GeoJSON, None when the warning concerns no area we know; `remarks` as those of the reader."""

    geometry: Json | None
    remarks: tuple[Json, ...] = ()


def place_of(alert: cap.Alert) -> Place:
    """The union of the areas drawn, and of the outlines of those that are only given as codes."""
    undrawn = [area for info in alert.infos for area in info.areas if area.geometry is None]
    coded = [code for area in undrawn for code in area.geocodes]
    values = list(dict.fromkeys(code.value for code in coded))
    outline, named = areas.lookup(values)
    remarks = (_remark(named.wider),) if named.wider else ()
    if outline is None:
        return Place(alert.geometry, remarks)
    return Place(_with(alert.geometry, outline), remarks)


def _with(drawn: Mapping[str, Any] | None, outline: BaseGeometry) -> Json:
    shapes = [outline] if drawn is None else [shape(dict(drawn)), outline]
    return to_geojson(outline if len(shapes) == 1 else surface(union_all(shapes)))


def _remark(codes: tuple[str, ...]) -> Json:
    words = {language: text.replace("{codes}", ", ".join(codes)) for language, text in WIDER.items()}
    return {"code": "geocode-wider", "element": "geocode", "line": 0, "message": words}
