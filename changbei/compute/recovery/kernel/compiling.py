"""The compiler's decorator with types, so that the rest can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Machine code on the first call, kept on disk for the next process. Integers only, so no fast-math."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
