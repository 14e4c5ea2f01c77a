"""Filled forms against their schema, and whether the things they name exist in this city."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from shapely.errors import ShapelyError
from shapely.geometry import shape

from changbei.core.errors import Problem
from changbei.network.models import Product, Retailer, Site, Vehicle
from changbei.people.models import Person
from changbei.plans import forms

MOST_AREA_POINTS = 20_000
BYTES_A_POINT = 16  # two doubles


def problems(form: Mapping[str, Any], data: Mapping[str, Any], *, language: str = "en") -> list[Problem]:
    """What is wrong with a filled form, each with its field: first its schema, then whether the van, shop, site,
    product, colleague or area is there.
    """
    found = forms.problems(form, data, language=language)
    wrong = {problem.field.split(".")[0] for problem in found}
    for name, field in form.get("properties", {}).items():
        if name in data and name not in wrong:
            found += _wrong(name, field, data[name])
    return found


def _wrong(name: str, field: Mapping[str, Any], value: Any) -> list[Problem]:
    """What is wrong with a value that has the right shape."""
    if field.get("format") == "date-time" and not _is_moment(value):
        return [Problem(name, _("A time with its zone is needed, e.g. 2026-11-23T09:40+08:00."))]
    match field.get("x-widget"):
        case "vehicle" if not Vehicle.objects.filter(number=value).exists():
            return [Problem(name, _("There is no van %(number)s.") % {"number": value})]
        case "retailer" if not Retailer.objects.filter(licence_no=value).exists():
            return [Problem(name, _("There is no customer with licence %(number)s.") % {"number": value})]
        case "site" if not Site.objects.filter(code=value).exists():
            return [Problem(name, _("There is no site %(code)s.") % {"code": value})]
        case "product" if not Product.objects.filter(code=value, active=True).exists():
            return [Problem(name, _("There is no product %(code)s.") % {"code": value})]
        case "person" if not Person.objects.filter(staff_no=value, active=True).exists():
            return [Problem(name, _("Nobody has this staff number."))]
        case "product-lines":
            return _wrong_products(name, value)
        case "area":
            return _wrong_area(name, value)
    return []


def _is_moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _wrong_products(name: str, lines: list[dict[str, Any]]) -> list[Problem]:
    codes = [str(line.get("product")) for line in lines]
    known = set(Product.objects.filter(code__in=codes, active=True).values_list("code", flat=True))
    return [
        Problem(f"{name}.{number}.product", _("There is no product %(code)s.") % {"code": code})
        for number, code in enumerate(codes)
        if code not in known
    ]


def _wrong_area(name: str, value: Any) -> list[Problem]:
    """A GeoJSON Polygon or MultiPolygon that encloses something."""
    try:
        drawn = shape(value)
        good = drawn.geom_type in ("Polygon", "MultiPolygon") and drawn.area > 0 and drawn.is_valid
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return [Problem(name, _("This is not an area on the map."))]
    if not good:
        return [Problem(name, _("This is not an area on the map."))]
    if len(drawn.wkb) > MOST_AREA_POINTS * BYTES_A_POINT:
        return [Problem(name, _("This area has more than %(limit)s points.") % {"limit": MOST_AREA_POINTS})]
    return []
