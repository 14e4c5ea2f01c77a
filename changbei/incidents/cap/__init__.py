"""CAP 1.2, the Common Alerting Protocol (OASIS; ITU-T X.1303bis): what weather services publish warnings in.

`read(bytes)` never raises: it accepts, accepts with warnings, or refuses with reasons. No Django.
"""

from changbei.incidents.cap.parts import Alert, Area, CapResult, Geocode, Info, Reference
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
    "Reason",
    "Reference",
    "read",
]
