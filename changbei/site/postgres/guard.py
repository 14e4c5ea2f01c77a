"""The process that owns an embedded PostgreSQL: it stops the server when nobody uses it any more.

Every user of the server holds a shared lock on one file. This guard starts the server and waits for the
exclusive lock, which the kernel grants when the last user has let go, however that user died. So a server
never stays behind, and one user leaving never takes the server from another. Should the guard itself be
killed, the kernel interrupts the server (PR_SET_PDEATHSIG), which then shuts down cleanly.

Started by `server` as `python -I -S guard.py '<orders as JSON>'`; standard library only, so that it starts
in milliseconds and stays small.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
FAST_STOP_SECONDS = 60
IMMEDIATE_STOP_SECONDS = 10
LONGEST_STOP_SECONDS = FAST_STOP_SECONDS + IMMEDIATE_STOP_SECONDS + 5

# struct flock of 64-bit Linux: type, whence, start, length, pid (0 for locks that belong to an open file).
FLOCK = struct.Struct("hhqqi4x")


class Guard:
    """One server, from its start to the moment its last user has gone."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.folders_to_remove = [Path(folder) for folder in orders["remove"]]
        self.lock_path = Path(orders["lock"])
        self.lock = os.open(self.lock_path, os.O_RDWR | os.O_CLOEXEC)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.stopping = False
        self.server = subprocess.Popen(
            orders["command"],
            env=orders["env"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            preexec_fn=self._die_with_guard,
            **orders["account"],
        )

    def _die_with_guard(self) -> None:
        """In the child, after it has changed its user (changing it would clear the setting)."""
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    def run(self) -> int:
        threading.Thread(target=self._leave_with_server, daemon=True).start()
        try:
            fcntl.fcntl(self.lock, fcntl.F_OFD_SETLKW, FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        finally:
            self.stopping = True
            self._stop()
        self._remove_folders()
        return 0

    def _leave_with_server(self) -> None:
        """A server that ended by itself leaves nothing to guard; the log says why it ended."""
        code = self.server.wait()
        if not self.stopping:
            os._exit(code if code > 0 else 1)

    def _stop(self) -> None:
        """Fast (roll back, write everything, end); failing that at once, which the log of writes survives."""
        first = signal.SIGQUIT if self.folders_to_remove else signal.SIGINT
        for kind, seconds in ((first, FAST_STOP_SECONDS), (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS)):
            self.server.send_signal(kind)
            try:
                self.server.wait(seconds)
                return
            except subprocess.TimeoutExpired:
                continue
        self.server.kill()
        self.server.wait()

    def _remove_folders(self) -> None:
        """The lock file last: as long as it is there, everybody sees that we are not done."""
        for folder in self.folders_to_remove:
            if not folder.exists():
                continue
            for path in folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path != self.lock_path:
                    path.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(1))
    return Guard(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    sys.exit(main())
