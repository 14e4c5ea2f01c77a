"""A day to be planned, and its plan, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from changbei.compute.roads import UNREACHABLE_SECONDS
from changbei.compute.whole import HUGE, IntArray, is_whole
from changbei.core.errors import Invalid, Problem

LEFT_OUT_SECONDS = 1_000_000
"""Price of a stop nobody serves, in driving seconds, unless it has a price of its own: the last resort."""
MOST_SECONDS = 10**8
"""No way is longer."""


@dataclass(frozen=True, slots=True, eq=False)
class DayStops:
    """N stops: location (an index), size and service; windows in seconds of the day. Arrays of length N.

    price_seconds: what leaving a stop out costs, in driving seconds. usual_van: the van whose driver knows the
    customer, -1 for none; strange_seconds: what it costs when another van comes.
    """

    location: IntArray
    size: IntArray
    service_seconds: IntArray
    window_open_seconds: IntArray
    window_close_seconds: IntArray
    price_seconds: IntArray | None = None
    usual_van: IntArray | None = None
    strange_seconds: IntArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DayVans:
    """K vans: depot (location where it starts and ends), capacity and shift. Arrays of length K."""

    depot: IntArray
    capacity: IntArray
    shift_start_seconds: IntArray
    shift_end_seconds: IntArray


@dataclass(frozen=True, slots=True)
class Even:
    """How even lines are to be: a van's stops, hours (waiting counts) and cartons may each reach `tolerance` times its
    fair share (of its depot's, by length of shift and by capacity); every percent beyond costs `percent_seconds` of
    driving."""

    tolerance: float = 1.1
    percent_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class DayPlan:
    """lines: per van its stops in sequence; left_out: stops nobody serves; driving_seconds: of all lines;
    work_seconds: per van from the beginning of its shift to coming back, 0 when it stays; strangers: stops that
    have a usual van and get another."""

    lines: tuple[tuple[int, ...], ...]
    left_out: tuple[int, ...]
    driving_seconds: int
    work_seconds: tuple[int, ...]
    strangers: int
    rounds: int
    wall_seconds: float


class InvalidDay(Invalid, ValueError):
    """A day that cannot be planned as it was given; carries everything wrong with it."""


def refuse_wrong(
    travel: npt.NDArray[np.integer],
    stops: DayStops,
    vans: DayVans,
    usual_lines: Sequence[Sequence[int]] | None = None,
) -> None:
    """Raises `InvalidDay` that names every array, and the first wrong entry of each."""
    if travel.ndim != 2 or travel.shape[0] != travel.shape[1] or not np.issubdtype(travel.dtype, np.integer):
        found = f"{travel.dtype}{list(travel.shape)}"
        raise InvalidDay("travel_seconds", f"must be a square integer matrix, is {found}")
    wrong = [*_shapes(stops, vans)]
    if not wrong:
        wrong += _values(travel, stops, vans)
    if not wrong:
        wrong += [problem for _stop, problem in refused_stops(travel, stops, vans)]
        wrong += _lines_named(usual_lines, len(stops.location), len(vans.depot))
    if wrong:
        raise InvalidDay(problems=wrong)


def refused_stops(
    travel: npt.NDArray[np.integer], stops: DayStops, vans: DayVans
) -> list[tuple[int, Problem]]:
    """Stops that no van could serve on any day, and why: to be mended where they come from, or kept out of the day."""
    found: list[tuple[int, Problem]] = []

    def refused(name: str, bad: npt.NDArray[np.bool_], say: Callable[[int], str]) -> None:
        found.extend((int(at), Problem(f"stops.{name}", say(int(at)))) for at in np.flatnonzero(bad))

    opens, closes = np.asarray(stops.window_open_seconds), np.asarray(stops.window_close_seconds)
    largest = int(np.max(vans.capacity))
    refused(
        "size",
        np.asarray(stops.size) > largest,
        lambda at: f"entry {at} is {stops.size[at]}, the largest van takes {largest}",
    )
    refused(
        "window_close_seconds",
        closes < opens,
        lambda at: f"entry {at} closes at {closes[at]}, before it opens at {opens[at]}",
    )
    depots, at = np.unique(vans.depot).astype(np.int64), np.asarray(stops.location, dtype=np.int64)
    both = np.maximum(travel[depots[:, None], at[None, :]], travel[at[None, :], depots[:, None]])
    refused(
        "location",
        both.min(axis=0) >= UNREACHABLE_SECONDS,
        lambda stop: f"entry {stop}, place {at[stop]}, cannot be reached from any depot and back",
    )
    return found


def _shapes(stops: DayStops, vans: DayVans) -> Iterator[Problem]:
    if not np.size(vans.depot):
        yield Problem("vans", "no van")
    for name, record, length in (
        ("stops", stops, np.size(stops.location)),
        ("vans", vans, np.size(vans.depot)),
    ):
        for column in record.__slots__:
            array = getattr(record, column)
            if array is None:
                continue
            array = np.asarray(array)
            if array.shape != (length,):
                found = f"has {len(array)} entries" if array.ndim else "is a single number"
                yield Problem(f"{name}.{column}", f"{found}, expected {length} entries")
                continue
            if array.dtype.kind not in "biuf":
                yield Problem(f"{name}.{column}", f"must be whole numbers, is {array.dtype}")
                continue
            for at in np.flatnonzero(~is_whole(array))[:1]:
                yield Problem(f"{name}.{column}", f"entry {at} is {array[at]}, not a whole number")


def _values(travel: npt.NDArray[np.integer], stops: DayStops, vans: DayVans) -> Iterator[Problem]:
    low, high = (int(travel.min()), int(travel.max())) if travel.size else (0, 0)
    if low < 0 or high > MOST_SECONDS:
        row, column = np.argwhere((travel < 0) | (travel > MOST_SECONDS))[0].tolist()
        found = travel[row, column]
        yield Problem(
            "travel_seconds", f"entry [{row}, {column}] is {found}, allowed are 0 to {MOST_SECONDS}"
        )
    places, crew = len(travel) - 1, len(vans.depot) - 1
    limits = {
        "stops.location": (stops.location, 0, places),
        "stops.size": (stops.size, 0, HUGE),
        "stops.service_seconds": (stops.service_seconds, 0, MOST_SECONDS),
        "stops.window_open_seconds": (stops.window_open_seconds, -HUGE, HUGE),
        "stops.window_close_seconds": (stops.window_close_seconds, -HUGE, HUGE),
        "stops.price_seconds": (stops.price_seconds, 0, HUGE),
        "stops.usual_van": (stops.usual_van, -1, crew),
        "stops.strange_seconds": (stops.strange_seconds, 0, HUGE),
        "vans.depot": (vans.depot, 0, places),
        "vans.capacity": (vans.capacity, 0, HUGE),
        "vans.shift_start_seconds": (vans.shift_start_seconds, -HUGE, HUGE),
        "vans.shift_end_seconds": (vans.shift_end_seconds, -HUGE, HUGE),
    }
    for name, (array, least, most) in limits.items():
        if array is None:
            continue
        for at in np.flatnonzero((np.asarray(array) < least) | (np.asarray(array) > most))[:1]:
            yield Problem(name, f"entry {at} is {array[at]}, allowed are {least} to {most}")
    for at in np.flatnonzero(np.asarray(vans.shift_end_seconds) < np.asarray(vans.shift_start_seconds))[:1]:
        yield Problem("vans.shift_end_seconds", f"entry {at} lies before the shift begins")


def _lines_named(usual: Sequence[Sequence[int]] | None, stops: int, vans: int) -> Iterator[Problem]:
    if usual is None:
        return
    if len(usual) != vans:
        yield Problem("usual_lines", f"has {len(usual)} lines for {vans} vans")
    named = [stop for line in usual for stop in line]
    unknown = [stop for stop in named if not 0 <= stop < stops]
    if unknown:
        yield Problem("usual_lines", f"names the unknown stop {unknown[0]}")
    elif len(set(named)) < len(named):
        twice = next(stop for stop in named if named.count(stop) > 1)
        yield Problem("usual_lines", f"names stop {twice} twice")
