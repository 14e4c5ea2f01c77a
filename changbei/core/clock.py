"""The one clock. Every decision that needs the time asks `now()`; nothing else in the product does.

A process *installs* a clock once (real, shifted for a demonstration, virtual for a drill); a test *uses* one
for a while. All times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """The machine's time moved by an offset, and run at `speed` times its pace from `origin` on."""

    def __init__(self, offset: timedelta, *, speed: float = 1.0, origin: datetime | None = None) -> None:
        self.offset = offset
        self.speed = speed
        self.origin = origin or datetime.now(UTC)

    def now(self) -> datetime:
        passed = datetime.now(UTC) - self.origin
        return self.origin + self.offset + passed * self.speed


class VirtualClock:
    """A clock that stands still until somebody moves it; it never goes back."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start: an aware time is needed, e.g. 2026-11-23T09:40+08:00")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        if by < timedelta(0):
            raise ValueError(f"by: the clock cannot go back ({by})")
        self._now += by
        return self._now

    def advance_to(self, when: datetime) -> datetime:
        return self.advance(max(when - self._now, timedelta(0)))


_installed: Clock = SystemClock()
_in_use: ContextVar[Clock | None] = ContextVar("changbei_clock", default=None)


def current() -> Clock:
    return _in_use.get() or _installed


def now() -> datetime:
    """The present, aware, UTC."""
    return current().now()


def local_now() -> datetime:
    """The present as the people of the city read it off a wall clock (Asia/Shanghai)."""
    return now().astimezone(LOCAL)


def day_of(moment: datetime) -> date:
    """The day on the city's wall calendar."""
    return moment.astimezone(LOCAL).date()


def today() -> date:
    """The present day of the city."""
    return day_of(now())


def next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def wall(moment: datetime | None) -> str:
    """`14:05` on the clocks of the city; "" for no moment."""
    return f"{moment.astimezone(LOCAL):%H:%M}" if moment else ""


def install(clock: Clock) -> None:
    """Make `clock` the clock of this process, all its threads included."""
    global _installed
    _installed = clock


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """Use `clock` inside the block, in this thread only."""
    token = _in_use.set(clock)
    try:
        yield clock
    finally:
        _in_use.reset(token)


def from_setting(text: str) -> Clock:
    """The clock that the setting CHANGBEI_CLOCK names: empty the machine's, +SECONDS or -SECONDS a shifted one."""
    if not text:
        return SystemClock()
    try:
        return ShiftedClock(timedelta(seconds=float(text)))
    except ValueError:
        raise ValueError(f"CHANGBEI_CLOCK: {text!r} is not a number of seconds such as +3600") from None
