"""The facts of this room that plans may wait for."""

from __future__ import annotations

from changbei.plans.kinds import fact, reads
from changbei.plans.schemas import COUNT, FLAG, NOTHING_ELSE, TEXT, carried

VANS = {"type": "array", "items": TEXT}
fact(
    "delivery.recovery_accepted",
    carried(
        case=TEXT,
        option=TEXT,
        unserved=COUNT,
        vans=VANS,
        shifted=COUNT,
        moved=COUNT,
        reserve=FLAG,
        again=FLAG,
    )
    | NOTHING_ELSE,
)
fact("delivery.recovery_undone", carried(case=TEXT, option=TEXT, vans=VANS) | NOTHING_ELSE)

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
