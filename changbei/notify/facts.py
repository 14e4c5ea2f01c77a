"""The facts of this room that plans may wait for."""

from __future__ import annotations

from changbei.plans.kinds import fact
from changbei.plans.schemas import COUNT, NOTHING_ELSE, TEXT, carried

fact("notify.call_list_finished", carried(call_list=TEXT, customers=COUNT) | NOTHING_ELSE)
fact(
    "notify.confirmed",
    carried(
        notice=TEXT,
        template=TEXT,
        at_least={"type": "integer", "minimum": 1},
        by={"type": "array", "items": TEXT},
    )
    | NOTHING_ELSE,
)
