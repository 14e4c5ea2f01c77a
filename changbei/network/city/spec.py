"""What is asked of the generator."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from changbei.core.errors import Invalid

STOPS_PER_LINE = 53
DELIVERY_WEEKDAYS = 5
FEWEST_RETAILERS = 60
FEWEST_VANS = 6


@dataclass(frozen=True)
class CitySpec:
    """Size and seed of a city.

    retailers: 60 and more. vans: on the road each weekday; None: as many as needed, about one for 53 stops
    a day. start_on: the day the duty roster and the absences lie around (`roster_weeks` before and after);
    give a Monday.
    """

    retailers: int = 12_000
    seed: int = 7
    vans: int | None = None
    start_on: date = date(2026, 11, 23)
    roster_weeks: int = 10

    def __post_init__(self) -> None:
        if self.retailers < FEWEST_RETAILERS:
            raise Invalid("retailers", f"a city needs at least {FEWEST_RETAILERS}, not {self.retailers}")
        if self.vans is not None and self.vans < FEWEST_VANS:
            raise Invalid("vans", f"five sites need at least {FEWEST_VANS} vans, not {self.vans}")
        if self.seed < 0:
            raise Invalid("seed", "must not be negative")

    @property
    def line_vans(self) -> int:
        """Vans with lines of their own, reserve vans not counted; a few more where lines would not hold otherwise."""
        if self.vans is not None:
            return self.vans
        return max(FEWEST_VANS, round(self.retailers / (STOPS_PER_LINE * DELIVERY_WEEKDAYS)))

    @property
    def reserve_vans_at_center(self) -> int:
        """The delivery centre keeps more than the one that E3.2.6 asks for; each transfer station keeps
        one.
        """
        return max(1, round(self.line_vans / 15))

    def stream(self, part: str) -> np.random.Generator:
        """The random numbers of one part of the city; a change in one part leaves the others as they were."""
        return np.random.default_rng([self.seed, zlib.crc32(part.encode())])
