"""Times as CAP writes them, and as agencies write them: 2026-07-01T08:00:00+08:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_CHINA = timezone(timedelta(hours=8))
_FARTHEST = timedelta(hours=14)
_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_LENIENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)


@dataclass(frozen=True)
class Time:
    """`at` is aware and in UTC, None when the text is not a time; `oddity` is the code of what was odd."""

    at: datetime | None
    oddity: str


def parse(text: str) -> Time:
    match = _LENIENT.fullmatch(text)
    if not match:
        return Time(None, "time")
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    zone = match[7]
    try:
        local = datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=_zone(zone))
        at = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return Time(None, "time")
    if not zone:
        return Time(at, "time-zone")
    if not _STRICT.fullmatch(text):
        return Time(at, "time-shape")
    return Time(at, "time-utc" if zone == "+00:00" else "")


def _zone(text: str | None) -> timezone:
    if text is None:
        return _CHINA
    if text in ("Z", "z"):
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    if offset > _FARTHEST or text[-2:] > "59":
        raise ValueError(text)
    return timezone(-offset if text[0] == "-" else offset)
