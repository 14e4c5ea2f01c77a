"""The ways to die: at a random moment, at a named point, frozen, of the database's death, and all at once.

Each of web, workers and database dies in a lane of its own, at the same time as the others. The ways are dealt from
packs of cards shuffled by a seed, so that a long run has them all equally often.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from changbei.core import faults
from changbei.site.chaos.processes import Part, Site

POINT_SECONDS = 5.0  # for so long an armed process may take to come to its point
POINTS = {"web": faults.IN_WEB, "worker": faults.IN_WORKER}
T = TypeVar("T")


def dealt(chance: random.Random, cards: Sequence[T]) -> Iterator[T]:
    """All of them in a random order, again and again."""
    while True:
        yield from chance.sample(cards, len(cards))


@dataclass
class Lane:
    """What dies in a row: the ways, and how long it lives in between, in seconds."""

    ways: Iterator[Callable[[], None]]
    chance: random.Random
    pause_seconds: tuple[float, float]

    def one(self) -> None:
        time.sleep(self.chance.uniform(*self.pause_seconds))
        next(self.ways)()


@dataclass
class Deaths:
    """Draws and carries out; counts by kind, and remembers when something happened to a worker or the database."""

    site: Site
    chance: random.Random
    freeze_seconds: float
    kills: dict[str, int] = field(default_factory=dict)
    disturbed_at: list[float] = field(default_factory=list)  # monotonic seconds, ascending
    _one: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._points = {kind: dealt(self._chance(), points) for kind, points in POINTS.items()}
        web = [*[self._web_at_a_point] * 3, *[self._web] * 2, self._below_web]
        workers = [*[self._worker_at_a_point] * 8, *[self._worker] * 3, self._freeze]
        database = [self._database, self._backend, self._restart, self._gone]
        self.lanes = [
            self._lane(web, (1.0, 3.0)),
            self._lane(workers, (0.0, 0.8)),
            self._lane(database, (4.0, 9.0)),
        ]

    def _chance(self) -> random.Random:
        """The lanes draw at moments of their own: none from what another draws from."""
        return random.Random(self.chance.randrange(2**32))

    def _lane(self, ways: Sequence[Callable[[], None]], pause_seconds: tuple[float, float]) -> Lane:
        chance = self._chance()
        return Lane(dealt(chance, ways), chance, pause_seconds)

    @property
    def total(self) -> int:
        with self._one:
            return sum(self.kills.values())

    def until(self, target: int) -> None:
        """Let things die, and start them again, until so many have died in all."""
        with ThreadPoolExecutor(len(self.lanes), thread_name_prefix="deaths") as pool:
            for ended in [pool.submit(self._go_on, lane, target) for lane in self.lanes]:
                ended.result()

    def _go_on(self, lane: Lane, target: int) -> None:
        while self.total < target:
            lane.one()

    def all_at_once(self) -> None:
        """As when the power fails: every process in the same moment. Nothing is started again."""
        self._disturb()
        for part in self.site.parts:
            part.signal(signal.SIGKILL)
        self.site.database.kill()
        self.site.kill_all()
        self._count("everything at once")

    def _count(self, kind: str) -> None:
        with self._one:
            self.kills[kind] = self.kills.get(kind, 0) + 1

    def _disturb(self) -> None:
        with self._one:
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
        part = self.lanes[1].chance.choice(self.site.workers)
        self._disturb()
        self.site.kill(part)
        self._disturb()
        self._count("worker")
        self.site.start(part)

    def _web_at_a_point(self) -> None:
        self._at_a_point(self.site.web, self.lanes[0].chance)

    def _worker_at_a_point(self) -> None:
        """Alone, so that it comes to the point: the other worker dies first."""
        chance = self.lanes[1].chance
        doomed, other = chance.sample(self.site.workers, 2)
        self._disturb()
        self.site.kill(other)
        self._count("worker")
        self._at_a_point(doomed, chance)
        self._disturb()
        self.site.start(other)

    def _at_a_point(self, part: Part, chance: random.Random) -> None:
        """The part dies when it is armed, and again at the point; one that never comes there at a random moment."""
        point = next(self._points[part.kind])
        times = chance.choice((1, 1, 1, 2))
        of_workers = part.kind == "worker"  # web hands no texts over
        if of_workers:
            self._disturb()
        self.site.start(part, f"{point}:{times}")
        self._count(part.kind)
        deadline = time.monotonic() + POINT_SECONDS
        while part.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        if of_workers:
            self._disturb()
        self._count(part.kind if part.alive else f"{part.kind} at {point}")
        self.site.start(part)
        if of_workers:
            self._disturb()

    def _freeze(self) -> None:
        """For longer than a lease; it goes on with what is no longer its own."""
        part = self.lanes[1].chance.choice(self.site.workers)
        self._disturb()
        part.signal(signal.SIGSTOP)
        time.sleep(self.freeze_seconds)
        self._disturb()  # before it hands over what it had in hand
        part.signal(signal.SIGCONT)
        self._count("worker frozen")

    # --- the database

    def _database(self) -> None:
        self._disturb()
        self.site.database.signal(signal.SIGKILL)
        self._count("database")
        self._up_again()

    def _backend(self) -> None:
        """One of its processes: the server ends all others, and recovers."""
        self._disturb()
        if not self.site.database.kill_backend(self.lanes[2].chance):
            return
        self._count("database backend")
        time.sleep(0.2)
        self._up_again()

    def _restart(self) -> None:
        self._disturb()
        self.site.database.signal(signal.SIGINT)
        self._count("database restarted")
        self._up_again()

    def _gone(self) -> None:
        """For longer than a lease: what is accepted meanwhile is nothing, what was is still there."""
        self._disturb()
        self.site.database.signal(signal.SIGINT)
        self._count("database gone")
        time.sleep(self.freeze_seconds)
        self._up_again()

    def _up_again(self) -> None:
        time.sleep(self.lanes[2].chance.uniform(0.0, 0.5))
        self.site.database.up()
        self._disturb()
