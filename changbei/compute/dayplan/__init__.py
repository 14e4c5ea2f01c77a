"""Whole-day lines: which van serves which customers in which sequence, for a day of up to some thousand stops.

    >>> plan(travel_seconds, stops, vans, seconds=10.0, seed=1).lines
    ((4, 0, 7), (2, 9))

`plan` brings a compiler with it. It is loaded when first asked for: whoever only needs the arrays does not wait.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from changbei.compute.dayplan.model import (
    LEFT_OUT_SECONDS,
    DayPlan,
    DayStops,
    DayVans,
    Even,
    InvalidDay,
    refused_stops,
)

if TYPE_CHECKING:
    from changbei.compute.dayplan.planning import plan

__all__ = [
    "LEFT_OUT_SECONDS",
    "DayPlan",
    "DayStops",
    "DayVans",
    "Even",
    "InvalidDay",
    "plan",
    "refused_stops",
]


def __getattr__(name: str) -> Any:
    if name != "plan":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    planning = import_module("changbei.compute.dayplan.planning")
    planning.warm()
    return planning.plan
