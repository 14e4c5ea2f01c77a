"""The facts of this room that plans may wait for."""

from __future__ import annotations

from changbei.plans.kinds import fact

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
        },
        "additionalProperties": False,
    },
)
