"""Named points at which a chaos run lets a process end, as if the power had failed there.

`CHANGBEI_FAULT=notify.handed_over:3` ends the process, and what it has started in its group, when it comes to that
point for the third time: SIGKILL, nothing is tidied up. Without the variable a point costs one comparison. Only
`changbei chaos` sets it.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "CHANGBEI_FAULT"

IN_WEB = (
    "report.before_accept",
    "run.before_commit",
    "report.accepted",
)
IN_WORKER = (
    "timers.claimed",
    "run.before_commit",
    "timers.applied",
    "actions.claimed",
    "actions.performed",
    "reactions.begun",
    "reactions.before_commit",
    "notify.before_claim",
    "notify.claimed",
    "notify.handing_over",
    "notify.handed_over",
    "notify.marked",
    "receipts.asked",
    "receipts.taken",
    "seal.before_commit",
)

_armed: tuple[str, int] | None = None
_passed = 0
_lock = threading.Lock()


def arm(setting: str) -> None:
    """Die at a point: its name, `:` and how often it is passed, that time included; "" for never."""
    global _armed, _passed
    name, _, times = setting.partition(":")
    if name and name not in {*IN_WEB, *IN_WORKER}:
        raise ValueError(f"{VARIABLE}: there is no point {name!r}")
    _armed, _passed = ((name, int(times or "1")) if name else None), 0


def point(name: str) -> None:
    """Where a process may be made to end."""
    if _armed is not None:
        _pass(name)


def _pass(name: str) -> None:
    global _passed
    with _lock:
        if _armed is None or _armed[0] != name:
            return
        _passed += 1
        if _passed >= _armed[1]:
            os.killpg(0, signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
