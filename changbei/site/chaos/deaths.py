"""The ways to die: at a random moment, at a named point, frozen, and of the database's death. They are dealt from packs
of cards shuffled by a seed, so that a long run has them all equally often.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from changbei.core import faults
from changbei.site.chaos.processes import Part, Site

POINT_SECONDS = 4.0  # for so long an armed process may take to come to its point
POINTS = {"web": faults.IN_WEB, "worker": faults.IN_WORKER}
T = TypeVar("T")


def dealt(chance: random.Random, cards: Sequence[T]) -> Iterator[T]:
    """All of them in a random order, again and again."""
    while True:
        yield from chance.sample(cards, len(cards))


@dataclass
class Deaths:
    """Draws and carries out; counts by kind, and remembers when something happened to a worker or the database."""

    site: Site
    random: random.Random
    freeze_seconds: float
    kills: dict[str, int] = field(default_factory=dict)
    disturbed_at: list[float] = field(default_factory=list)  # monotonic seconds, ascending

    def __post_init__(self) -> None:
        self._ways = dealt(
            self.random,
            [
                *[self._web_at_a_point] * 3,
                *[self._worker_at_a_point] * 7,
                *[self._worker] * 4,
                *[self._web] * 2,
                self._below_web,
                self._freeze,
                self._database,
                self._backend,
                self._restart,
                self._gone,
            ],
        )
        self._points = {kind: dealt(self.random, points) for kind, points in POINTS.items()}

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def one(self) -> None:
        """Let something die, and start it again."""
        way = next(self._ways)
        time.sleep(self.random.uniform(0.0, 0.8))
        way()

    def _count(self, kind: str) -> None:
        self.kills[kind] = self.kills.get(kind, 0) + 1

    def _disturb(self) -> None:
        self.disturbed_at.append(time.monotonic())

    # --- processes

    def _web(self) -> None:
        self.site.kill(self.site.web)
        self._count("web")
        self.site.start(self.site.web)

    def _below_web(self) -> None:
        if self.site.kill_below_web():
            self._count("web, below its master")

    def _worker(self) -> None:
        part = self.random.choice(self.site.workers)
        self._disturb()
        self.site.kill(part)
        self._disturb()
        self._count("worker")
        self.site.start(part)

    def _web_at_a_point(self) -> None:
        self._at_a_point(self.site.web)

    def _worker_at_a_point(self) -> None:
        """Alone, so that it comes to the point: the other worker dies first."""
        doomed, other = self.random.sample(self.site.workers, 2)
        self._disturb()
        self.site.kill(other)
        self._count("worker")
        self._at_a_point(doomed)
        self.site.start(other)

    def _at_a_point(self, part: Part) -> None:
        """The part dies when it is armed, and again at the point; one that never comes there at a random moment."""
        point = next(self._points[part.kind])
        times = self.random.choice((1, 1, 1, 2))
        self._disturb()
        self.site.start(part, f"{point}:{times}")
        self._count(part.kind)
        deadline = time.monotonic() + POINT_SECONDS
        while part.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        self._disturb()
        self._count(part.kind if part.alive else f"{part.kind} at {point}")
        self.site.start(part)
        self._disturb()

    def _freeze(self) -> None:
        """For longer than a lease; it goes on with what is no longer its own."""
        part = self.random.choice(self.site.workers)
        self._disturb()
        part.signal(signal.SIGSTOP)
        time.sleep(self.freeze_seconds)
        self._disturb()  # before it hands over what it had in hand
        part.signal(signal.SIGCONT)
        self._count("worker frozen")

    # --- the database

    def _database(self) -> None:
        self._disturb()
        self.site.signal_database(signal.SIGKILL)
        self._count("database")
        self._up_again()

    def _backend(self) -> None:
        """One of its processes: the server ends all others, and recovers."""
        children = self.site.backends()
        if not children:
            return
        self._disturb()
        self.site.kill_process(self.random.choice(children))
        self._count("database backend")
        time.sleep(0.2)
        self._up_again()

    def _restart(self) -> None:
        self._disturb()
        self.site.signal_database(signal.SIGINT)
        self._count("database restarted")
        self._up_again()

    def _gone(self) -> None:
        """For longer than a lease: what is accepted meanwhile is nothing, what was is still there."""
        self._disturb()
        self.site.signal_database(signal.SIGINT)
        self._count("database gone")
        time.sleep(self.freeze_seconds)
        self._up_again()

    def _up_again(self) -> None:
        time.sleep(self.random.uniform(0.0, 0.5))
        self.site.start_database()
        self._disturb()
