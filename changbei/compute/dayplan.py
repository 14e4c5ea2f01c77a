"""Whole-day lines: which van serves which customers in which sequence, for a day of some thousand stops.

Cluster first: stops go to depots with room for them, then each depot's are swept around it into sectors of a few vans
with equal work. Then the general solver improves each group of neighbouring vans, then again with the groups shifted by
half, so that borders between groups are worked on too, and now with a limit that evens the work out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from changbei.compute.pyvrp_seam import FleetStop, FleetVan, improve_routes
from changbei.core.errors import Invalid

IntArray = npt.NDArray[np.int64]

VANS_TOGETHER = 5
"""Vans handed to the solver at once: some 250 stops, which it improves well within a second."""
LEFT_OUT_SECONDS = 1_000_000
"""Price of a stop nobody serves, in driving seconds: leaving out is the last resort."""
ROUNDS = 3
"""The first finds good lines, the others make them even and work on what lay on a border."""


@dataclass(frozen=True, slots=True, eq=False)
class DayStops:
    """N stops: location (an index), size and service; windows in seconds of the day. Arrays of length N."""

    location: IntArray
    size: IntArray
    service_seconds: IntArray
    window_open_seconds: IntArray
    window_close_seconds: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class DayVans:
    """K vans: depot (location where it starts and ends), capacity and shift. Arrays of length K."""

    depot: IntArray
    capacity: IntArray
    shift_start_seconds: IntArray
    shift_end_seconds: IntArray


@dataclass(frozen=True, slots=True)
class DayPlan:
    """lines: per van its stops in sequence; left_out: stops nobody can serve; driving_seconds: of all lines;
    work_seconds: per van from the beginning of its shift to coming back, 0 when it stays."""

    lines: tuple[tuple[int, ...], ...]
    left_out: tuple[int, ...]
    driving_seconds: int
    work_seconds: tuple[int, ...]
    wall_seconds: float


def plan_day(
    travel_seconds: npt.NDArray[np.integer],
    stops: DayStops,
    vans: DayVans,
    *,
    x: Sequence[float] | npt.NDArray[np.floating],
    y: Sequence[float] | npt.NDArray[np.floating],
    seconds: float,
    seed: int,
    iterations: int | None = None,
    balance: float = 1.15,
) -> DayPlan:
    """Lines for a day; capacity, windows and shifts are hard.

    travel_seconds: (L, L) integers. x, y: (L,) plane or degree coordinates of the locations, for the sweep only. A line
    may last at most `balance` times an even share of its depot's work (never longer than the shift), unless stops
    would be left out for it. `seconds` is about the whole wall time; with `iterations` (per group and round) the clock
    is not looked at and the result depends on the arguments only. Raises `Invalid`.
    """
    began = time.perf_counter()
    _refuse_wrong(travel_seconds, stops, vans)
    job = _Day(travel_seconds, stops, vans, np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    lines = job.swept()
    limits = vans.shift_end_seconds
    rounds = [job.groups(half=bool(number % 2)) for number in range(ROUNDS)]
    ahead = sum(len(groups) for groups in rounds)
    for number, groups in enumerate(rounds):
        for group in groups:
            left = max(0.9 * seconds - (time.perf_counter() - began), 0.05)
            job.improve(group, lines, limits, seed + number, left / ahead, iterations)
            ahead -= 1
        limits = job.even_limits(lines, balance)
    job.place_left_out(lines, seed, seconds=0.1 * seconds, iterations=iterations)
    return _plan(job, lines, began)


class _Day:
    """The day's arrays and the steps of planning it."""

    def __init__(
        self,
        travel: npt.NDArray[np.integer],
        stops: DayStops,
        vans: DayVans,
        x: npt.NDArray[np.float64],
        y: npt.NDArray[np.float64],
    ) -> None:
        self.travel, self.stops, self.vans, self.x, self.y = travel, stops, vans, x, y
        self.fleet_stops = [
            FleetStop(location, size, service, opens, closes, LEFT_OUT_SECONDS)
            for location, size, service, opens, closes in zip(
                stops.location.tolist(),
                stops.size.tolist(),
                stops.service_seconds.tolist(),
                stops.window_open_seconds.tolist(),
                stops.window_close_seconds.tolist(),
                strict=True,
            )
        ]
        self.ring: dict[int, list[int]] = {}

    def swept(self) -> list[list[int]]:
        """First lines: each depot's stops in the order of the compass, cut into equal pieces of work, one per van."""
        lines: list[list[int]] = [[] for _ in range(len(self.vans.depot))]
        depots = sorted(set(self.vans.depot.tolist()))
        nearest = self._assigned(depots)
        for depot in depots:
            mine = np.flatnonzero(nearest == depot)
            crew = np.flatnonzero(self.vans.depot == depot).tolist()
            self.ring[depot] = crew
            if not len(mine):
                continue
            order = self._by_compass(mine, depot)
            work = self._work(order, depot)
            share = self.vans.capacity[crew] / max(int(self.vans.capacity[crew].sum()), 1)
            borders = np.searchsorted(np.cumsum(work), np.cumsum(share)[:-1] * work.sum())
            for van, piece in zip(crew, np.split(order, borders), strict=True):
                lines[van] = piece.tolist()
        return lines

    def _assigned(self, depots: list[int]) -> IntArray:
        """(N,) the depot of each stop: the nearest one, as long as its vans have room; who would lose most by going
        elsewhere chooses first."""
        there = self.travel[np.array(depots)[:, None], self.stops.location[None, :]].astype(np.int64)
        chosen: IntArray = np.array(depots, dtype=np.int64)[there.argmin(axis=0)]
        if len(depots) == 1:
            return chosen
        ranked = np.sort(there, axis=0)
        room = {d: int(self.vans.capacity[self.vans.depot == d].sum()) for d in depots}
        for stop in np.argsort(ranked[0] - ranked[1], kind="stable").tolist():
            size = int(self.stops.size[stop])
            by_distance = [depots[i] for i in np.argsort(there[:, stop], kind="stable").tolist()]
            depot = next((d for d in by_distance if room[d] >= size), by_distance[0])
            room[depot] -= size
            chosen[stop] = depot
        return chosen

    def _by_compass(self, stops: IntArray, depot: int) -> IntArray:
        """By direction from the depot, beginning after the widest empty sector."""
        where = self.stops.location[stops]
        angle = np.arctan2(self.y[where] - self.y[depot], self.x[where] - self.x[depot])
        order = np.argsort(angle, kind="stable")
        sorted_angle = angle[order]
        gaps = np.diff(np.append(sorted_angle, sorted_angle[0] + 2 * np.pi))
        begin = int(gaps.argmax()) + 1
        turned: IntArray = stops[np.roll(order, -begin)]
        return turned

    def _work(self, stops: IntArray, depot: int) -> npt.NDArray[np.float64]:
        """Relative work of each stop: half its share of the load, half its share of service and reaching it."""
        reach = self.travel[depot, self.stops.location[stops]]
        hours = self.stops.service_seconds[stops] + 0.02 * reach + 60.0
        size = self.stops.size[stops].astype(float)
        work: npt.NDArray[np.float64] = 0.5 * hours / hours.sum() + 0.5 * size / max(float(size.sum()), 1.0)
        return work

    def even_limits(self, lines: list[list[int]], balance: float) -> IntArray:
        """(K,) when each van should be back for its depot's work to be even; its shift end at the latest."""
        begins = self.vans.shift_start_seconds.tolist()
        limits: IntArray = self.vans.shift_end_seconds.copy()
        for crew in self.ring.values():
            back = [(van, self.schedule(van, lines[van])) for van in crew]
            work = sum(schedule[1] - begins[van] for van, schedule in back if schedule)
            share = int(balance * work / len(crew))
            limits[crew] = np.minimum(limits[crew], self.vans.shift_start_seconds[crew] + share)
        return limits

    def groups(self, *, half: bool) -> list[list[int]]:
        """Neighbouring vans, a handful together; `half` shifts the borders by half a group around the ring."""
        found: list[list[int]] = []
        for crew in self.ring.values():
            shift = VANS_TOGETHER // 2 if half and len(crew) > VANS_TOGETHER else 0
            turned = crew[shift:] + crew[:shift]
            pieces = max(1, round(len(turned) / VANS_TOGETHER))
            found += [piece.tolist() for piece in np.array_split(np.array(turned), pieces)]
        return found

    def improve(
        self,
        group: list[int],
        lines: list[list[int]],
        limits: IntArray,
        seed: int,
        seconds: float,
        iterations: int | None,
    ) -> None:
        """Exchange the group's lines for better ones within the limits, unless those would leave more stops out."""
        stops = [stop for van in group for stop in lines[van]]
        if not stops:
            return
        found = self._solved(group, stops, lines, limits, seed, seconds, iterations)
        if found is None:
            return
        hold_now = all(self.schedule(van, lines[van]) is not None for van in group)
        if hold_now and sum(map(len, found)) < len(stops):
            return
        for van, line in zip(group, found, strict=True):
            lines[van] = line

    def _solved(
        self,
        group: list[int],
        stops: list[int],
        lines: list[list[int]],
        limits: IntArray,
        seed: int,
        seconds: float,
        iterations: int | None,
    ) -> list[list[int]] | None:
        index = {stop: at for at, stop in enumerate(stops)}
        found = improve_routes(
            self.travel,
            [self._van(van, int(limits[van])) for van in group],
            [self.fleet_stops[stop] for stop in stops],
            [[index[stop] for stop in lines[van]] for van in group],
            seed=seed,
            seconds=seconds,
            iterations=iterations,
        )
        return None if found is None else [[stops[at] for at in row] for row in found]

    def _van(self, van: int, limit: int) -> FleetVan:
        depot = int(self.vans.depot[van])
        start, capacity = int(self.vans.shift_start_seconds[van]), int(self.vans.capacity[van])
        return FleetVan(depot, depot, start, max(limit, start), capacity)

    def place_left_out(
        self, lines: list[list[int]], seed: int, *, seconds: float, iterations: int | None
    ) -> None:
        """Lines that do not hold are cut to what holds; what is left out is offered to the emptiest vans once more."""
        for van, line in enumerate(lines):
            lines[van] = self._holding(van, line)
        served = {stop for line in lines for stop in line}
        waiting = [stop for stop in range(len(self.fleet_stops)) if stop not in served]
        if not waiting:
            return
        room = self.vans.capacity - np.array([int(self.stops.size[line].sum()) for line in lines])
        group = np.argsort(-room, kind="stable")[: 2 * VANS_TOGETHER].tolist()
        stops = [stop for van in group for stop in lines[van]] + waiting
        limit = self.vans.shift_end_seconds
        found = self._solved(group, stops, lines, limit, seed, max(seconds, 0.2), iterations)
        if found is not None and sum(map(len, found)) > len(stops) - len(waiting):
            for van, line in zip(group, found, strict=True):
                lines[van] = line

    def _holding(self, van: int, line: list[int]) -> list[int]:
        """The line without stops that break the capacity, a window or the shift."""
        kept: list[int] = []
        for stop in line:
            if self.schedule(van, [*kept, stop]) is not None:
                kept.append(stop)
        return kept if self.schedule(van, line) is None else line

    def schedule(self, van: int, line: list[int]) -> tuple[int, int] | None:
        """Driving seconds and the return of a line; None when it breaks a limit."""
        now, here = int(self.vans.shift_start_seconds[van]), int(self.vans.depot[van])
        depot, driving, load = here, 0, 0
        for stop in line:
            plain = self.fleet_stops[stop]
            leg = int(self.travel[here, plain.location])
            now = max(now + leg, plain.open_seconds)
            load += plain.size
            if now > plain.close_seconds or load > int(self.vans.capacity[van]):
                return None
            now, here, driving = now + plain.service_seconds, plain.location, driving + leg
        home = int(self.travel[here, depot]) if line else 0
        return None if now + home > int(self.vans.shift_end_seconds[van]) else (driving + home, now + home)


