"""A machine's clock that is set back must not hold up what was due, nor make claims last longer.

Due times are moments of the wall clock. When it is set back by an hour, a message that was due is due in an hour, and
the claim of a worker that has died runs out in an hour. Each worker compares the wall clock with one that only goes
forward, and puts that right: what was due is due now, no claim lasts longer than its lease. What lies ahead, a
deadline in ten minutes say, stays at its moment. A clock that is set forward needs nothing: claims end early, which
they may, and what a late worker then marks is no longer its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from changbei.core import clock
from changbei.journal.models import FailedReaction
from changbei.journal.services import append
from changbei.notify import claims
from changbei.notify.models import Message
from changbei.runs import jobs
from changbei.runs.models import ActionCall, Timer

logger = logging.getLogger(__name__)

WORTH_IT = timedelta(seconds=2)  # less is what a time server does all day


@dataclass
class ClockWatch:
    """Remembers both clocks from look to look. `steady` gives seconds that never go back."""

    steady: Callable[[], float] = time.monotonic
    _seen: tuple[datetime, float] | None = field(default=None)

    def look(self) -> int:
        """Repair after a step back; how many rows had to be moved."""
        now, steady = clock.now(), self.steady()
        before, self._seen = self._seen, (now, steady)
        if before is None:
            return 0
        expected = before[0] + timedelta(seconds=steady - before[1])
        if expected - now < WORTH_IT:
            return 0
        logger.warning("the clock was set back by %.0f s", (expected - now).total_seconds())
        return went_back(expected, now)


def went_back(expected: datetime, now: datetime) -> int:
    """The wall clock shows `now` where `expected` would have come: what was due by then is due now. The rows moved.

    Any number of workers may notice it; what one has moved the next finds in order.
    """
    leases = (
        (Message, timedelta(seconds=claims.LEASE_SECONDS)),
        (ActionCall, jobs.ACTION_LEASE),
    )
    with transaction.atomic():
        moved = 0
        for model, lease in leases:
            # A claimed row is due at the end of its claim; `lease_until` tells it from one that waits.
            claimed = model.objects.filter(lease_until__gt=now + lease, due_at__gt=now + lease)
            moved += claimed.update(lease_until=now + lease, due_at=now + lease)
            waiting = model.objects.filter(lease_until__isnull=True, due_at__gt=now, due_at__lte=expected)
            moved += waiting.update(due_at=now)
        moved += Timer.objects.filter(due_at__gt=now, due_at__lte=expected).update(due_at=now)
        claimed_timers = Timer.objects.filter(due_at__isnull=False, lease_until__gt=now + jobs.TIMER_LEASE)
        moved += claimed_timers.update(lease_until=now + jobs.TIMER_LEASE)
        moved += FailedReaction.objects.filter(due_at__gt=now, due_at__lte=expected).update(due_at=now)
        append(
            "site.clock_set_back",
            actor=None,
            data={"by_seconds": round((expected - now).total_seconds()), "moved": moved},
        )
    return moved
