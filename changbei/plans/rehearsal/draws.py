"""The random numbers of a rehearsal: drawn in blocks, the same for the same seed, run, step and purpose.

Two rehearsals with the same seed differ only by what was changed between them (common random numbers), so that a
difference of some minutes is the change's and not the dice's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MICRO = 1_000_000
_LONGEST = 60 * 86400 * MICRO
BLOCK = 256

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Times:
    """Lognormal columns: half of the values lie below exp(mu) seconds."""

    mu: list[float]
    sigma: list[float]


@dataclass(slots=True)
class Draws:
    """What is drawn for one run. Times are microseconds.

    times and deputies by column, chances by step in [0, 1), away by person: until when nobody is reached, or 0.
    """

    times: list[int]
    deputies: list[int]
    chances: list[float]
    away: list[int]


def draws(
    seed: int,
    runs: int,
    times: Times,
    *,
    chances: int,
    people: int,
    no_answer_share: float,
    back: tuple[float, float],
) -> Iterator[Draws]:
    """Draws for each run in order. `back` is mu and sigma of coming back, in seconds."""
    mu, sigma = np.asarray(times.mu), np.asarray(times.sigma)
    for block in range(-(-runs // BLOCK)):
        streams = [np.random.default_rng([seed, block, purpose]) for purpose in range(4)]
        count = min(BLOCK, runs - block * BLOCK)
        values = _lognormal(streams[0], mu, sigma)[:count].tolist()
        deputies = _lognormal(streams[1], mu, sigma)[:count].tolist()
        luck = streams[2].random((BLOCK, chances))[:count].tolist()
        missing = streams[3].random((BLOCK, people)) < no_answer_share
        until = _lognormal(streams[3], np.full(people, back[0]), np.full(people, back[1]))
        away = np.where(missing, until, 0)[:count].tolist()
        for row in range(count):
            yield Draws(values[row], deputies[row], luck[row], away[row])


def _lognormal(stream: np.random.Generator, mu: Floats, sigma: Floats) -> npt.NDArray[np.int64]:
    seconds = np.exp(mu + sigma * stream.standard_normal((BLOCK, len(mu))))
    whole: npt.NDArray[np.int64] = np.minimum(seconds * MICRO, _LONGEST).astype(np.int64) + 1
    return whole
