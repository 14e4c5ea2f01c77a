"""The processes of the site and its database: started, frozen, killed and found dead."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from changbei.core.errors import Outside
from changbei.site.chaos.nursery import Nursery
from changbei.site.postgres import EmbeddedPostgres
from changbei.site.supervisor import accepts_connections, choose_port

PATIENCE_SECONDS = 60.0
DATABASE_SECONDS = 60.0  # for a server to stop, or to recover


@dataclass
class Part:
    """One process with its group. `handle` becomes readable when it has ended."""

    name: str
    kind: str
    pid: int = 0
    handle: int = -1
    fault: str = ""

    @property
    def alive(self) -> bool:
        return self.handle >= 0 and not select.select([self.handle], [], [], 0)[0]

    def signal(self, kind: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, kind)


class Site:
    """Web, two workers and the database."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, nursery: Nursery) -> None:
        self.folder = folder
        self.server = server
        self.nursery = nursery
        self.port = choose_port(None, first=8900)
        self.web = Part("web", "web")
        self.workers = [Part("worker-1", "worker"), Part("worker-2", "worker")]

    @property
    def parts(self) -> list[Part]:
        return [self.web, *self.workers]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, part: Part, fault: str = "") -> None:
        """Start a part anew, after killing what is left of it; `fault` is the point at which it is to die."""
        self.kill(part)
        part.fault = fault
        log = str(self.folder / f"{part.name}.log")
        part.pid = self.nursery.start(part.kind, log, fault=fault, port=self.port)
        part.handle = os.pidfd_open(part.pid)

    def kill(self, part: Part) -> None:
        """SIGKILL to the whole group, and wait until it is gone."""
        if part.handle < 0:
            return
        part.signal(signal.SIGKILL)
        select.select([part.handle], [], [], PATIENCE_SECONDS)
        os.close(part.handle)
        part.handle, part.fault = -1, ""

    def kill_below_web(self) -> bool:
        """SIGKILL to gunicorn's process, not to its master; False when there is none just now."""
        children = Path(f"/proc/{self.web.pid}/task/{self.web.pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
                return True
        return False

    def restore(self) -> None:
        """Everything runs again, nothing is going to die, and web answers."""
        self.start_database()
        for part in self.parts:
            if not part.alive or part.fault:
                self.start(part)
            else:
                part.signal(signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not accepts_connections(self.port):
            if time.monotonic() > deadline:
                raise Outside("web does not come up again", permanent=True)
            time.sleep(0.02)

    def start_database(self) -> None:
        """Until it takes connections: one that was killed may need a moment until its last process has gone."""
        deadline = time.monotonic() + DATABASE_SECONDS
        while self.server.alive and not self.server.running:
            if time.monotonic() > deadline:  # as whoever is on duty would
                self.signal_database(signal.SIGQUIT)
                deadline = time.monotonic() + DATABASE_SECONDS
            time.sleep(0.05)
        while True:
            try:
                self.server.start()
                return
            except Outside:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def postmaster(self) -> int:
        """The id of the database's first process, 0 when it does not run."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.server.cluster / "postmaster.pid").read_text().splitlines()[0])
        return 0

    def signal_database(self, kind: signal.Signals) -> None:
        if pid := self.postmaster():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)

    def backends(self) -> list[int]:
        """The database's processes that serve somebody."""
        postmaster = self.postmaster()
        found = []
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
                with contextlib.suppress(OSError):
                    title = Path(f"/proc/{child}/cmdline").read_bytes()
                    if b"[local]" in title:
                        found.append(int(child))
        return found

    def kill_process(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        for part in self.parts:
            self.kill(part)
