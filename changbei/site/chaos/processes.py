"""The processes of the site: started, frozen, killed and found dead."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from changbei.core.errors import Outside
from changbei.site.chaos.database import Database
from changbei.site.chaos.nursery import Nursery
from changbei.site.supervisor import accepts_connections, choose_port

PATIENCE_SECONDS = 60.0


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

    def __init__(self, folder: Path, database: Database, nursery: Nursery) -> None:
        self.folder = folder
        self.database = database
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
        self.database.up()
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

    def kill_all(self) -> None:
        for part in self.parts:
            self.kill(part)
