"""An alert as it was read: plain frozen values. Times are aware and in UTC, geometry is GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.incidents.cap.reasons import REFUSED, Reason

GeoJson = dict[str, Any]

# from the least to the most severe; CAP's own word for each step is another scale and never turned into these
COLOURS = ("blue", "yellow", "orange", "red")
_TRADITIONAL = {"zh-hant", "zh-tw", "zh-hk", "zh-mo"}


@dataclass(frozen=True)
class Reference:
    """An earlier alert; `sent` is None when the publisher left it out."""

    sender: str
    identifier: str
    sent: datetime | None


@dataclass(frozen=True)
class Geocode:
    """A code of some list of areas, e.g. a Chinese administrative code."""

    name: str
    value: str


@dataclass(frozen=True)
class Area:
    """Where; `geometry` is the union of the polygons and circles, None when there are only words or codes."""

    description: str
    geometry: GeoJson | None
    geocodes: tuple[Geocode, ...]


@dataclass(frozen=True)
class Resource:
    """A file that goes with the alert; it is never fetched."""

    description: str
    mime_type: str
    uri: str


@dataclass(frozen=True)
class Info:
    """One block of what is going to happen, in one language."""

    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    effective: datetime
    onset: datetime | None
    expires: datetime
    expires_given: bool
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    parameters: tuple[tuple[str, str], ...]
    colour: str  # blue, yellow, orange, red, or "" when the publisher named none
    areas: tuple[Area, ...]
    colour_from: str = ""  # parameter, event-code, words or severity: where the publisher says the colour
    event_codes: tuple[tuple[str, str], ...] = ()
    resources: tuple[Resource, ...] = ()
    audience: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Alert:
    """One message; identity is (sender, identifier, sent)."""

    version: str  # 1.0, 1.1, 1.2
    sender: str
    identifier: str
    sent: datetime
    status: str  # Actual, Exercise, System, Test, Draft
    msg_type: str  # Alert, Update, Cancel, Ack, Error
    scope: str
    references: tuple[Reference, ...]
    infos: tuple[Info, ...]
    geometry: GeoJson | None
    effective: datetime
    expires: datetime
    note: str = ""
    codes: tuple[str, ...] = ()

    @property
    def identity(self) -> Reference:
        return Reference(self.sender, self.identifier, self.sent)

    @property
    def colour(self) -> str:
        """The most severe colour that any block names."""
        named = [info.colour for info in self.infos if info.colour]
        return max(named, key=COLOURS.index, default="")

    @property
    def severity(self) -> str:
        """The most severe of the blocks, `Unknown` when none says."""
        scale = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
        return max((info.severity for info in self.infos), key=scale.index, default="Unknown")

    @property
    def geocodes(self) -> tuple[Geocode, ...]:
        """Every geocode once, in the order given."""
        areas = [area for info in self.infos for area in info.areas]
        return tuple(dict.fromkeys(code for area in areas for code in area.geocodes))

    @property
    def lifts(self) -> bool:
        """Whether the message takes a warning back: a Cancel, or every block says AllClear."""
        if self.msg_type == "Cancel":
            return True
        return bool(self.infos) and all("AllClear" in info.response_types for info in self.infos)

    def info(self, language: str = "zh-Hans") -> Info | None:
        """The block for a reader of `language`; else another Chinese one, else English, else the first."""
        chosen = best_language([info.language for info in self.infos], language)
        return None if chosen is None else self.infos[chosen]


@dataclass(frozen=True)
class CapResult:
    """What became of a file: `alert` is None when `verdict` is refused, or the file only says where the alert is.

    `draft` is what a lenient reader makes of it, also when a strict one refuses; None when nobody can tell.
    """

    verdict: str
    reasons: tuple[Reason, ...]
    alert: Alert | None
    draft: Alert | None = None

    @property
    def refused(self) -> bool:
        return self.verdict == REFUSED


def best_language(given: Sequence[str], wanted: str) -> int | None:
    """Which of the languages (as CAP writes them) a reader of `wanted` gets, by its place; None of none."""
    for preference in _preferences(wanted):
        for place, language in enumerate(given):
            if _matches(language.lower(), preference):
                return place
    return 0 if given else None


def _preferences(language: str) -> tuple[str, ...]:
    asked = language.lower()
    if asked.startswith("en"):
        return ("en", "zh-hans", "zh-hant")
    if asked in _TRADITIONAL:
        return ("zh-hant", "zh-hans", "en")
    return ("zh-hans", "zh-hant", "en")


def _matches(given: str, wanted: str) -> bool:
    if wanted == "en":
        return given.split("-")[0] == "en"
    if wanted == "zh-hant":
        return given in _TRADITIONAL or given.startswith("zh-hant")
    return given.split("-")[0] == "zh" and not _matches(given, "zh-hant")
