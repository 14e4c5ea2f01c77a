"""Reports against the form of their procedure: its schema first, then whether the things named exist in this city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language

from changbei.core.errors import Invalid
from changbei.core.texts import Text
from changbei.runs import things


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
    if problems := things.problems(form, report, language=get_language() or "zh-Hans"):
        raise Invalid(problems=problems)
    return report


def _fields(form: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    fields: Mapping[str, Mapping[str, Any]] = form.get("properties", {})
    return fields
