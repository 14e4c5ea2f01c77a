"""What a sorting system needs: which cartons go on which van in which sequence, and what has changed since.

A list is remembered under the day's version when it is given, and compared with the day as it is when somebody asks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.delivery.models import DeliveryDay, SortingList, Stop

KEPT = timedelta(days=7)
LOADED = (
    Stop.Status.PLANNED,
    Stop.Status.HELD,
    Stop.Status.DELIVERED,
    Stop.Status.REFUSED,
    Stop.Status.ABSENT,
)


@dataclass(frozen=True)
class Load:
    """One customer's cartons. `van` "" when nobody drives there (yet); `urgent`: ordered during the day."""

    licence_no: str
    urgent: bool
    name: str
    van: str
    plate: str
    site: str
    sequence: int
    cartons: int
    goods: str  # aboard, site (to be fetched there), van (waits at a broken one)

    @property
    def key(self) -> str:
        return f"{self.licence_no}{'+' if self.urgent else ''}"


@dataclass(frozen=True)
class Changes:
    """From one list to the other. `changed`: as it is now, with what van, sequence, cartons and goods were."""

    added: tuple[Load, ...]
    removed: tuple[Load, ...]
    changed: tuple[tuple[Load, Load], ...]  # now, before


def loads(day: DeliveryDay) -> list[Load]:
    """All cartons of the day by van and sequence; held ones stay on their van's list. One query."""
    stops = Stop.objects.filter(day=day, status__in=LOADED)
    rows = [
        _load(stop) for stop in stops.select_related("retailer__line__site", "tour__vehicle", "tour__site")
    ]
    return sorted(rows, key=lambda one: (not one.van, len(one.van), one.van, one.sequence, one.key))


def _load(stop: Stop) -> Load:
    tour = stop.tour
    fetched = "site" if stop.goods_site_id is not None else "aboard"
    return Load(
        licence_no=stop.retailer.licence_no,
        urgent=stop.urgent,
        name=stop.retailer.name,
        van=tour.vehicle.number if tour else "",
        plate=tour.vehicle.plate if tour else "",
        site=tour.site.code if tour else stop.retailer.line.site.code,
        sequence=stop.sequence if tour else 0,
        cartons=stop.cartons,
        goods="van" if stop.goods_at_id is not None else fetched,
    )


def give(day: DeliveryDay) -> list[Load]:
    """The list as it is now; remembered under the day's version the first time it is given."""
    rows = loads(day)
    SortingList.objects.get_or_create(
        day=day,
        version=day.version,
        defaults={"rows": [asdict(one) for one in rows], "given_at": clock.now()},
    )
    SortingList.objects.filter(day__date__lt=day.date - KEPT).delete()
    return rows


def changes(day: DeliveryDay, since: int) -> Changes:
    """What is different from the list given at version `since`. NotFound when none was given then."""
    given = SortingList.objects.filter(day=day, version=since).first()
    if given is None:
        raise NotFound(f"no list of version {since} was given: ask for the whole list")
    before = {one.key: one for one in (Load(**row) for row in given.rows)}
    now = {one.key: one for one in loads(day)}
    return Changes(
        added=tuple(one for key, one in now.items() if key not in before),
        removed=tuple(one for key, one in before.items() if key not in now),
        changed=tuple((one, before[key]) for key, one in now.items() if key in before and before[key] != one),
    )
