"""How fast people answer. Seeded: the same drill twice gives the same people the same delays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from random import Random

MEDIAN_SECONDS = {"immediate": 45.0, "urgent": 100.0, "routine": 420.0}
SPREAD = 0.5  # of the logarithm
SLOW_SHARE = 0.10  # of tasks are looked at late
SLOW_TIMES = 5.0
OVERDUE_SHARE = 0.06  # of tasks take longer than their limit
LONGEST_WORK = timedelta(minutes=45)  # of a drill's task; papers due in days are not worked on all that time


@dataclass(frozen=True)
class Pace:
    """Delays drawn from the seed and what the delay is for. `times` stretches or shortens them all."""

    seed: int
    times: float = 1.0

    def until_seen(self, key: str, urgency: str) -> timedelta:
        """Until somebody takes note: lognormal around 45 s, 100 s or 7 min, one in ten five times as long."""
        random = Random(f"{self.seed}:seen:{key}")
        seconds = random.lognormvariate(math.log(MEDIAN_SECONDS.get(urgency, 100.0)), SPREAD)
        return timedelta(
            seconds=round(seconds * (SLOW_TIMES if random.random() < SLOW_SHARE else 1.0) * self.times)
        )

    def until_done(self, key: str, limit: timedelta) -> timedelta:
        """From taking note until done: a fifth to three fifths of the limit, some tasks longer than it."""
        random = Random(f"{self.seed}:done:{key}")
        late = random.random() < OVERDUE_SHARE
        share = random.uniform(1.05, 1.3) if late else random.uniform(0.2, 0.6)
        return min(limit * share, LONGEST_WORK) * self.times

    def picks(self, key: str, share: float) -> bool:
        """Whether the thing named `key` is one of `share`."""
        return Random(f"{self.seed}:pick:{key}").random() < share
