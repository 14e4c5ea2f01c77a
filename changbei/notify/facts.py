"""The facts of this room that plans may wait for."""

from __future__ import annotations

from changbei.plans.kinds import fact

fact(
    "notify.call_list_finished",
    {
        "type": "object",
        "properties": {"call_list": {"type": "string"}, "customers": {"type": "integer", "minimum": 0}},
        "additionalProperties": False,
    },
)

fact(
    "notify.confirmed",
    {
        "type": "object",
        "properties": {
            "notice": {"type": "string"},
            "template": {"type": "string"},
            "at_least": {"type": "integer", "minimum": 1},
            "by": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
    },
)
