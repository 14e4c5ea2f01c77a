"""Packs from files: `read_folder`, `load_pack`, `pack_for`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from changbei.core.errors import Invalid, Problem
from changbei.plans import actions as declared
from changbei.plans.loading.files import digest_of
from changbei.plans.loading.pack import build
from changbei.plans.model import Pack

__all__ = ["digest_of", "load_pack", "pack_for", "read_folder"]

_SUFFIXES = {".yaml", ".yml", ".md"}
_LARGEST_FILE_BYTES = 1_000_000
_MOST_PACKS = 32
Key = tuple[str, frozenset[str] | None]  # digest, and the names of the actions it was held against
_read: dict[Key, Pack] = {}
_by_digest: dict[str, Pack] = {}
_lock = threading.Lock()


class Version(Protocol):
    """What `pack_for` needs of a models.PlanVersion."""

    digest: str
    files: Mapping[str, str]


def read_folder(folder: Path | str) -> dict[str, str]:
    """The texts of a pack's files by path relative to `folder`; hidden files and README.md are no part of it.

    Raises Invalid when the folder is missing or a file is no text.
    """
    root = Path(folder)
    if not root.is_dir():
        raise Invalid("folder", f"{root} is not a folder")
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or path.suffix not in _SUFFIXES or name == "README.md" or "/." in f"/{name}":
            continue
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            problems.append(Problem("", "the file is larger than 1 MB", name, 1, 1))
            continue
        try:
            files[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            problems.append(Problem("", f"not UTF-8 text (byte {error.start})", name, 1, 1))
    if problems:
        raise Invalid(problems=problems)
    return files


def load_pack(files: Mapping[str, str], *, check_actions: bool = True) -> Pack:
    """The pack that these files (path → text) make up; Invalid with every problem, each at its place.

    `check_actions=False` leaves out whether the product still offers the actions named: for versions that are
    already being carried out. Reading takes a second or two, so the same files are read once in a process.
    """
    digest = digest_of(files)
    actions = declared.registry() if check_actions else None
    key = (digest, frozenset(actions) if actions is not None else None)
    with _lock:
        pack = _read.get(key)
        if pack is None:
            pack, problems = build(files, actions)
            if pack is None or problems:
                raise Invalid(problems=problems)
            _keep(key, pack)
    return pack


def pack_for(version: Version) -> Pack:
    """The compiled pack of a stored version, kept by digest in this process."""
    return _by_digest.get(version.digest) or load_pack(version.files, check_actions=False)


def _keep(key: Key, pack: Pack) -> None:
    """A pack whose actions were checked serves those who do not ask for that, too."""
    _read[key] = _by_digest[pack.digest] = pack
    while len(_by_digest) > _MOST_PACKS:
        oldest = next(iter(_by_digest))
        del _by_digest[oldest]
        for other in [other for other in _read if other[0] == oldest]:
            del _read[other]
