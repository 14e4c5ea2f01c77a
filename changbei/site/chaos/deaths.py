"""The ways to die, drawn by a seed: at a random moment, at a named point, frozen, and of the database's death."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from changbei.core import faults
from changbei.site.chaos.processes import Part, Site

POINT_SECONDS = 4.0  # for so long an armed process may take to come to its point


@dataclass
class Deaths:
    """Draws and carries out; counts by kind, and remembers when something happened to a worker or the database."""

    site: Site
    random: random.Random
    freeze_seconds: float
    kills: dict[str, int] = field(default_factory=dict)
    disturbed_at: list[float] = field(default_factory=list)  # monotonic seconds, ascending

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def one(self) -> None:
        """Let something die, and start it again."""
        kinds: list[tuple[int, Callable[[], None]]] = [
            (8, self._web_at_a_point),
            (16, self._worker_at_a_point),
            (4, self._web),
            (2, self._below_web),
            (8, self._worker),
            (2, self._freeze),
            (2, self._database),
            (2, self._backend),
            (1, self._restart),
            (1, self._gone),
        ]
        weights = [weight for weight, _ in kinds]
        _, way = self.random.choices(kinds, weights)[0]
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
        self._at_a_point(self.site.web, self.random.choice(faults.IN_WEB))

    def _worker_at_a_point(self) -> None:
        """Alone, so that it comes to the point: the other worker dies first."""
        doomed, other = self.random.sample(self.site.workers, 2)
        self._disturb()
        self.site.kill(other)
        self._count("worker")
        self._at_a_point(doomed, self.random.choice(faults.IN_WORKER))
        self.site.start(other)

    def _at_a_point(self, part: Part, point: str) -> None:
        """The part dies when it is armed, and again at the point; one that never comes there at a random moment."""
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
        part.signal(signal.SIGCONT)
        self._disturb()
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
