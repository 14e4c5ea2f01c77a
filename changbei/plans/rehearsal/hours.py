"""Working hours, working days and nights of a rehearsal, as microseconds since the beginning of a scenario."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta

from changbei.core import clock, workdays
from changbei.core.clock import LOCAL
from changbei.core.durations import Duration
from changbei.plans.rehearsal.draws import MICRO

DAY = 86400 * MICRO
WORK_FROM, WORK_UNTIL = 8 * 3600 + 1800, 17 * 3600 + 1800  # seconds of the local day
NIGHT_FROM, NIGHT_UNTIL = 22 * 3600 * MICRO, 6 * 3600 * MICRO


class Calendar:
    """Working hours and working days as microseconds since the beginning of a scenario."""

    def __init__(self, begins: datetime, horizon_seconds: float) -> None:
        self._begins = begins
        local = begins.astimezone(LOCAL)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnight = (midnight - local) // timedelta(microseconds=1)  # zero or negative
        self._opens: list[int] = []
        for day in range(int(horizon_seconds // 86400) + 12):
            if workdays.is_workday((midnight + timedelta(days=day)).date()):
                self._opens.append(self.midnight + day * DAY + WORK_FROM * MICRO)
        self._after: dict[tuple[int, int], tuple[bool, int]] = {}

    def opening(self, now: int) -> int:
        """When routine work can begin: now, or at the next opening."""
        number = bisect_right(self._opens, now)
        if number and now < self._opens[number - 1] + (WORK_UNTIL - WORK_FROM) * MICRO:
            return now
        return self._opens[number] if number < len(self._opens) else now

    def is_night(self, now: int) -> bool:
        of_day = (now - self.midnight) % DAY
        return of_day >= NIGHT_FROM or of_day < NIGHT_UNTIL

    def after(self, duration: Duration, now: int) -> int:
        if not duration.working_days:
            return now + duration.seconds * MICRO
        key = ((now - self.midnight) // DAY, duration.working_days)
        found = self._after.get(key)
        if found is None:
            at = self._begins + timedelta(microseconds=now)
            due = (duration.after(at) - self._begins) // timedelta(microseconds=1)
            same_hour = workdays.is_workday(clock.day_of(at))
            found = self._after[key] = (same_hour, due - now if same_hour else due)
        return now + found[1] if found[0] else found[1]
