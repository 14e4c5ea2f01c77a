"""How long: `90s`, `15m`, `2h`, `3d`, and `1wd` for working days of the Chinese calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from changbei.core import workdays

_SHAPE = re.compile(r"^(\d+)(s|m|h|d|wd)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Duration:
    """An amount of time, or of working days; exactly one of the two is set."""

    seconds: int = 0
    working_days: int = 0

    def after(self, start: datetime) -> datetime:
        """The moment this long after `start` (aware). Working days follow `workdays.after`."""
        if self.working_days:
            return workdays.after(start, self.working_days)
        return start + timedelta(seconds=self.seconds)


def parse(text: str) -> Duration:
    """Read `15m`, `1wd` …; raises ValueError that says what is allowed."""
    match = _SHAPE.match(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{text!r} is not a duration; write 90s, 15m, 2h, 3d, or 1wd for a working day")
    amount, unit = int(match[1]), match[2]
    if unit == "wd":
        return Duration(working_days=amount)
    return Duration(seconds=amount * _SECONDS[unit])
