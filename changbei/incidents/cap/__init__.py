"""CAP 1.2, the Common Alerting Protocol (OASIS; ITU-T X.1303bis): what weather services publish warnings in.

`read(bytes)` never raises: it accepts, accepts with warnings, or refuses with reasons. `unpack(bytes)` opens feeds
and envelopes. No Django.
"""

from changbei.incidents.cap.envelopes import Opened, Part, unpack
from changbei.incidents.cap.parts import (
    Alert,
    Area,
    CapResult,
    Geocode,
    Info,
    Reference,
    Resource,
    best_language,
)
from changbei.incidents.cap.reading import read
from changbei.incidents.cap.reasons import ACCEPTED, ACCEPTED_WITH_WARNINGS, REFUSED, Reason

__all__ = [
    "ACCEPTED",
    "ACCEPTED_WITH_WARNINGS",
    "REFUSED",
    "Alert",
    "Area",
    "CapResult",
    "Geocode",
    "Info",
    "Opened",
    "Part",
    "Reason",
    "Reference",
    "Resource",
    "best_language",
    "read",
    "unpack",
]
