"""What is drawn: a stop as the map needs it, positions, points and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from changbei.delivery.models import Stop
from changbei.network.features import feature
from changbei.network.models import Vehicle

Json = dict[str, Any]
Position = list[float]
DEGREES_KEPT = 5  # about a metre

SERVED = frozenset({Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT})


@dataclass(frozen=True)
class Call:
    """A stop as the map needs it."""

    pk: int
    tour: int | None
    sequence: int
    longitude: float
    latitude: float
    status: str
    planned_at: datetime
    expected_at: datetime | None
    done_at: datetime | None
    line: int
    name: str
    licence: str

    @property
    def position(self) -> Position:
        return at(self.longitude, self.latitude)

    @property
    def is_open(self) -> bool:
        return self.status == Stop.Status.PLANNED


_FIELDS = (
    "pk",
    "tour_id",
    "sequence",
    "retailer__longitude",
    "retailer__latitude",
    "status",
    "planned_at",
    "expected_at",
    "done_at",
    "retailer__line_id",
    "retailer__name",
    "retailer__licence_no",
)


def calls_of(stops: QuerySet[Stop]) -> list[Call]:
    """The stops in their order, in one query."""
    return [Call(*row) for row in stops.values_list(*_FIELDS)]


def around(spots: Sequence[tuple[float, float]]) -> list[float]:
    """West, south, east, north, with a margin."""
    margin = 0.01
    longitudes, latitudes = [x for x, _y in spots], [y for _x, y in spots]
    return [
        min(longitudes) - margin,
        min(latitudes) - margin,
        max(longitudes) + margin,
        max(latitudes) + margin,
    ]


def van_title(vehicle: Vehicle) -> str:
    return _("Van %(number)s") % {"number": vehicle.number}


def at(longitude: float, latitude: float) -> Position:
    return [round(longitude, DEGREES_KEPT), round(latitude, DEGREES_KEPT)]


def point(position: Position, properties: Mapping[str, Any], number: int) -> Json:
    return feature({"type": "Point", "coordinates": position}, properties, number)


def stroke(path: Sequence[Position], properties: Mapping[str, Any], number: int) -> Json:
    return feature({"type": "LineString", "coordinates": list(path)}, properties, number)
