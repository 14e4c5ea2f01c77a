"""What simulated colleagues fill in: a value for every field that a form asks for, out of what they know."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.incidents.forecasts import DAYS_AHEAD, Day, Draft

SOON = timedelta(minutes=10)


@dataclass(frozen=True)
class Knowledge:
    """What the person who fills a form in knows. `given` are values of the script, by field, which go first."""

    now: datetime
    given: Mapping[str, Any]
    person: str = ""  # the staff number of whoever fills it in: they take on what a form asks a name for
    area: Mapping[str, Any] | None = None
    suspend_for: timedelta = timedelta(hours=3)


def fill(form: Mapping[str, Any], known: Knowledge) -> dict[str, Any]:
    """A result that fits the JSON Schema `form`: every required field, and those the script gives."""
    properties: Mapping[str, Mapping[str, Any]] = form.get("properties", {})
    wanted = [name for name in properties if name in known.given or name in form.get("required", ())]
    return {name: known.given.get(name, _value(name, properties[name], known)) for name in wanted}


def _value(name: str, schema: Mapping[str, Any], known: Knowledge) -> Any:
    if schema.get("x-widget") == "area":
        return known.area
    if schema.get("x-widget") == "person":
        return known.person
    if "oneOf" in schema:
        return schema["oneOf"][0]["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "boolean":
        return True
    if schema.get("type") in {"integer", "number"}:
        return schema.get("minimum", 0)
    if schema.get("type") == "array":
        return []
    if schema.get("format") == "date-time":
        return _moment(name, known).astimezone(LOCAL).isoformat(timespec="minutes")
    if schema.get("format") == "date":
        return clock.day_of(known.now).isoformat()
    return "演练填报 / drill"


def _moment(name: str, known: Knowledge) -> datetime:
    """Beginnings are soon, ends after the suspension, what has happened happened now."""
    if name == "starts_at":
        return known.now + SOON
    if name in {"ends_at", "until"}:
        return known.now + SOON + known.suspend_for
    if name == "arrives_at":
        return known.now + timedelta(hours=1)
    return known.now


def forecast(now: datetime) -> Draft:
    """Three quiet days, as somebody reads them off the radio."""
    today = clock.day_of(now)
    days = (Day(today + timedelta(days=number), "cloudy", 8, 15, 3, 0.0) for number in range(DAYS_AHEAD))
    return Draft(tuple(days), "演练 / drill")


def photo() -> bytes:
    """A small grey picture that stands for the photo a person would have taken."""
    side = 8
    rows = (b"\0" + b"\x80" * side) * side

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
