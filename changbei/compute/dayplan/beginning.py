"""Lines to begin with: those driven so far, or savings (Clarke and Wright) depot by depot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from changbei.compute.dayplan.day import Day
from changbei.compute.dayplan.kernel.lines import SIZE
from changbei.compute.dayplan.kernel.savings import join
from changbei.compute.whole import IntArray


def begin(day: Day, usual: Sequence[Sequence[int]] | None) -> None:
    """First lines; then everybody who is on none."""
    if usual is None:
        _save(day)
    else:
        for van, line in enumerate(usual):
            day.lay_what_holds(van, line)
    day.share_fairly()
    day.serve_the_others()
    day.share_fairly()


def _save(day: Day) -> None:
    """Each depot's stops joined to trips; the largest go to the largest vans."""
    nearest = _nearest_depot(day)
    for depot in np.unique(day.depot).tolist():
        crew = np.flatnonzero(day.depot == depot)
        mine = np.flatnonzero(nearest == depot)
        if not len(mine):
            continue
        by_room = crew[np.argsort(-day.van[crew, 0], kind="stable")]
        for van, trip in zip(by_room.tolist(), _trips(day, depot, crew, mine), strict=False):
            day.lay_what_holds(van, trip)


def _nearest_depot(day: Day) -> IntArray:
    """(N,) the nearest depot, as long as its vans have room; who would lose most elsewhere chooses first."""
    depots = np.unique(day.depot)
    there = day.travel[depots[:, None], day.location[None, :]].astype(np.int64)
    chosen: IntArray = depots[there.argmin(axis=0)]
    if len(depots) == 1:
        return chosen
    ranked = np.sort(there, axis=0)
    room = {int(depot): int(day.van[day.depot == depot, 0].sum()) for depot in depots}
    for stop in np.argsort(ranked[0] - ranked[1], kind="stable").tolist():
        size = int(day.stop[stop, SIZE])
        by_distance = depots[np.argsort(there[:, stop], kind="stable")].tolist()
        depot = next((one for one in by_distance if room[one] >= size), by_distance[0])
        room[depot] -= size
        chosen[stop] = depot
    return chosen


def _trips(day: Day, depot: int, crew: IntArray, mine: IntArray) -> list[list[int]]:
    """Stops joined where that saves most, those with most goods first."""
    first, second = _pairs(day, mine)
    at = day.location[mine]
    out, home = day.travel[depot, at].astype(np.int64), day.travel[at, depot].astype(np.int64)
    saved = home[first] + out[second] - day.travel[at[first], at[second]]
    order = np.argsort(-saved, kind="stable")
    order = order[saved[order] > 0]
    hours = (int(day.van[crew, 1].min()), int(day.van[crew, 2].max()))
    room = int(day.van[crew, 0].max())
    table = day.stop[mine]
    turnable = not day.timed and _is_symmetric(day)
    route, head, after = join(
        day.travel, at, table, depot, hours, room, first[order], second[order], turnable
    )
    trips = []
    for top in np.unique(route).tolist():
        trip, here = [], int(head[top])
        while here >= 0:
            trip.append(int(mine[here]))
            here = int(after[here])
        trips.append(trip)
    return sorted(trips, key=lambda trip: -int(day.stop[trip, SIZE].sum()))


def _pairs(day: Day, mine: IntArray) -> tuple[IntArray, IntArray]:
    """Neighbours among these stops, both ways round; numbers within `mine`."""
    near = day.ground.near[mine]
    rank = np.full(len(day.stop), -1)
    rank[mine] = np.arange(len(mine))
    first, second = np.repeat(np.arange(len(mine)), near.shape[1]), rank[near.ravel()]
    first, second = first[second >= 0], second[second >= 0]
    return np.concatenate([first, second]), np.concatenate([second, first])


def _is_symmetric(day: Day) -> bool:
    """Judged by up to 64 rows."""
    some = slice(None, None, max(1, len(day.travel) // 64))
    return bool(np.array_equal(day.travel[some], day.travel[:, some].T))
