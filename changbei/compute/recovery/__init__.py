"""Recovering a disrupted delivery day (E2.6, E3.3.1–5): stranded goods are taken over, driven stops stay driven.

    >>> recovery = recover(problem, seconds=2.0, seed=1)
    >>> check(problem, recovery)
    []

A `Problem` is arrays (see `model`), so any foreign scenario can be held against it; `check` judges a `Recovery` with
code of its own. `alternatives` gives the options a dispatcher chooses from.

`recover` and `alternatives` bring a compiler with them. They are loaded, and made ready to run, when first asked for:
whoever only needs the arrays, a command that prints a list for example, does not wait two seconds for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from changbei.compute.recovery.checker import Violation, check
from changbei.compute.recovery.model import NO_PLACES, Orders, Places, Problem, Vans
from changbei.compute.recovery.policy import (
    ALL_MEANS,
    CALM,
    NEAREST_RESERVE,
    NEIGHBOURING_LINES,
    OVERTIME,
    OWN_RESERVE,
    Policy,
    allowed_vans,
)
from changbei.compute.recovery.result import Call, Recovery, Stop, Token, VanPlan

if TYPE_CHECKING:
    from changbei.compute.recovery.entry import alternatives, recover

__all__ = [
    "ALL_MEANS",
    "CALM",
    "NEAREST_RESERVE",
    "NEIGHBOURING_LINES",
    "NO_PLACES",
    "OVERTIME",
    "OWN_RESERVE",
    "Call",
    "Orders",
    "Places",
    "Policy",
    "Problem",
    "Recovery",
    "Stop",
    "Token",
    "VanPlan",
    "Vans",
    "Violation",
    "allowed_vans",
    "alternatives",
    "check",
    "recover",
]


def __getattr__(name: str) -> Any:
    if name not in {"alternatives", "recover"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_module("changbei.compute.recovery.kernel.warming").warm()
    return getattr(import_module("changbei.compute.recovery.entry"), name)
