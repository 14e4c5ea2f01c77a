"""People of the small city by what they are."""

from __future__ import annotations

from datetime import timedelta

from changbei.core import clock
from changbei.network.models import Retailer, Vehicle
from changbei.people.models import Absence, Person, PostHolding


def holder(post: str, rank: int = 1) -> Person:
    """Who holds the first post of a kind."""
    return PostHolding.objects.filter(post__kind=post, rank=rank, until__isnull=True).order_by("pk")[0].person


def head() -> Person:
    return holder("leading-group-head")


def deputy() -> Person:
    return holder("leading-group-deputy")


def leave(person: Person, hours: int = 24) -> Absence:
    """Somebody travels now."""
    now = clock.now()
    return Absence.objects.create(
        person=person, starts_at=now, ends_at=now + timedelta(hours=hours), out_of_city=True, reachable=True
    )


def van(number: str = "1") -> Vehicle:
    return Vehicle.objects.select_related("keeper", "site__unit").get(number=number)


def breakdown(number: str = "1", **more: object) -> dict[str, object]:
    """The report of a broken van."""
    place = {"text": "示例路与样例街口", "longitude": 114.3, "latitude": 30.6}
    return {"vehicle": number, "place": place, "injured": False, "goods_aboard": True} | more


def ordering_down(**more: object) -> dict[str, object]:
    """The report that the ordering server fails, city-wide."""
    return {"fails": "server", "since": "2026-11-23T09:30:00+08:00", "stops_work": True} | more


def box(retailers: object = None, margin: float = 0.01) -> dict[str, object]:
    """A rectangle around these retailers, all of them when none are given."""
    rows = list((retailers or Retailer.objects).values_list("longitude", "latitude"))  # type: ignore[attr-defined]
    west, east = min(row[0] for row in rows) - margin, max(row[0] for row in rows) + margin
    south, north = min(row[1] for row in rows) - margin, max(row[1] for row in rows) + margin
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
