"""A day to be planned, and its plan, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from changbei.core.errors import Invalid

IntArray = npt.NDArray[np.int64]

LEFT_OUT_SECONDS = 1_000_000
"""Price of a stop nobody serves, in driving seconds, unless it has a price of its own: the last resort."""


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
    """How even lines are to be: a van's stops, hours and cartons may each reach `tolerance` times its fair share (of
    its depot's, by length of shift and by capacity); every percent beyond costs `percent_seconds` of driving."""

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


def refuse_wrong(travel: npt.NDArray[np.integer], stops: DayStops, vans: DayVans) -> None:
    """Raises `Invalid` that names the array."""
    if travel.ndim != 2 or travel.shape[0] != travel.shape[1] or not np.issubdtype(travel.dtype, np.integer):
        raise Invalid(
            "travel_seconds", f"must be a square integer matrix, is {travel.dtype}{list(travel.shape)}"
        )
    for name, record, length in (("stops", stops, len(stops.location)), ("vans", vans, len(vans.depot))):
        for column in record.__slots__:
            array = getattr(record, column)
            if array is not None and len(array) != length:
                raise Invalid(f"{name}.{column}", f"has {len(array)} entries, expected {length}")
    for name, places in (("stops.location", stops.location), ("vans.depot", vans.depot)):
        if len(places) and not (int(places.min()) >= 0 and int(places.max()) < len(travel)):
            raise Invalid(name, f"must lie between 0 and {len(travel) - 1}")
    if not len(vans.depot):
        raise Invalid("vans", "no van")
    if stops.usual_van is not None and len(stops.usual_van) and int(stops.usual_van.max()) >= len(vans.depot):
        raise Invalid("stops.usual_van", f"must lie below {len(vans.depot)}")
