"""Processor time of a piece of work: of this program and of the database server that worked for it.

Wall time depends on what else the machine does; processor time hardly does. Standard library only: the peers' own
environments read it, too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """`with Meter(postmaster) as used:` then `used.cpu`, `used.server`, `used.both` and `used.wall` in seconds; and
    `used.stolen`, of all cores together: when the machine is a guest, what its host gave to others meanwhile.
    """

    def __init__(self, postmaster: int) -> None:
        self.postmaster = postmaster
        self.cpu = self.server = self.wall = self.stolen = 0.0

    def __enter__(self) -> Meter:
        self._began = self._now()
        return self

    def __exit__(self, *_error: object) -> None:
        self.cpu, self.server, self.wall, self.stolen = (
            after - before for before, after in zip(self._began, self._now(), strict=True)
        )

    def _now(self) -> tuple[float, float, float, float]:
        return time.process_time(), server_seconds(self.postmaster), time.perf_counter(), stolen_seconds()

    @property
    def both(self) -> float:
        return self.cpu + self.server


def server_seconds(postmaster: int) -> float:
    """All processes of a server: those that run, and those that have ended."""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(folder.name) == postmaster:
            total += sum(int(fields[place]) for place in (11, 12, 13, 14))
        elif int(fields[1]) == postmaster:
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def stolen_seconds() -> float:
    """Of all cores since the machine began: what its host gave to others while there was work to do."""
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()
    return int(fields[8]) / TICKS


def tree_seconds(process: int) -> float:
    """A process and what it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS
    return own + sum(tree_seconds(int(child)) for child in children)


def parent_of(process: int) -> int:
    """The process that has started this one: of a database session, the postmaster."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
