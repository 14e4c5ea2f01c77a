"""Who uses a server: a lock file that every user holds shared and the guard wants for itself.

The locks belong to open files (F_OFD_…), so the kernel drops them when a user dies, and can say who holds
them.
"""

from __future__ import annotations

import enum
import fcntl
import os
from pathlib import Path

from changbei.site.postgres.guard import FLOCK


class Usage(enum.IntEnum):
    """What a lock file tells: `USED` by somebody, the guard is `STOPPING` the server, or `FREE`."""

    USED = fcntl.F_RDLCK
    STOPPING = fcntl.F_WRLCK
    FREE = fcntl.F_UNLCK


def usage_of(path: Path) -> Usage:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return Usage.FREE
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        return Usage(FLOCK.unpack(answer)[0])
    finally:
        os.close(handle)


def use(path: Path) -> int | None:
    """Hold the lock (until the returned handle is closed); waits while the guard stops the server.

    None when the file was removed meanwhile, with its folder: make the folder and try again.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    fcntl.fcntl(handle, fcntl.F_OFD_SETLKW, FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
    if _is_at(path, handle):
        return handle
    os.close(handle)
    return None


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
