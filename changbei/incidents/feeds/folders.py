"""A folder into which others put warnings: each file is read, then moved to `kept` or `refused`, reasons beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from changbei.core.errors import Outside
from changbei.incidents.cap.trees import LARGEST_BYTES

SETTLED_SECONDS = 2.0  # what was written to just now may not be whole
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
MOST_FILES = 500


@dataclass(frozen=True)
class Dropped:
    """A file as it lies there; of one that is too long only as much as shows that."""

    path: Path
    data: bytes


def dropped(folder: Path) -> Iterator[Dropped]:
    """The files that are whole, the oldest first. Raises Outside when the folder cannot be read."""
    try:
        found = [path for path in folder.iterdir() if _is_whole(path)]
        found.sort(key=lambda path: (path.stat().st_mtime, path.name))
    except OSError as error:
        raise Outside(f"the folder cannot be read: {error}", permanent=False) from error
    for path in found[:MOST_FILES]:
        try:
            with path.open("rb") as file:
                yield Dropped(path, file.read(LARGEST_BYTES + 1))
        except OSError as error:
            raise Outside(f"{path.name} cannot be read: {error}", permanent=False) from error


def _is_whole(path: Path) -> bool:
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED):
        return False
    return path.is_file() and not path.is_symlink() and time.time() - path.stat().st_mtime >= SETTLED_SECONDS


def put_away(path: Path, verdict: str, outcomes: Sequence[object]) -> Path:
    """Move a file that was taken in, with `<name>.outcome.json` beside it; nothing there is ever overwritten."""
    folder = path.parent / ("refused" if verdict == "refused" else "kept")
    try:
        folder.mkdir(exist_ok=True)
        target = folder / path.name
        number = 1
        while target.exists() or _beside(target).exists():
            number += 1
            target = folder / f"{path.stem}-{number}{path.suffix}"
        _beside(target).write_text(json.dumps(outcomes, ensure_ascii=False, indent=1), encoding="utf-8")
        path.rename(target)
    except OSError as error:
        raise Outside(f"{path.name} cannot be moved: {error}", permanent=False) from error
    return target


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.outcome.json")
