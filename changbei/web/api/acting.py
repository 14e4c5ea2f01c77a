"""Who acts through the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid, NotAllowed
from changbei.incidents import forms
from changbei.people.access import person_of
from changbei.people.models import Person

AREA = {
    "type": "object",
    "required": ["area"],
    "properties": {"area": {"type": "object", "x-widget": "area", "title": {"en": "Area"}}},
}


def actor(request: HttpRequest) -> Person:
    """The person behind the key; NotAllowed for an account that belongs to nobody."""
    person = person_of(request.user)
    if person is None:
        raise NotAllowed(gettext_noop("this key belongs to nobody on the staff"))
    return person


def checked_area(area: dict[str, Any]) -> dict[str, Any]:
    """A GeoJSON Polygon or MultiPolygon that encloses something; Invalid("area") for anything else."""
    found = forms.check(AREA, {"area": area})["area"]
    if not isinstance(found, dict):
        raise Invalid("area", gettext_noop("is not an area"))
    return found
