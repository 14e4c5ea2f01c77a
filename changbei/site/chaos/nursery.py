"""A process that has loaded the program once and forks the site's processes off, so that a new one costs little.

It never touches the database and has no threads. Whoever holds the other end of its socket sends one JSON line per
process to start and gets the id of the process; when that end is closed, everything it has started is killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from changbei.core import faults

Order = Mapping[str, Any]
ANSWER_SECONDS = 60.0


class Nursery:
    """Our end: starts processes."""

    def __init__(self) -> None:
        """Forks at once: before this process has threads or connections."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            os._exit(_serve(theirs))
        theirs.close()
        self.socket = ours
        ours.settimeout(ANSWER_SECONDS)
        self.answers = ours.makefile("r")
        self._one = threading.Lock()

    def start(self, kind: str, log: str, *, fault: str = "", **options: Any) -> int:
        """Start a `web` or `worker` process, leader of its own group; its id."""
        order = {"kind": kind, "log": log, "fault": fault, **options}
        with self._one:
            self.socket.sendall(json.dumps(order).encode() + b"\n")
            return int(self.answers.readline())

    def close(self) -> None:
        """Kill everything that was started."""
        self.answers.close()
        self.socket.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _serve(connection: socket.socket) -> int:
    os.setsid()  # no Ctrl-C meant for the run
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system collects who has died
    started: list[int] = []
    with connection, connection.makefile("r") as orders:
        for line in orders:
            pid = os.fork()
            if pid == 0:
                _become(json.loads(line), connection)
            started.append(pid)
            connection.sendall(f"{pid}\n".encode())
    for pid in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
    return 0


def _become(order: Order, connection: socket.socket) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.detach()
        with open(order["log"], "ab") as log:
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
        faults.arm(order["fault"])
        PARTS[order["kind"]](order)
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - the process's own log
    finally:
        sys.stderr.flush()
        os._exit(code)


def _web(order: Order) -> None:
    """gunicorn as `changbei serve` runs it, with one process behind the master."""
    sys.argv = [
        "gunicorn",
        "changbei.site.wsgi:application",
        f"--bind=127.0.0.1:{order['port']}",
        "--workers=1",
        "--worker-class=gthread",
        "--threads=8",
        "--no-control-socket",
        "--log-level=warning",
    ]
    with contextlib.suppress(SystemExit):
        importlib.import_module("gunicorn.app.wsgiapp").run()


def _worker(_order: Order) -> None:
    importlib.import_module("changbei.site.worker").main(0.25)


PARTS: Mapping[str, Callable[[Order], None]] = {"web": _web, "worker": _worker}


def load() -> None:
    """Import what the processes need, once for all of them."""
    for name in ("changbei.site.wsgi", "changbei.site.urls", "changbei.site.worker", "gunicorn.app.wsgiapp"):
        importlib.import_module(name)
