"""A table of stops, row by row, into tours; every wrong cell named with its file, line and column."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from changbei.core.texts import pick
from changbei.delivery.arrivals import DEPARTURE
from changbei.delivery.exchange.columns import STOPS
from changbei.delivery.models import Stop
from changbei.network.imports.problems import RowProblem, Wrong
from changbei.network.imports.sheets import Cells, Header, find_header, is_blank, open_sheets
from changbei.network.imports.values import plain
from changbei.network.models import Retailer, Vehicle
from changbei.people.models import Person

READ = {**STOPS.by_heading, "status": "status", "urgent": "urgent"}
"""Heading → column. The two that an export tells besides say which rows are no part of a plan."""
NOT_DRIVEN = (Stop.Status.CANCELLED, Stop.Status.POSTPONED)


@dataclass
class StopRow:
    """A stop as the file has it, its names resolved."""

    row: int
    van: Vehicle
    retailer: Retailer
    sequence: int | None
    cartons: int
    order_fen: int
    service_seconds: int
    window_start: time | None
    window_end: time | None
    departs_at: time
    driver: Person | None


@dataclass
class DayFile:
    """What a file holds. It is taken over only when `problems` is empty."""

    file: str
    rows: list[StopRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def said(self) -> list[str]:
        """The problems as lines: file, row, column, value, and what would be right."""
        return [f"{self.file}: {problem}" for problem in self.problems]

    def by_van(self) -> dict[int, list[StopRow]]:
        """Key of the van → its stops in the sequence of the drive."""
        tours: dict[int, list[StopRow]] = defaultdict(list)
        for one in self.rows:
            tours[one.van.pk].append(one)
        for stops in tours.values():
            stops.sort(key=lambda one: (one.sequence is None, one.sequence or 0, one.row))
        return dict(tours)


def read_day(path: Path, *, name: str = "") -> DayFile:
    """Parse and check a table. Reads the database, writes nothing; `name` is what the file is called to people."""
    found = DayFile(name or path.name)
    try:
        sheets = open_sheets(path, STOPS.by_heading)
        headed = [(one, header) for one in sheets if (header := find_header(one, READ))]
        if not headed:
            raise Wrong(
                _("no row has the headings of this table; expected are: %(expected)s")
                % {"expected": _wanted()}
            )
    except Wrong as wrong:
        found.problems.append(RowProblem(0, "", "", str(wrong)))
        return found
    sheet, header = max(headed, key=lambda pair: len(pair[1].positions))
    for column in STOPS.columns:
        if column.required and column.key not in header.positions:
            names = " / ".join(column.heading.values())
            message = _("the column is missing; its heading is %(names)s") % {"names": names}
            found.problems.append(RowProblem(0, column.heading["zh-Hans"], "", message))
    if not found.problems:
        _Rows(found, header).take(sheet.rows)
    return found


def _wanted() -> str:
    return ", ".join(column.heading["zh-Hans"] for column in STOPS.columns if column.required)


class _Rows:
    def __init__(self, found: DayFile, header: Header) -> None:
        self.found, self.header = found, header
        self.vans = {van.number.casefold(): van for van in Vehicle.objects.select_related("site", "keeper")}
        self.people = {one.staff_no.casefold(): one for one in Person.objects.filter(active=True)}
        self.shops: dict[str, Retailer] = {}
        self.seen: dict[str, int] = {}

    def take(self, rows: list[Cells]) -> None:
        below = [
            (number, cells)
            for number, cells in enumerate(rows[self.header.row :], start=self.header.row + 1)
            if not is_blank(cells) and not self._is_past(cells)
        ]
        licences = {plain(self.header.cell("licence_no", cells)) for _number, cells in below}
        shops = Retailer.objects.filter(licence_no__in=licences).select_related("line")
        self.shops = {shop.licence_no: shop for shop in shops}
        for number, cells in below:
            self._row(number, cells)
        if not self.found.rows and not self.found.problems:
            self.found.problems.append(RowProblem(0, "", "", _("there are headings, but no rows below them")))
        self._check_tours()

    def _is_past(self, cells: Cells) -> bool:
        """Whether the row tells of goods that are no part of a plan: cancelled, moved to another day, ordered during
        the day."""
        return (
            plain(self.header.cell("status", cells)) in NOT_DRIVEN
            or plain(self.header.cell("urgent", cells)) == "1"
        )

    def _row(self, number: int, cells: Cells) -> None:
        before = len(self.found.problems)
        values: dict[str, Any] = {}
        for column in STOPS.columns:
            cell = self.header.cell(column.key, cells)
            try:
                if not plain(cell):
                    if column.required:
                        raise Wrong(
                            _("is missing; %(hint)s") % {"hint": pick(column.hint, get_language() or "")}
                        )
                    values[column.key] = column.default
                else:
                    values[column.key] = column.convert(cell)
            except Wrong as wrong:
                self._problem(number, column.key, cells, str(wrong))
        if len(self.found.problems) == before:
            self._resolve(number, cells, values)

    def _resolve(self, number: int, cells: Cells, values: dict[str, Any]) -> None:
        before = len(self.found.problems)
        van = self.vans.get(values["van"].casefold())
        shop = self.shops.get(values["licence_no"])
        driver = self.people.get((values["driver"] or "").casefold())
        if van is None:
            self._problem(number, "van", cells, _("there is no such van; give the number of one that exists"))
        if shop is None or not shop.active:
            self._problem(number, "licence_no", cells, _("there is no such customer, or not any more"))
        if values["driver"] and driver is None:
            self._problem(number, "driver", cells, _("nobody has this staff number"))
        first = self.seen.setdefault(values["licence_no"], number)
        if first != number:
            self._problem(
                number,
                "licence_no",
                cells,
                _("stands in row %(row)d already; one stop a customer") % {"row": first},
            )
        if van is None or shop is None or len(self.found.problems) > before:
            return
        opens, closes = values["window_start"], values["window_end"]
        is_said = opens is not None or closes is not None
        opens = shop.window_start if opens is None else opens
        closes = shop.window_end if closes is None else closes
        if is_said and opens is not None and closes is not None and closes <= opens:
            message = _("must be after the beginning of the delivery hours")
            self._problem(number, "window_end", cells, message)
            return
        service = values["service_seconds"]
        self.found.rows.append(
            StopRow(
                row=number,
                van=van,
                retailer=shop,
                sequence=values["sequence"],
                cartons=values["cartons"],
                order_fen=values["order_fen"],
                service_seconds=shop.service_seconds if service is None else service,
                window_start=opens,
                window_end=closes,
                departs_at=values["departs_at"] or DEPARTURE,
                driver=driver or van.keeper,
            )
        )

    def _check_tours(self) -> None:
        """What one row cannot know: a van's load, one departure and one driver per van, each place on it once."""
        for stops in self.found.by_van().values():
            van, first = stops[0].van, stops[0]
            load = sum(one.cartons for one in stops)
            if load > van.capacity_cartons:
                message = _("this van takes %(most)d cartons, the file gives it %(load)d") % {
                    "most": van.capacity_cartons,
                    "load": load,
                }
                self._say(first, "van", van.number, message)
            places: dict[int, int] = {}
            for one in stops:
                if one.departs_at != first.departs_at:
                    said = _("row %(row)d says another time for this van") % {"row": first.row}
                    self._say(one, "departs_at", f"{one.departs_at:%H:%M}", said)
                if one.driver != first.driver:
                    said = _("row %(row)d names another driver for this van") % {"row": first.row}
                    self._say(one, "driver", one.driver.staff_no if one.driver else "", said)
                if one.sequence is not None and places.setdefault(one.sequence, one.row) != one.row:
                    said = _("row %(row)d has this place on the tour already") % {"row": places[one.sequence]}
                    self._say(one, "sequence", str(one.sequence), said)
        self.found.problems.sort(key=lambda problem: problem.row)

    def _problem(self, number: int, key: str, cells: Cells, message: str) -> None:
        value = plain(self.header.cell(key, cells))
        self.found.problems.append(RowProblem(number, self._heading(key), value, message))

    def _say(self, one: StopRow, key: str, value: str, message: str) -> None:
        self.found.problems.append(RowProblem(one.row, self._heading(key), value, message))

    def _heading(self, key: str) -> str:
        return self.header.headings.get(key) or STOPS.by_key[key].heading["zh-Hans"]
