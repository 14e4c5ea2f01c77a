"""What can be rehearsed by name: which procedures begin when, what is reported, what the people then decide.

Any other procedure of a plan in force is rehearsed by its id, with a report drawn from its form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One procedure that begins `after_seconds`. `report` goes before what is drawn from the form."""

    procedure: str
    after_seconds: float = 0.0
    report: Mapping[str, Any] = field(default_factory=dict)
    decisions: Mapping[str, str] = field(default_factory=dict)


WEATHER = Part(
    "severe-weather",
    report={"phenomenon": "typhoon", "colour": "orange"},
    decisions={
        "whole": "suspend",
        "partial": "suspend",
        "resume-whole": "resume",
        "resume-partial": "resume",
    },
)
BREAKDOWN = Part(
    "vehicle-breakdown",
    report={"injured": False, "goods_aboard": True, "cause": "fault", "driver_fit": True},
)
SYSTEM_DOWN = Part(
    "ordering-system-down",
    report={"fails": "server", "stops_work": True, "city_wide": True},
    decisions={"standby": "failed"},
)
DEMAND = Part("sudden-demand", report={"path": "planned", "occasion": "wedding"})


def _after(part: Part, seconds: float) -> Part:
    return Part(part.procedure, seconds, part.report, part.decisions)


SCRIPTS: Mapping[str, Sequence[Part]] = {
    "typhoon": (_after(WEATHER, 20), _after(BREAKDOWN, 60), _after(SYSTEM_DOWN, 150), _after(DEMAND, 240)),
    "severe-weather": (WEATHER,),
    "vehicle-breakdown": (BREAKDOWN,),
    "ordering-system-down": (SYSTEM_DOWN,),
    "sudden-demand": (DEMAND,),
}
ALSO_CALLED = {"typhoon-day": "typhoon"}  # the drill's name of the same day


def parts(name: str) -> Sequence[Part]:
    """The parts of a scenario; a name that is none is taken for a procedure's."""
    return SCRIPTS.get(ALSO_CALLED.get(name, name)) or (Part(name),)
