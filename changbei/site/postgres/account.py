"""The operating-system account that the server runs as. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from changbei.core.errors import Outside

CANDIDATES = ("changbei", "postgres", "nobody")


class PostgresFailed(Outside):
    """The embedded server cannot be prepared, started or stopped, or a given server is not fit for use."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


@dataclass(frozen=True)
class Account:
    """`changes`: it is another account than ours, that is, we are root."""

    name: str
    uid: int
    gid: int
    changes: bool

    def popen_arguments(self) -> dict[str, object]:
        """What `subprocess.Popen` needs to run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.changes else {}

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run as this account, with nothing of our environment. `stdout` has the errors too."""
        return subprocess.run(  # type: ignore[no-any-return, call-overload]
            [str(part) for part in command],
            cwd="/",
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.popen_arguments(),
        )

    def can(self, *command: str | Path) -> bool:
        """Whether a command succeeds as this account: asks the kernel instead of guessing from mode bits."""
        try:
            return self.run(*command).returncode == 0
        except OSError:
            return False


def choose_account(clusters: Sequence[Path]) -> Account:
    """Ourselves; as root the owner of the first cluster there is, else the first fitting account there is.

    CHANGBEI_PG_USER names an account to use instead of `changbei`, `postgres` or `nobody`.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(user_name(uid), uid, os.getegid(), changes=False)
    given = os.environ.get("CHANGBEI_PG_USER")
    entry = _owner(clusters) or _first_known((given,) if given else CANDIDATES)
    if entry is None or entry.pw_uid == 0:
        wanted = given or ", ".join(CANDIDATES)
        raise PostgresFailed(f"PostgreSQL does not run as root, and there is no user to run it ({wanted})")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, changes=True)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise PostgresFailed(f"user id {uid} has no name in /etc/passwd; PostgreSQL needs one") from None


def clean_environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no secrets, and no PG… variables that would change what it does."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _owner(clusters: Sequence[Path]) -> pwd.struct_passwd | None:
    for cluster in clusters:
        try:
            owner = cluster.stat().st_uid
            return pwd.getpwuid(owner) if owner != 0 else None
        except (FileNotFoundError, KeyError):
            continue
    return None


def _first_known(names: Sequence[str]) -> pwd.struct_passwd | None:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in names if name in known), None)
