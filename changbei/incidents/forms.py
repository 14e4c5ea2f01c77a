"""Reports against the form of their procedure: its schema first, then whether the things named exist in this city."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from shapely.errors import ShapelyError
from shapely.geometry import shape

from changbei.core.errors import Invalid, Problem
from changbei.core.texts import Text
from changbei.network.models import Product, Retailer, Site, Vehicle
from changbei.plans import forms as plan_forms

MOST_AREA_POINTS = 20_000
BYTES_A_POINT = 16  # two doubles


def widgets(form: Mapping[str, Any]) -> dict[str, str]:
    """Field → what it names: vehicle, place, retailer, product-lines, area, system, photo, warning."""
    return {name: field["x-widget"] for name, field in _fields(form).items() if "x-widget" in field}


def first_choice(form: Mapping[str, Any], report: Mapping[str, Any]) -> Text:
    """The words of what was chosen in the first field that offers a choice; {} when none does."""
    for name, field in _fields(form).items():
        for option in field.get("oneOf", ()):
            if option.get("const") == report.get(name):
                title: Text = option.get("title", {})
                return title
    return {}


def filled(form: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the form's defaults and without the fields left empty."""
    defaults = {name: field["default"] for name, field in _fields(form).items() if "default" in field}
    return defaults | {name: value for name, value in data.items() if value is not None}


def check(form: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it will be kept. Raises Invalid with every problem, each with its field."""
    report = filled(form, data)
    problems = plan_forms.problems(form, report, language=get_language() or "zh-Hans")
    wrong = {problem.field.split(".")[0] for problem in problems}
    for name, field in _fields(form).items():
        if name in report and name not in wrong:
            problems += _wrong(name, field, report[name])
    if problems:
        raise Invalid(problems=problems)
    return report


def _fields(form: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    fields: Mapping[str, Mapping[str, Any]] = form.get("properties", {})
    return fields


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
