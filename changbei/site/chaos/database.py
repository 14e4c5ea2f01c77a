"""The database of a chaos run: found dead, or hanging, and brought up again within a limit, whatever it is at."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from changbei.core.errors import Outside
from changbei.site.postgres import EmbeddedPostgres

COME_BACK_SECONDS = 20.0  # to stop, to recover and to answer
START_SECONDS = 15.0  # of these, for one start
ANSWER_SECONDS = 5
TRIES = 3
LOG_LINES = 8


class Database:
    """The embedded server from outside, as whoever is on duty sees it.

    `hung` is what it was found at, each time that it did not come back by itself.
    """

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.hung: list[str] = []

    def signal(self, kind: signal.Signals) -> None:
        if pid := self.server.postmaster():
            _signal(pid, kind)

    def kill_backend(self, chance: random.Random) -> bool:
        """SIGKILL to one of its processes that serve somebody; False when there is none."""
        serving = sorted(pid for pid, title in self._processes() if "[local]" in title)
        if serving:
            _signal(chance.choice(serving), signal.SIGKILL)
        return bool(serving)

    def up(self) -> None:
        """Until it answers. One that does not come back is ended with all its processes, and started again."""
        for _ in range(TRIES):
            if self._comes_back():
                return
            self.hung.append(self._seen())
            self.kill()
        raise Outside("the database does not come up again", permanent=True)

    def kill(self) -> None:
        """SIGKILL to every process it has, those included that the first one has left behind."""
        for pid, _ in self._processes():
            _signal(pid, signal.SIGKILL)

    def _comes_back(self) -> bool:
        deadline = time.monotonic() + COME_BACK_SECONDS
        while time.monotonic() < deadline:
            if not self.server.alive:
                with contextlib.suppress(Outside):  # its last process may still be there
                    self.server.start()
            if self.server.running and self._answers():
                return True
            time.sleep(0.05)
        return False

    def _answers(self) -> bool:
        limit = f"-c statement_timeout={ANSWER_SECONDS}s"
        try:
            with psycopg.connect(
                self.server.url, connect_timeout=ANSWER_SECONDS, options=limit
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _processes(self) -> Iterator[tuple[int, str]]:
        """Ids and titles of all processes that run in the cluster's folder."""
        folder = os.path.realpath(self.server.cluster)
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and os.readlink(process / "cwd") == folder:
                    title = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    yield int(process.name), title.strip()

    def _seen(self) -> str:
        """What its processes are at, and what it said last to somebody other than clients who came too early."""
        said = self.server.log_path.read_text(errors="replace").splitlines()
        last = [line for line in said if " FATAL: " not in line and " DETAIL: " not in line][-LOG_LINES:]
        processes = [f"{pid} {title[-40:]} in {_waits_in(pid)}" for pid, title in self._processes()]
        return (
            f"did not answer within {COME_BACK_SECONDS:g} s: {'; '.join(processes)}. Log: {' | '.join(last)}"
        )


def _waits_in(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/wchan").read_text().strip("0") or "its own code"
    return "nothing, it is gone"


def _signal(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, kind)
