"""Whether the engine runs: its workers leave a sign every few seconds, and pages say when it stays away."""

from __future__ import annotations

from changbei.core import clock
from changbei.journal.models import Heartbeat

ENGINE = "engine"
STILL_AFTER_SECONDS = 30


def beat(name: str = ENGINE) -> None:
    """Leave a sign. One statement."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=clock.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def still_seconds(name: str = ENGINE) -> int:
    """For how many seconds no sign has come; 0 while it beats. Without any sign ever: the limit itself."""
    last = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    if last is None:
        return STILL_AFTER_SECONDS
    still = int((clock.now() - last).total_seconds())
    return still if still >= STILL_AFTER_SECONDS else 0
