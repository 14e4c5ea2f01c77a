"""What follows from a tour's state and the time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

OPEN = "planned"
RESERVE_READY = timedelta(minutes=15)
"""Fetching keys and papers of a reserve van until it drives off."""
HANDOVER = timedelta(minutes=5)
HANDOVER_PER_STOP_SECONDS = 8
NOTICEABLE = timedelta(minutes=15)
"""A customer notices when the van comes this much earlier or later than said."""

ORDINARY, KEY, VULNERABLE = 1, 2, 3


@dataclass(frozen=True)
class Visit:
    """A stop as the rules see it; `expected_at` is the arrival expected now."""

    id: int
    status: str
    expected_at: datetime
    service: timedelta
    done_at: datetime | None = None


@dataclass(frozen=True)
class Whereabouts:
    """Where a van can next change its plan: after stop `after` (None: at its site), from `ready_at` on.

    `driven` stops stay as they are: delivered ones, and the one the van is on its way to or standing at.
    """

    after: int | None
    ready_at: datetime
    driven: tuple[int, ...]


def whereabouts(visits: Sequence[Visit], departs_at: datetime, now: datetime) -> Whereabouts:
    """`visits` in driving order. A van that has left drives to its next open stop: that one is fixed too."""
    done = [visit for visit in visits if visit.status != OPEN]
    left = [visit for visit in visits if visit.status == OPEN]
    if now < departs_at and not done:
        return Whereabouts(None, departs_at, ())
    driven = tuple(visit.id for visit in done)
    if not left:
        last = done[-1] if done else None
        return Whereabouts(last.id if last else None, max(now, departs_at), driven)
    heading = left[0]
    ready = max(heading.expected_at, now) + heading.service
    return Whereabouts(heading.id, ready, (*driven, heading.id))


def priority(*, is_key: bool, is_vulnerable: bool) -> int:
    """Weight of leaving a customer unserved: vulnerable customers first, then key customers (S6, E3.2.5)."""
    if is_vulnerable:
        return VULNERABLE
    return KEY if is_key else ORDINARY


def delay_minutes(planned_at: datetime, at: datetime) -> float:
    return (at - planned_at).total_seconds() / 60


def shifted(before: datetime, after: datetime, than: timedelta = NOTICEABLE) -> bool:
    return abs(after - before) > than


@dataclass(frozen=True)
class Leg:
    """A stop on the way of a van: where it is, when it was driven, else when it is expected."""

    longitude: float
    latitude: float
    expected_at: datetime
    done_at: datetime | None


def estimated_position(
    home: tuple[float, float], departs_at: datetime, legs: Sequence[Leg], now: datetime
) -> tuple[float, float]:
    """Longitude and latitude of a van without a position of its own: on the straight way between its last stop and
    the next, as far as the time says. After the last stop it stays there; before it leaves it is at `home`.
    """
    done = [leg for leg in legs if leg.done_at is not None]
    ahead = [leg for leg in legs if leg.done_at is None]
    last = max(done, key=lambda leg: leg.done_at or departs_at, default=None)
    begin, left_at = home, departs_at
    if last is not None and last.done_at is not None:
        begin, left_at = (last.longitude, last.latitude), last.done_at
    if not ahead or now <= left_at:
        return begin
    goal = ahead[0]
    whole = (goal.expected_at - left_at).total_seconds()
    part = min((now - left_at).total_seconds() / whole, 1.0) if whole > 0 else 1.0
    return (
        begin[0] + (goal.longitude - begin[0]) * part,
        begin[1] + (goal.latitude - begin[1]) * part,
    )