def _plan(job: _Day, lines: list[list[int]], began: float) -> DayPlan:
    schedules = [job.schedule(van, line) for van, line in enumerate(lines)]
    driving = sum(schedule[0] for schedule in schedules if schedule is not None)
    served = {stop for line in lines for stop in line}
    return DayPlan(
        lines=tuple(tuple(line) for line in lines),
        left_out=tuple(stop for stop in range(len(job.fleet_stops)) if stop not in served),
        driving_seconds=driving,
        work_seconds=tuple(
            schedule[1] - int(job.vans.shift_start_seconds[van]) if schedule is not None and lines[van] else 0
            for van, schedule in enumerate(schedules)
        ),
        wall_seconds=time.perf_counter() - began,
    )


def _refuse_wrong(travel: npt.NDArray[np.integer], stops: DayStops, vans: DayVans) -> None:
    if travel.ndim != 2 or travel.shape[0] != travel.shape[1] or not np.issubdtype(travel.dtype, np.integer):
        raise Invalid(
            "travel_seconds", f"must be a square integer matrix, is {travel.dtype}{list(travel.shape)}"
        )
    for name, record, length in (("stops", stops, len(stops.location)), ("vans", vans, len(vans.depot))):
        for column in record.__slots__:
            array = getattr(record, column)
            if len(array) != length:
                raise Invalid(f"{name}.{column}", f"has {len(array)} entries, expected {length}")
    for name, places in (("stops.location", stops.location), ("vans.depot", vans.depot)):
        if len(places) and not (int(places.min()) >= 0 and int(places.max()) < len(travel)):
            raise Invalid(name, f"must lie between 0 and {len(travel) - 1}")
    if not len(vans.depot):
        raise Invalid("vans", "no van")
