"""Durations next to each other."""

from __future__ import annotations

from changbei.core.durations import Duration
from changbei.plans.comparing.change import LONGER, SHORTER

SECONDS_OF_A_WORKING_DAY = 86_400
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def compared(before: Duration | None, after: Duration | None) -> str:
    """`longer`, `shorter`, or "" when they are equal. None is no time at all."""
    first, second = _seconds(before), _seconds(after)
    if first == second:
        return ""
    return LONGER if second > first else SHORTER


def said(duration: Duration | None) -> str:
    """As the files write it: `15m`, `1wd`; "" for none."""
    if duration is None:
        return ""
    if duration.working_days:
        return f"{duration.working_days}wd"
    for size, unit in _UNITS:
        if duration.seconds % size == 0 and duration.seconds:
            return f"{duration.seconds // size}{unit}"
    return "0s"


def _seconds(duration: Duration | None) -> tuple[int, int]:
    """A working day lasts at least a day: longer than 1d, shorter than 2d."""
    if duration is None:
        return -1, 0
    return duration.seconds + duration.working_days * SECONDS_OF_A_WORKING_DAY, duration.working_days
