"""What is said about lines so that two sets of them can be compared: driving, evenness, compactness, familiarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from changbei.compute.dayplan.model import DayStops, DayVans


@dataclass(frozen=True, slots=True)
class Figures:
    """most_…: of the van with most, over the mean of the vans that drive (1.0 is even). between_seconds: mean driving
    from one customer to the next, without the ways from and to the depot. strangers: customers whose usual van does not
    come. late: customers after their window, or after whose visit the van comes back after its shift."""

    vans: int
    stops: int
    driving_seconds: int
    most_stops: float
    most_hours: float
    most_cartons: float
    between_seconds: float
    strangers: int
    late: int


def figures(
    travel_seconds: npt.NDArray[np.integer], stops: DayStops, vans: DayVans, lines: Sequence[Sequence[int]]
) -> Figures:
    """Lines as they would be driven; they need not hold their limits."""
    counts, hours, cartons = [], [], []
    driving = between = legs = strangers = late = 0
    for van, line in enumerate(lines):
        if not line:
            continue
        places = [int(vans.depot[van]), *(int(stops.location[stop]) for stop in line), int(vans.depot[van])]
        way = travel_seconds[places[:-1], places[1:]].astype(np.int64).tolist()
        now = int(vans.shift_start_seconds[van])
        for leg, stop in zip(way, line, strict=False):
            now = max(now + leg, int(stops.window_open_seconds[stop]))
            late += now > int(stops.window_close_seconds[stop])
            now += int(stops.service_seconds[stop])
        now += way[-1]
        late += now > int(vans.shift_end_seconds[van])
        driving, between, legs = driving + sum(way), between + sum(way[1:-1]), legs + len(way) - 2
        counts.append(len(line))
        hours.append(now - int(vans.shift_start_seconds[van]))
        cartons.append(int(stops.size[list(line)].sum()))
        if stops.usual_van is not None:
            usual = stops.usual_van[list(line)]
            strangers += int(((usual >= 0) & (usual != van)).sum())
    return Figures(
        vans=len(counts),
        stops=sum(counts),
        driving_seconds=driving,
        most_stops=_most(counts),
        most_hours=_most(hours),
        most_cartons=_most(cartons),
        between_seconds=round(between / legs, 1) if legs else 0.0,
        strangers=strangers,
        late=late,
    )


def _most(values: Sequence[int]) -> float:
    return round(max(values) * len(values) / max(sum(values), 1), 3) if values else 1.0
