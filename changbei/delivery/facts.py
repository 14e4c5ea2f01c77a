"""The facts of this room that plans may wait for."""

from __future__ import annotations

from changbei.plans.kinds import fact, reads

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}

fact(
    "delivery.recovery_accepted",
    {
        "type": "object",
        "properties": {
            "case": TEXT,
            "option": TEXT,
            "unserved": COUNT,
            "vans": {"type": "array", "items": TEXT},
            "shifted": COUNT,
            "moved": COUNT,
            "reserve": {"type": "boolean"},
            "again": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
)

fact(
    "delivery.recovery_undone",
    {
        "type": "object",
        "properties": {"case": TEXT, "option": TEXT, "vans": {"type": "array", "items": TEXT}},
        "additionalProperties": False,
    },
)

LIST_WITHDRAWN, LIST_CHANGED, LIST_AS_BEFORE = (
    "driver-list-withdrawn",
    "driver-list-changed",
    "driver-list-as-before",
)
TIME_BACK, TIME_CHANGED, URGENT_EXPECTED = "delivery-time-back", "delivery-changed", "delivery-urgent"

reads(
    "delivery",
    messages={
        LIST_WITHDRAWN: ["number", "title", "vehicle"],
        LIST_CHANGED: ["first", "stops", "vehicle"],
        LIST_AS_BEFORE: ["vehicle"],
        TIME_BACK: ["number", "title", "expected", "retailer"],
        TIME_CHANGED: ["expected", "planned", "retailer"],
        URGENT_EXPECTED: ["expected", "retailer"],
    },
)
