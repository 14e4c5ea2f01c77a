"""The facts of this room that plans may wait for, and what the room reads out of packs by name."""

from __future__ import annotations

from typing import Any

from changbei.plans.kinds import fact, reads
from changbei.supply import cash, corrections, early

for _kind in (
    "supply.request_assessed",
    "supply.request_approved",
    "supply.request_merged",
    "supply.replenishment_dispatched",
    "supply.request_declined",
    "supply.key_customers_replenished",
    "supply.request_acted_first",
):
    fact(_kind)

COUNT = {"type": "integer", "minimum": 0}
MONEY = {"type": "integer"}


def _carries(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


fact(corrections.LISTED, _carries(listed=COUNT, gap_fen=MONEY))
fact(corrections.CORRECTED, _carries(corrected=COUNT))
fact(corrections.RECONCILED, _carries(reconciled=COUNT, total_fen=MONEY))
fact(cash.NAMED, _carries(customers=COUNT))
fact(cash.RECONCILED, _carries(closed=COUNT, not_used=COUNT, total_fen=MONEY))

reads("supply", settings=list(early.SETTINGS), tables=["approval-limit", "eligibility"])
