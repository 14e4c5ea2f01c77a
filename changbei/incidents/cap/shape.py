"""Which elements CAP 1.2 allows where, in which order and how often.

The schema says the same; here each deviation gets its own reason and the rest of the file is still read.
"""

from __future__ import annotations

from collections.abc import Mapping

MANY = 1_000_000
Occurs = tuple[int, int]

ONE, MAYBE, ANY, SOME = (1, 1), (0, 1), (0, MANY), (1, MANY)

ORDER: Mapping[str, Mapping[str, Occurs]] = {
    "alert": {
        "identifier": ONE,
        "sender": ONE,
        "sent": ONE,
        "status": ONE,
        "msgType": ONE,
        "source": MAYBE,
        "scope": ONE,
        "restriction": MAYBE,
        "addresses": MAYBE,
        "code": ANY,
        "note": MAYBE,
        "references": MAYBE,
        "incidents": MAYBE,
        "info": ANY,
    },
    "info": {
        "language": MAYBE,
        "category": SOME,
        "event": ONE,
        "responseType": ANY,
        "urgency": ONE,
        "severity": ONE,
        "certainty": ONE,
        "audience": MAYBE,
        "eventCode": ANY,
        "effective": MAYBE,
        "onset": MAYBE,
        "expires": MAYBE,
        "senderName": MAYBE,
        "headline": MAYBE,
        "description": MAYBE,
        "instruction": MAYBE,
        "web": MAYBE,
        "contact": MAYBE,
        "parameter": ANY,
        "resource": ANY,
        "area": ANY,
    },
    "area": {
        "areaDesc": ONE,
        "polygon": ANY,
        "circle": ANY,
        "geocode": ANY,
        "altitude": MAYBE,
        "ceiling": MAYBE,
    },
    "eventCode": {"valueName": ONE, "value": ONE},
    "parameter": {"valueName": ONE, "value": ONE},
    "geocode": {"valueName": ONE, "value": ONE},
    "resource": {
        "resourceDesc": ONE,
        "mimeType": ONE,
        "size": MAYBE,
        "uri": MAYBE,
        "derefUri": MAYBE,
        "digest": MAYBE,
    },
}

# elements that hold further elements; all others hold words alone
COMPOUND = frozenset(name for name in ORDER)
OPTIONAL_BEFORE_1_2 = frozenset({"mimeType"})

NAMESPACES = {
    "urn:oasis:names:tc:emergency:cap:1.2": "1.2",
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "http://www.incident.com/cap/1.0": "1.0",
}
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
MSG_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
RESPONSE_TYPES = (
    "Shelter",
    "Evacuate",
    "Prepare",
    "Execute",
    "Avoid",
    "Monitor",
    "Assess",
    "AllClear",
    "None",
)
