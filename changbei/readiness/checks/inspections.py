"""The rota of inspections is kept (E2.8, E3.1.10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.core import clock
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules, selectors
from changbei.readiness.params import names, number, params, whole
from changbei.readiness.rules import Trouble


@check_kind(
    "inspections",
    params=params(
        names("kinds", "Kinds of places and equipment that are inspected."),
        whole("regular_days", "At most so many days between two regular inspections.", minimum=1),
        whole("irregular_days", "In each such period an inspection on a day nobody is told; 0: none."),
        required=("kinds",),
    ),
    registry="inspections",
)
def inspections(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Every key place was inspected in time, regularly and on days nobody was told."""
    intervals = rules.Intervals(
        number(given, "regular_days", pack, 30), number(given, "irregular_days", pack, 0)
    )
    targets = [one.rule for one in selectors.inspection_targets(given["kinds"])]
    return rules.inspection_troubles(targets, given["kinds"], intervals, clock.day_of(now))
