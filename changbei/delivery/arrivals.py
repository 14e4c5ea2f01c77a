"""When a van is expected at each door: driving, waiting for delivery hours and service, one stop after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from changbei.compute import geo
from changbei.core.clock import LOCAL
from changbei.network.models import Retailer, Site

DEPARTURE = time(8, 0)
SHIFT_END = time(17, 30)


def arrivals(on: date, site: Site, departs_at: datetime, shops: Sequence[Retailer]) -> list[datetime]:
    """The arrival at each shop in the sequence given, from the site."""
    if not shops:
        return []
    longitudes = [site.longitude, *(shop.longitude for shop in shops)]
    latitudes = [site.latitude, *(shop.latitude for shop in shops)]
    legs = geo.travel_seconds(longitudes, latitudes).diagonal(1)  # from each to the next
    moment, found = departs_at, []
    for shop, leg in zip(shops, legs, strict=True):
        moment += timedelta(seconds=int(leg))
        if shop.window_start:
            moment = max(moment, at_wall(on, shop.window_start))
        found.append(moment)
        moment += timedelta(seconds=shop.service_seconds)
    return found


def at_wall(on: date, wall: time) -> datetime:
    """A time of the wall clock on a day."""
    return datetime.combine(on, wall, LOCAL)


def window_at(on: date, wall: time | None) -> datetime | None:
    """One end of a delivery window on a day; None where there is none."""
    return at_wall(on, wall) if wall else None
