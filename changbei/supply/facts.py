"""The facts of this room that plans may wait for, and what the room reads out of packs by name."""

from __future__ import annotations

from changbei.plans.kinds import fact, reads
from changbei.plans.schemas import COUNT, carried
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

MONEY = {"type": "integer"}
fact(corrections.LISTED, carried(listed=COUNT, gap_fen=MONEY))
fact(corrections.CORRECTED, carried(corrected=COUNT))
fact(corrections.RECONCILED, carried(reconciled=COUNT, total_fen=MONEY))
fact(cash.NAMED, carried(customers=COUNT))
fact(cash.RECONCILED, carried(closed=COUNT, not_used=COUNT, total_fen=MONEY))

reads("supply", settings=list(early.SETTINGS), tables=["approval-limit", "eligibility"])
