"""The day laid out for the kernel: nodes, neighbours, kinds of vans."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from changbei.compute.dayplan.kernel.lines import CLOSES, OPENS, SERVICE, Ground
from changbei.compute.dayplan.model import LEFT_OUT_SECONDS, DayStops, DayVans
from changbei.compute.whole import IntArray

NEIGHBOURS = 100
"""Neighbours of a stop that are known; beside how many a place is looked for is the search's."""
REACH = 100
REACH_TIMED = 60
"""Looking beside more neighbours finds better lines by fewer rounds: it pays when no times are to be kept."""
ROWS_AT_ONCE = 256
WAITING_WEIGHT = 0.2
"""As in PyVRP: a neighbour one would wait for is a poorer one, and one that is met too late still poorer."""
FAR = 2**62

Travel = npt.NDArray[np.int32]


def stop_table(stops: DayStops) -> IntArray:
    """(N, 7) the columns of `Ground.stop`."""
    count = len(stops.location)
    none = np.full(count, -1)
    price = np.full(count, LEFT_OUT_SECONDS) if stops.price_seconds is None else stops.price_seconds
    usual = none if stops.usual_van is None else stops.usual_van
    dear = np.zeros(count) if stops.strange_seconds is None else stops.strange_seconds
    columns = (
        stops.size,
        stops.service_seconds,
        stops.window_open_seconds,
        stops.window_close_seconds,
        price,
        usual,
        dear,
    )
    return np.column_stack([np.asarray(column, dtype=np.int64) for column in columns]).reshape(count, 7)


def van_table(vans: DayVans) -> IntArray:
    """(K, 4) the columns of `Ground.van`."""
    columns = (vans.capacity, vans.shift_start_seconds, vans.shift_end_seconds, vans.depot)
    table = np.column_stack([np.asarray(column, dtype=np.int64) for column in columns])
    kind = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
    return np.column_stack([table[:, :3], kind]).astype(np.int64)


def is_timed(travel: Travel, stop: IntArray, van: IntArray) -> bool:
    """Whether windows and shifts can matter at all, however long the lines."""
    if not len(stop):
        return False
    longest = (len(stop) + 1) * int(travel.max()) + int(stop[:, SERVICE].sum())
    begins = int(van[:, 1].max())
    latest = min(int(stop[:, CLOSES].min()), int(van[:, 2].min()))
    return int(stop[:, OPENS].max()) > int(van[:, 1].min()) or latest < begins + longest


def neighbours(travel: Travel, location: IntArray, stop: IntArray, timed: bool) -> npt.NDArray[np.int32]:
    """(N, G) the stops closest to each, closest first, in whichever direction; waiting and lateness count too."""
    count = len(stop)
    known = min(NEIGHBOURS, max(count - 1, 0))
    found = np.zeros((count, known), dtype=np.int32)
    for begin in range(0, count, ROWS_AT_ONCE):
        rows = np.arange(begin, min(begin + ROWS_AT_ONCE, count))
        near = np.minimum(
            _far(travel[location[rows][:, None], location[None, :]], stop[rows, None], stop[None, :], timed),
            _far(travel[location[None, :], location[rows][:, None]], stop[None, :], stop[rows, None], timed),
        )
        near[np.arange(len(rows)), rows] = FAR
        part = np.argpartition(near, max(known - 1, 0), axis=1)[:, :known]
        order = np.argsort(np.take_along_axis(near, part, 1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(part, order, 1)
    return found


def _far(driving: Travel, here: IntArray, there: IntArray, timed: bool) -> npt.NDArray[np.int64]:
    """Driving, and what is waited or come too late at the next stop at best."""
    far = driving.astype(np.int64)
    if timed:
        served = here[..., SERVICE] + far
        wait = there[..., OPENS] - here[..., CLOSES] - served
        late = here[..., OPENS] + served - there[..., CLOSES]
        far = far + (WAITING_WEIGHT * np.maximum(wait, 0)).astype(np.int64) + np.maximum(late, 0)
    return far


def ground_for(
    travel: Travel,
    location: IntArray,
    depot: IntArray,
    stop: IntArray,
    van: IntArray,
    fair: npt.NDArray[np.float64],
    *,
    timed: bool,
    even: tuple[float, float],
    idle: float,
) -> Ground:
    """The kernel's ground; `even`: price of a percent, and tolerance; `idle`: price of a second of waiting."""
    prefers = even[0] > 0.0 or bool((stop[:, 5] >= 0).any())
    terms = [float(timed), float(prefers), even[0], even[1], float(REACH_TIMED if timed else REACH), idle]
    near = neighbours(travel, location, stop, timed)
    place = np.concatenate([location, depot, depot]).astype(np.int64)
    return Ground(travel, place, stop, van, near, fair, np.array(terms))
