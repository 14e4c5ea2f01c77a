"""What plans may call for the supply tilt: counts for the customer managers, and the sum for the centre (S9)."""

from __future__ import annotations

from typing import Any

from changbei.core import clock
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, LIST, MAP, TEXT, object_
from changbei.runs.context import ActionContext
from changbei.supply import tilt

FOUR = dict.fromkeys(tilt.CLASSES, COUNT)


@action(
    "supply.tilt_counts",
    params=object_(formats=TEXT),
    returns=object_(month=TEXT, month_end=TEXT, managers=LIST, count=COUNT),
)
def tilt_counts(context: ActionContext) -> dict[str, Any]:
    """Each customer manager with the own customers of each class, as they are on file now."""
    managers = tilt.by_manager(tilt.shops(tilt.formats_of(context.params["formats"])))
    today = clock.day_of(context.now)
    return {
        "month": tilt.next_month(today),
        "month_end": tilt.month_end(today).isoformat(),
        "managers": managers,
        "count": len(managers),
    }


@action(
    "supply.tilt_sum",
    params=object_("reported", formats=TEXT, asked=COUNT, reported=MAP),
    returns=object_(rows=LIST, reported=COUNT, missing=COUNT, differing=COUNT, **FOUR),
)
def tilt_sum(context: ActionContext) -> dict[str, Any]:
    """The sum by district, class and grade of what is on file, and how many managers have looked at theirs."""
    given = context.params
    reports = [one for one in given.get("reported", {}).values() if isinstance(one, dict)]
    rows = tilt.by_district(tilt.shops(tilt.formats_of(given["formats"])))
    return {
        "rows": rows,
        "reported": len(reports),
        "missing": max(0, given["asked"] - len(reports)),
        "differing": sum(one.get("agrees") is False for one in reports),
        **tilt.totals(rows),
    }
