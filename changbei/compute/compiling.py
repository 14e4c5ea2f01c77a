"""The compiler's decorator with types, so that the rest can be checked; and where machine code is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
HERE = Path(__file__).parent
CONFIG: Any = numba.config
KEPT_SECONDS = 86_400  # a process that runs yet may still write into the folder of former sources


def folder_of(sources: Path, kept: Path) -> Path:
    """The folder under `kept` for machine code of what the folders `kernel` of these sources hold now. Old ones go.

    What a function calls is compiled into it, while the compiler looks for changes in the function's own file only.
    """
    digest = hashlib.sha256()
    for file in sorted(sources.rglob("kernel/*.py")):
        digest.update(file.relative_to(sources).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    found = kept / digest.hexdigest()[:16]
    if not found.exists():
        found.mkdir(parents=True, exist_ok=True)
        for other in kept.iterdir():
            with suppress(FileNotFoundError):  # another process may be doing the same
                if time.time() - other.stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(other, ignore_errors=True)
    return found


def _kept() -> Path:
    """Where NUMBA_CACHE_DIR says, else beside the modules; in the user's folder where that is not ours to write in."""
    if CONFIG.CACHE_DIR:
        return Path(CONFIG.CACHE_DIR) / "changbei"
    beside = HERE / "__pycache__"
    is_ours = os.access(beside if beside.exists() else HERE, os.W_OK)
    return (beside if is_ours else Path.home() / ".cache" / "changbei") / "machine-code"


CODE = folder_of(HERE, _kept())


def compiled(function: Function) -> Function:
    """Machine code on the first call, kept on disk for the next process. No fast-math: a result is the same everywhere.

    Without numba's runtime (`_nrt`) nobody counts who refers to which array, which took half the time. So it may not
    make an array, which the compiler refuses, nor return one.
    """
    return _machine_code(function, runtime=False)


def allocating(function: Function) -> Function:
    """The same for what makes arrays. Only Python and other allocating functions may call it for an array."""
    return _machine_code(function, runtime=True)


def _machine_code(function: Function, *, runtime: bool) -> Function:
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": runtime}
    before, CONFIG.CACHE_DIR = CONFIG.CACHE_DIR, str(CODE)
    try:
        return cast(Function, numba.njit(**options)(function))
    finally:
        CONFIG.CACHE_DIR = before
