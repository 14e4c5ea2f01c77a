"""The facts of this room that plans may wait for, and what the room reads out of packs by name."""

from __future__ import annotations

from changbei.plans.kinds import fact, reads

for _kind in (
    "supply.request_assessed",
    "supply.request_approved",
    "supply.request_merged",
    "supply.replenishment_dispatched",
    "supply.request_declined",
    "supply.key_customers_replenished",
):
    fact(_kind)

reads("supply", tables=["approval-limit", "eligibility"])
