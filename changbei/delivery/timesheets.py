"""Driving times on disk: per day a matrix between the places asked for so far, grown when new ones are.

One file with `points` (k, 2) and `seconds` (k, k), replaced as a whole: of two who write at once the last one's counts,
and what it lacks is computed again. Sheets of days long gone are deleted when one is written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from changbei.compute.roads import Point, Seconds
from changbei.core import clock

Ask = Callable[[Sequence[Point], Sequence[Point]], Seconds]
Degrees = npt.NDArray[np.float64]
KEPT_BEFORE, KEPT_AFTER = timedelta(days=2), timedelta(days=14)
"""Of today: sheets beyond are deleted. Days are planned ahead over holidays of up to nine days."""


def exists(folder: Path, on: date, name: str) -> bool:
    """Whether there is a sheet of this day."""
    return _path(folder, on, name).exists()


def missing(folder: Path, on: date, name: str, points: Sequence[Point]) -> int:
    """How many of these places are not on the sheet yet."""
    sheet = _read(folder, on, name)
    known = set(map(tuple, sheet[0].tolist())) if sheet else set()
    return len(set(points) - known)


def between(folder: Path, on: date, name: str, points: Sequence[Point], ask: Ask) -> Seconds:
    """(n, n) seconds between the points; what the sheet lacks is asked for and written down."""
    sheet = _read(folder, on, name)
    places, seconds = sheet if sheet else (np.zeros((0, 2)), np.zeros((0, 0), dtype=np.int32))
    number = {(float(lon), float(lat)): index for index, (lon, lat) in enumerate(places.tolist())}
    new = [one for one in dict.fromkeys(points) if one not in number]
    if new:
        known: list[Point] = list(number)
        grown = np.zeros((len(known) + len(new), len(known) + len(new)), dtype=np.int32)
        grown[: len(known), : len(known)] = seconds
        grown[len(known) :, :] = ask(new, [*known, *new])
        grown[: len(known), len(known) :] = ask(known, new)
        np.fill_diagonal(grown, 0)
        number |= {one: len(known) + index for index, one in enumerate(new)}
        _write(folder, on, name, np.array([*known, *new]), grown)
        seconds = grown
    rows = np.array([number[one] for one in points], dtype=np.intp)
    found: Seconds = np.ascontiguousarray(seconds[rows[:, None], rows[None, :]])
    return found


def _path(folder: Path, on: date, name: str) -> Path:
    return folder / "times" / f"{on.isoformat()}-{name[:24]}.npz"


def _read(folder: Path, on: date, name: str) -> tuple[Degrees, Seconds] | None:
    try:
        with np.load(_path(folder, on, name)) as sheet:
            return sheet["points"], sheet["seconds"]
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None


def _write(folder: Path, on: date, name: str, points: Degrees, seconds: Seconds) -> None:
    path = _path(folder, on, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}")
    with fresh.open("wb") as file:
        np.savez(file, points=points, seconds=seconds)
    fresh.replace(path)
    today = clock.today()
    first, last = (today - KEPT_BEFORE).isoformat(), (today + KEPT_AFTER).isoformat()
    for old in path.parent.glob("*.npz"):
        if old != path and not first <= old.name[:10] <= last:
            old.unlink(missing_ok=True)
