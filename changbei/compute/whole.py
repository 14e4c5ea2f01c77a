"""Whole numbers as callers give them: lists, arrays, single numbers; what is none is refused by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from changbei.core.errors import Invalid

IntArray = npt.NDArray[np.int64]
Integers = Sequence[int] | npt.NDArray[np.integer]

HUGE = 2**40
"""No number is larger, nor less than -HUGE, so that sums of them fit an int64."""


def whole_number(name: str, value: SupportsIndex, least: int | None = None) -> int:
    """A number of Python or NumPy. Raises `Invalid` when it is not whole, or less than `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise Invalid(name, f"must be a whole number, is {value!r}") from None
    if least is not None and number < least:
        raise Invalid(name, f"is {number}, must be {least} or more")
    return number


def whole_numbers(
    name: str, values: Integers | SupportsIndex, length: int | None = None, *, endless: bool = False
) -> IntArray:
    """(length,) whole numbers that cannot be changed; a single one stands for every entry. endless: whatever is larger
    than HUGE, infinity too, becomes HUGE. Raises `Invalid` that names the first entry that is not whole or too large.
    """
    try:
        given = np.asarray(values)
        given = np.full(length, given) if given.ndim == 0 and length is not None else given.reshape(-1)
        numbers = given if given.dtype.kind in "bi" else given.astype(np.float64)
    except (TypeError, ValueError):
        raise Invalid(name, "must be whole numbers, in one row") from None
    if length is not None and len(given) != length:
        raise Invalid(name, f"has {len(given)} entries, expected {length}")
    if endless:
        numbers = np.minimum(numbers, HUGE)
    for at in np.flatnonzero(~is_whole(numbers))[:1]:
        raise Invalid(name, f"entry {at} is {given[at]}, not a whole number")
    for at in np.flatnonzero((numbers > HUGE) | (numbers < -HUGE))[:1]:
        raise Invalid(name, f"entry {at} is {given[at]}, allowed are {-HUGE} to {HUGE}")
    array = numbers.astype(np.int64)
    array.setflags(write=False)
    return array


def is_whole(numbers: npt.NDArray[np.number]) -> npt.NDArray[np.bool_]:
    """Which entries are finite and whole."""
    if numbers.dtype.kind in "biu":
        return np.ones(numbers.shape, dtype=np.bool_)
    found: npt.NDArray[np.bool_] = np.isfinite(numbers) & (np.floor(numbers) == numbers)
    return found


def sequences(name: str, rows: Iterable[Integers]) -> tuple[tuple[int, ...], ...]:
    """Rows of whole numbers."""
    return tuple(tuple(whole_numbers(f"{name}[{at}]", row).tolist()) for at, row in enumerate(rows))
