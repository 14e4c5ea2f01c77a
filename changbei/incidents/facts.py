"""The facts of this room that plans may wait for, and what the room reads out of packs by name."""

from __future__ import annotations

from changbei.plans.kinds import fact, reads
from changbei.plans.model import COMMAND_ROLES
from changbei.plans.schemas import COUNT, FLAG, MAP, TEXT, carried

_SUSPENSION = {"suspension": TEXT, "retailers": COUNT, "practised": FLAG}
for _kind in ("incidents.service_suspended", "incidents.suspension_extended"):
    fact(_kind, carried(**_SUSPENSION))
fact("incidents.service_resumed", carried(**_SUSPENSION, stops_released=COUNT, still_suspended=COUNT))
for _kind in (
    "incidents.restored",
    "incidents.all_clear",
    "incidents.level_changed",
    "incidents.fallback_recorded",
):
    fact(_kind)
fact("incidents.forecast_kept", carried(forecast=TEXT, source=TEXT, name=TEXT, severity=TEXT))
fact(
    "incidents.lines_decided",
    carried(lines=MAP, held=COUNT, stops=COUNT, review_at=TEXT, practised=FLAG),
)

reads(
    "incidents",
    settings=["most_customers_share"],
    tables=["acting-commander", "warning-start", "forecast-prepare"],
    roles=[*COMMAND_ROLES, "office"],
    messages={  # those it words itself where a plan does not: `wording.HOUSE`
        "report-received": ["number", "title"],
        "command-post": ["number", "title", "commander"],
        "acting-commander": ["number", "title", "post"],
        "authorisation-asked": ["number", "title", "name", "post"],
    },
)
