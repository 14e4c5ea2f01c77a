"""A random generator whose state is an array: the same seed gives the same search on every machine (splitmix64)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from changbei.compute.compiling import compiled

State = npt.NDArray[np.uint64]
_STEP, _MIX_A, _MIX_B = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def state_of(seed: int) -> State:
    """(1,) the state that a seed begins with."""
    return np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


@compiled
def share(state: State) -> float:
    """Uniform in [0, 1)."""
    state[0] += _STEP
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    z = z ^ (z >> _S31)
    return float(z >> _S11) * (1.0 / 9007199254740992.0)


@compiled
def below(state: State, count: int) -> int:
    """Uniform in 0 … count - 1; 0 for a count below 1."""
    return int(share(state) * count)
