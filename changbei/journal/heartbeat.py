"""Whether the engine runs: its workers leave a sign every few seconds, and pages say when it stays away."""

from __future__ import annotations

from datetime import datetime

from changbei.core import clock
from changbei.journal.models import Heartbeat

ENGINE = "engine"
STILL_AFTER_SECONDS = 15  # three signs missed


def beat() -> None:
    """Leave a sign. One statement."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=ENGINE, at=clock.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def last() -> datetime | None:
    """When the last sign was left; None when there never was one."""
    return Heartbeat.objects.filter(name=ENGINE).values_list("at", flat=True).first()


def still_seconds() -> int:
    """For how many seconds no sign has come; 0 while it beats. Without any sign ever: the limit itself.

    A sign from the future says nothing: the clock was set back since, or another host's is wrong. It counts as none
    until the next one, a few seconds later, takes its place.
    """
    sign = last()
    if sign is None:
        return STILL_AFTER_SECONDS
    still = int((clock.now() - sign).total_seconds())
    if still < -STILL_AFTER_SECONDS:
        return STILL_AFTER_SECONDS
    return still if still >= STILL_AFTER_SECONDS else 0
