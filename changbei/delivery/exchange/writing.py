"""A delivery day as a table: CSV for programs, Excel for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import xlsxwriter
from django.db.models import F

from changbei.compute import datum
from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.delivery.exchange.columns import STOPS, TOLD
from changbei.delivery.models import DeliveryDay, Stop

FORMATS = ("csv", "xlsx")
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""
Cell = str | int | float
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
    rows = list(_rows(day, coordinates))
    return _xlsx(rows) if kind == "xlsx" else _csv(rows)


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


def _csv(rows: list[list[Cell]]) -> bytes:
    """UTF-8 with a mark, so that Excel opens it rightly."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings())
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RISKY) else cell


def _xlsx(rows: list[list[Cell]]) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as workbook:
        bold = workbook.add_format({"bold": True, "bg_color": "#DDEBF7"})
        sheet = workbook.add_worksheet(STOPS.title["zh-Hans"])
        titles = [column.heading["zh-Hans"] for column in STOPS.columns]
        for position, title in enumerate([*titles, *TOLD]):
            sheet.write_string(0, position, title, bold)
        for number, row in enumerate(rows, start=1):
            for position, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, position, cell)
                else:
                    sheet.write_number(number, position, cell)
        sheet.set_column(0, len(titles) + len(TOLD) - 1, 14)
        sheet.freeze_panes(1, 0)
    return data.getvalue()
