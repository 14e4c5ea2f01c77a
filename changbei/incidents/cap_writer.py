"""Writes CAP 1.2: a valid alert for an area, as a weather service would publish it. No Django."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from lxml import etree
from shapely import make_valid, set_precision
from shapely.geometry import Polygon

from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid, Problem
from changbei.incidents.cap.geometry import surface
from changbei.incidents.cap.parts import Geocode, GeoJson, Reference

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
DECIMALS = 5  # about a metre
_NOT_IN_IDENTITY = re.compile(r"[\s,<&]")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class WarningText:
    """What the alert says in one language."""

    language: str  # zh-CN, en-US …
    event: str
    headline: str
    description: str = ""
    instruction: str = ""
    area: str = ""
    sender_name: str = ""


@dataclass(frozen=True)
class NewWarning:
    """An alert to be written; `area` is a GeoJSON (Multi)Polygon, of which the outer rings count."""

    sender: str
    identifier: str
    sent: datetime
    texts: Sequence[WarningText]
    area: GeoJson | None
    effective: datetime
    expires: datetime
    status: str = "Actual"
    msg_type: str = "Alert"
    references: Sequence[Reference] = ()
    response_types: Sequence[str] = ()
    urgency: str = "Expected"
    severity: str = "Severe"
    certainty: str = "Likely"
    colour: str = ""
    category: str = "Met"
    onset: datetime | None = None
    web: str = ""  # a page with the same, for people
    geocodes: Sequence[Geocode] = field(default_factory=tuple)


def write(warning: NewWarning) -> bytes:
    """The alert as UTF-8 XML with its declaration. Raises Invalid for an identity that references could not repeat,
    or an end that is not after the beginning: nobody publishes what our own strict reader refuses.
    """
    if problems := _problems(warning):
        raise Invalid(problems=problems)
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap=cast(dict[str, str], {None: NAMESPACE}))
    _add(root, "identifier", warning.identifier)
    _add(root, "sender", warning.sender)
    _add(root, "sent", stamp(warning.sent))
    _add(root, "status", warning.status)
    _add(root, "msgType", warning.msg_type)
    _add(root, "scope", "Public")
    if warning.references:
        _add(root, "references", " ".join(_reference(reference) for reference in warning.references))
    for text in warning.texts:
        _info(root, warning, text)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _problems(warning: NewWarning) -> list[Problem]:
    found = [
        Problem(name, f"{value!r}: no white space, comma, < or &, and not empty")
        for name, value in (("sender", warning.sender), ("identifier", warning.identifier))
        if not value or _NOT_IN_IDENTITY.search(value)
    ]
    if warning.expires <= warning.effective:
        found.append(Problem("expires", "must be after effective"))
    if warning.msg_type != "Alert" and not warning.references:
        found.append(Problem("references", f"a message of type {warning.msg_type} says which one it follows"))
    return found


def _info(root: etree._Element, warning: NewWarning, text: WarningText) -> None:
    info = _add(root, "info")
    _add(info, "language", text.language)
    _add(info, "category", warning.category)
    _add(info, "event", text.event)
    for response in warning.response_types:
        _add(info, "responseType", response)
    _add(info, "urgency", warning.urgency)
    _add(info, "severity", warning.severity)
    _add(info, "certainty", warning.certainty)
    _add(info, "effective", stamp(warning.effective))
    if warning.onset:
        _add(info, "onset", stamp(warning.onset))
    _add(info, "expires", stamp(warning.expires))
    for name, words in (
        ("senderName", text.sender_name),
        ("headline", text.headline),
        ("description", text.description),
        ("instruction", text.instruction),
    ):
        if words:
            _add(info, name, words)
    if warning.web:
        _add(info, "web", warning.web)
    if warning.colour:
        _pair(info, "parameter", "ColorCode", warning.colour.capitalize())
    area = _add(info, "area")
    _add(area, "areaDesc", text.area or text.event)
    for ring in _rings(warning.area):
        _add(
            area,
            "polygon",
            " ".join(f"{latitude:.{DECIMALS}f},{longitude:.{DECIMALS}f}" for longitude, latitude in ring),
        )
    for code in warning.geocodes:
        _pair(area, "geocode", code.name, code.value)


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text:
        element.text = _NOT_IN_XML.sub("", text)
    return element


def _pair(parent: etree._Element, name: str, key: str, value: str) -> None:
    pair = _add(parent, name)
    _add(pair, "valueName", key)
    _add(pair, "value", value)


def _rings(area: GeoJson | None) -> list[list[tuple[float, float]]]:
    """Outer rings as they are written: rounded, closed and without crossings. CAP has no holes."""
    if area is None:
        return []
    polygons = [area["coordinates"]] if area["type"] == "Polygon" else area["coordinates"]
    rings = [polygon[0] for polygon in polygons if polygon]
    return [sound for ring in rings if len(ring) >= 3 for sound in _sound(ring)]


def _sound(ring: Sequence[Sequence[float]]) -> list[list[tuple[float, float]]]:
    """The ring, rounded; where that makes it cross itself or collapse, what is left of it."""
    drawn = Polygon(
        [(round(longitude, DECIMALS), round(latitude, DECIMALS)) for longitude, latitude, *_ in ring]
    )
    if drawn.is_valid:
        return [list(drawn.exterior.coords)]
    whole = surface(set_precision(make_valid(drawn), 10.0**-DECIMALS))
    parts = [one for one in getattr(whole, "geoms", [whole]) if not one.is_empty]
    return [list(one.exterior.coords) for one in parts]


def _reference(reference: Reference) -> str:
    sent = stamp(reference.sent) if reference.sent else ""
    return f"{reference.sender},{reference.identifier},{sent}"


def stamp(at: datetime) -> str:
    """A time as CAP asks for it, in the city's zone: 2026-11-23T09:40:00+08:00."""
    return at.astimezone(LOCAL).replace(microsecond=0).isoformat()
