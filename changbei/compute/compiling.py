"""The compiler's decorator with types, so that the rest can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


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
    return cast(Function, numba.njit(**options)(function))
