"""Ends the supervisor's processes when the supervisor itself was killed.

The supervisor holds the other end of our standard input and writes `+123` when it starts process group 123
and `-123` when that has ended. End of file means the supervisor is gone: what is still on the list is asked
to stop, then killed. We run in a session of our own, so that no Ctrl-C reaches us. Standard library only,
started as `python -I -S watchdog.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 3.0


def main() -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups = watched(sys.stdin)
    tell(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(alive(group) for group in groups):
        time.sleep(0.05)
    tell(groups, signal.SIGKILL)
    return 0


def watched(lines: Iterable[str]) -> list[int]:
    """The process groups that are left when the input ends, the one started last first."""
    groups: list[int] = []
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.insert(0, group)
        elif group in groups:
            groups.remove(group)
    return groups


def tell(groups: Iterable[int], kind: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, kind)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())
