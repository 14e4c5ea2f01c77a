"""From when until when each customer may be served: delivery hours, and what closed areas leave of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from changbei.compute import closures, geo
from changbei.delivery import rules
from changbei.delivery.models import Closure, Stop

NEVER = 10**9
"""A second that no day has."""


class Hours:
    """Of each stop in seconds of the day (`seconds` of a moment). `shut`: keys of stops that nobody drives on to as it
    is; `before_closing`: of those that could be served after a closure instead.

    A road closed later is gone around from now on, as the way from place to place does not depend on the hour.
    """

    def __init__(self, seconds: Callable[[datetime], int], after_closing: Collection[int]) -> None:
        self._seconds, self._after_closing = seconds, after_closing
        self._opens: dict[int, int] = {}
        self._shuts: dict[int, int] = {}
        self.shut: set[int] = set()
        self.before_closing: set[int] = set()

    def close(
        self, closed: Sequence[Closure], stops: Sequence[Stop], *, now: datetime, home_by: datetime
    ) -> None:
        """Of several closures the strictest holds."""
        longitudes = [stop.retailer.longitude for stop in stops]
        latitudes = [stop.retailer.latitude for stop in stops]
        for one in closed:
            area = geo.polygon(one.area)
            inside = closures.inside([area], longitudes, latitudes).nonzero()[0].tolist()
            edge = closures.metres_to_edge(
                area, [longitudes[n] for n in inside], [latitudes[n] for n in inside]
            )
            for number, out in zip(inside, geo.CITY_ROADS.seconds(edge).tolist(), strict=True):
                stop = stops[number]
                found = rules.opening(
                    stop.expected_at or stop.planned_at,
                    timedelta(seconds=stop.service_seconds + round(out)),
                    since=one.since,
                    until=one.until,
                    now=now,
                    home_by=home_by,
                    after=stop.pk in self._after_closing,
                )
                self._limit(stop.pk, found)

    def _limit(self, pk: int, found: rules.Opening | None) -> None:
        if found is None or not found.reached:
            self.shut.add(pk)
        opens = NEVER if found is None else self._seconds(found.opens) if found.opens else 0
        self._opens[pk] = max(self._opens.get(pk, 0), opens)
        if found is not None and found.either:
            self.before_closing.add(pk)
        if found is not None and found.shuts is not None:
            self._shuts[pk] = min(self._shuts.get(pk, NEVER), self._seconds(found.shuts))

    def opens(self, stop: Stop) -> int:
        """The beginning of the delivery hours, and of a closed area's opening."""
        begins = self._seconds(stop.window_start) if stop.window_start else 0
        return max(begins, self._opens.get(stop.pk, 0))

    def closes(self, stop: Stop) -> int:
        """The end of the delivery hours, or when a closed area has to be left; a stop that is already expected later
        than its hours is not given up for that."""
        if self._opens.get(stop.pk) == NEVER:
            return 0
        shuts = self._shuts.get(stop.pk, NEVER)
        if stop.window_end is None:
            return shuts
        return min(self._seconds(max(stop.window_end, stop.expected_at or stop.planned_at)), shuts)
