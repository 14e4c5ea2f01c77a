"""A delivery day as a table: CSV for programs, Excel for people."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F

from changbei.compute import datum
from changbei.core import clock, sheets
from changbei.core.clock import LOCAL
from changbei.core.sheets import FORMATS, Cell
from changbei.delivery.exchange.columns import STOPS, TOLD
from changbei.delivery.models import DeliveryDay, Stop

__all__ = ["FORMATS", "headings", "write_day"]

WRITTEN = (
    "sequence",
    "cartons",
    "order_fen",
    "service_seconds",
    "window_start",
    "window_end",
    "planned_at",
    "expected_at",
    "status",
    "urgent",
    "tour__departs_at",
    "tour__vehicle__number",
    "tour__driver__staff_no",
    "retailer__licence_no",
    "retailer__name",
    "retailer__address",
    "retailer__longitude",
    "retailer__latitude",
)
"""What a row says: of 8,000 customers nothing else is read."""


def write_day(day: DeliveryDay, kind: str, *, coordinates: str = datum.WGS84) -> bytes:
    """The whole file; `kind` is one of FORMATS. A row a stop, by van and sequence; last those nobody drives to.

    `coordinates`: the system of its positions, of `datum.NAMES`. Raises Invalid for another one.
    """
    rows = _rows(day, coordinates)
    if kind == "csv":
        return sheets.as_csv(headings(), rows)
    titles = [column.heading["zh-Hans"] for column in STOPS.columns]
    return sheets.as_xlsx(STOPS.title["zh-Hans"], [*titles, *TOLD], rows)


def headings() -> list[str]:
    return [*(column.key for column in STOPS.columns), *TOLD]


def _rows(day: DeliveryDay, coordinates: str) -> Iterator[list[Cell]]:
    stops = Stop.objects.filter(day=day).select_related("retailer", "tour__vehicle", "tour__driver")
    ordered = stops.order_by(F("tour__vehicle__number").asc(nulls_last=True), "sequence", "pk").only(*WRITTEN)
    found = list(ordered)
    places = datum.out_of_wgs84(
        coordinates, [one.retailer.longitude for one in found], [one.retailer.latitude for one in found]
    )
    for stop, longitude, latitude in zip(found, *(degrees.tolist() for degrees in places), strict=True):
        tour, shop = stop.tour, stop.retailer
        yield [
            tour.vehicle.number if tour else "",
            stop.sequence if tour else "",
            shop.licence_no,
            stop.cartons,
            stop.order_fen,
            stop.service_seconds,
            clock.wall(stop.window_start),
            clock.wall(stop.window_end),
            clock.wall(tour.departs_at if tour else None),
            tour.driver.staff_no if tour and tour.driver else "",
            shop.name,
            shop.address,
            longitude,
            latitude,
            stop.planned_at.astimezone(LOCAL).isoformat(),
            stop.expected_at.astimezone(LOCAL).isoformat() if stop.expected_at else "",
            stop.status,
            "1" if stop.urgent else "",
        ]
