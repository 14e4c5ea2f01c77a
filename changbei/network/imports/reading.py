"""A file, row by row, into values and problems."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from changbei.compute import datum
from changbei.core.errors import Invalid
from changbei.core.texts import pick
from changbei.network.imports import values as convert
from changbei.network.imports.checking import (
    Key,
    Known,
    Values,
    check_duplicates,
    check_fit,
    folded,
    swapped,
    within,
)
from changbei.network.imports.columns import Column, Kind
from changbei.network.imports.kinds import KINDS
from changbei.network.imports.problems import RowProblem, Wrong
from changbei.network.imports.sheets import Cells, Header, Sheet, find_header, is_blank, open_sheets

NOTHING = {"-", "—", "–", "/"}
"""What people write where nothing is to stand."""


@dataclass(frozen=True)
class GoodRow:
    """A row without a fault: its number in the file, and its values with references as ids."""

    row: int
    values: Values
    of: int | None = None  # id of what it changes, with the columns that are written; None: it is new
    further: bool = (
        False  # only one more of what `Kind.repeats` says; the rest is with the first row of its key
    )


@dataclass
class Parsed:
    """What a file holds. `wrong_rows`: the cells of rows with problems, as they stand in the file. `update`: rows of
    what is there already change it.
    """

    kind: Kind
    file: str
    update: bool = False
    sha256: str = ""
    sheet: str = ""
    rows: list[GoodRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    wrong_rows: dict[int, Cells] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """False when the file as a whole could not be understood: then not even good rows are taken."""
        return not any(problem.row == 0 for problem in self.problems)


def read(path: Path, kind_name: str, *, coordinates: str = datum.WGS84, update: bool = False) -> Parsed:
    """Parse and check `path` as a file of one of the `KINDS`. Reads the database, writes nothing.

    `coordinates`: the system that the file's longitude and latitude are in, of `datum.NAMES`; rows carry WGS-84.
    `update`: a row of what is there already changes it, in those cells that are filled. Raises Invalid for another
    system, and for updates of a kind that has no key.
    """
    kind = KINDS[kind_name]
    if update and not kind.key:
        raise Invalid("update", f"{kind_name} can only be added to")
    parsed = Parsed(kind, path.name, update)
    try:
        sheets = open_sheets(path, kind.by_heading)
        parsed.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        sheet, header = _best_sheet(sheets, kind)
    except Wrong as wrong:
        parsed.problems.append(RowProblem(0, "", "", str(wrong)))
        return parsed
    parsed.sheet, parsed.ignored_columns = sheet.name, header.unknown
    parsed.headings = list(header.cells)
    if _header_is_whole(parsed, header):
        Rows(parsed, header, Known(kind, update=update)).take(sheet)
    _to_wgs84(parsed, coordinates)
    return parsed


def _to_wgs84(parsed: Parsed, coordinates: str) -> None:
    placed = [row.values for row in parsed.rows if "longitude" in row.values]
    found = datum.into_wgs84(
        coordinates, [row["longitude"] for row in placed], [row["latitude"] for row in placed]
    )
    for values, longitude, latitude in zip(placed, *(degrees.tolist() for degrees in found), strict=True):
        values["longitude"], values["latitude"] = longitude, latitude


def _best_sheet(sheets: list[Sheet], kind: Kind) -> tuple[Sheet, Header]:
    """The sheet whose headings fit best; Wrong when none does."""
    found = [(sheet, header) for sheet in sheets if (header := find_header(sheet, dict(kind.by_heading)))]
    if found:
        return max(found, key=lambda pair: len(pair[1].positions))
    if all(is_blank(row) for sheet in sheets for row in sheet.rows):
        raise Wrong(_("the file is empty"))
    names = ", ".join(sheet.name for sheet in sheets if sheet.name)
    expected = ", ".join(column.heading["zh-Hans"] for column in kind.columns if column.required)
    where = _("no sheet (%(names)s)") % {"names": names} if names else _("no row")
    raise Wrong(
        _(
            "%(where)s has the headings of this kind of file within its first ten rows; expected are: %(expected)s"
        )
        % {"where": where, "expected": expected}
    )


def _header_is_whole(parsed: Parsed, header: Header) -> bool:
    for heading in header.doubled:
        parsed.problems.append(RowProblem(0, heading, "", _("the heading stands there twice")))
    for column in parsed.kind.columns:
        needed = column.key in parsed.kind.key if parsed.update else column.required
        if needed and column.key not in header.positions:
            names = " / ".join(column.heading.values())
            parsed.problems.append(
                RowProblem(
                    0,
                    column.heading["zh-Hans"],
                    "",
                    _("the column is missing; its heading is %(names)s") % {"names": names},
                )
            )
    return parsed.is_usable


@dataclass
class _First:
    """The row in which a thing stands first. `filled`: what is said of it so far. `given`: what repeats, and the row
    that says it.
    """

    row: int
    values: Values
    filled: set[str]
    is_good: bool
    given: dict[Any, int]


class Rows:
    """The rows below the header, one after the other. `empty_stays`: an empty cell leaves what is there; else only a
    column that the header lacks does.
    """

    def __init__(self, parsed: Parsed, header: Header, known: Known, *, empty_stays: bool = True) -> None:
        self.parsed, self.header, self.known = parsed, header, known
        self.empty_stays = empty_stays
        self.seen: dict[Key, int] = {}
        self.firsts: dict[Key, _First] = {}
        self.posts_given: dict[tuple[int, int], int] = {}

    def take(self, sheet: Sheet) -> None:
        for number, cells in enumerate(sheet.rows[self.header.row :], start=self.header.row + 1):
            if not is_blank(cells):
                self.take_row(number, cells)
        if not self.parsed.rows and not self.parsed.problems:
            self.parsed.problems.append(
                RowProblem(0, "", "", _("there are headings, but no rows below them"))
            )

    def take_row(self, number: int, cells: Cells) -> None:
        """One row: among the good ones, or its problems."""
        before = len(self.parsed.problems)
        kind, known, values = self.parsed.kind, self.known, Values()
        bad = self._fill(values, kind.identifying, number, cells)
        of = known.row_of(values) if self.parsed.update else None
        first = self.firsts.get(folded(values, kind.key)) if kind.repeats and not bad else None
        filled = [one for one in kind.describing if self._says(one, cells)]
        bad |= self._fill(values, filled if first or of is not None else kind.describing, number, cells)
        if first:
            whole = first.values | dict.fromkeys(kind.repeats) | values
            findings = [*_further(kind, values, first), *check_fit(kind, whole, known)]
        else:
            findings = [*check_duplicates(kind, values, known, self.seen, number)]
            findings += check_fit(kind, values, known)
        for key, message in [*findings, *self._posts_twice(values, number)]:
            if key not in bad:
                self._problem(number, key, cells, message)
        is_good = len(self.parsed.problems) == before
        if is_good and first:
            values = self._joined(values, first, number)
        elif kind.repeats and not first and not bad.intersection(kind.key):
            said = {one.key for one in filled}
            given = {values.get(kind.repeats[0]): number}
            self.firsts[folded(values, kind.key)] = _First(number, values, said, is_good, given)
        if is_good:
            self.parsed.rows.append(GoodRow(number, values, of, further=first is not None))
        else:
            self._explain_swap(before, cells)
            self.parsed.wrong_rows[number] = cells

    def _joined(self, values: Values, first: _First, number: int) -> Values:
        """Of a further row what repeats; the rest goes to the first one."""
        kind = self.parsed.kind
        own = {name: value for name, value in values.items() if name in (*kind.key, *kind.repeats)}
        more = values.keys() - own.keys() - first.filled
        first.values.update({name: values[name] for name in more})
        first.filled |= more
        first.given[values[kind.repeats[0]]] = number
        return own

    def _fill(self, values: Values, columns: Iterable[Column], number: int, cells: Cells) -> set[str]:
        """The values of these columns, names of other things as their ids; the columns that are wrong."""
        bad: set[str] = set()
        for column in columns:
            try:
                value = self._value(column, cells)
                if column.reference and value:
                    value = self.known.find(column.reference, within(column.reference, value, values))
                values[column.key] = value
            except Wrong as wrong:
                values[column.key] = None
                bad.add(column.key)
                self._problem(number, column.key, cells, str(wrong))
        return bad

    def _says(self, column: Column, cells: Cells) -> bool:
        return not self._is_empty(column, cells) if self.empty_stays else column.key in self.header.positions

    def _is_empty(self, column: Column, cells: Cells) -> bool:
        cell = self.header.cell(column.key, cells)
        return cell is None or (isinstance(cell, str) and not convert.plain(cell))

    def _value(self, column: Column, cells: Cells) -> Any:
        cell = self.header.cell(column.key, cells)
        if self._is_empty(column, cells):
            if column.required:
                language = get_language() or ""
                hint = f"{pick(column.heading, language)}: {pick(column.hint, language)}"
                raise Wrong(_("is missing; %(hint)s") % {"hint": hint})
            return column.default
        if not column.required and convert.plain(cell) in NOTHING:
            return column.default
        return column.convert(cell)

    def _problem(self, number: int, key: str, cells: Cells, message: str) -> None:
        heading = self.header.headings.get(key) or self.parsed.kind.by_key[key].heading["zh-Hans"]
        value = convert.plain(self.header.cell(key, cells)).replace("\0", "␀")
        self.parsed.problems.append(RowProblem(number, heading, value, message))

    def _posts_twice(self, values: Values, number: int) -> list[tuple[str, str]]:
        post, rank = values.get("post"), values.get("rank")
        if not post or rank is None:
            return []
        first = self.posts_given.setdefault((post, rank), number)
        return (
            [] if first == number else [("rank", _("row %(row)d gives this rank already") % {"row": first})]
        )

    def _explain_swap(self, before: int, cells: Cells) -> None:
        """One plain sentence instead of two about limits, when longitude and latitude changed places."""
        pair = {key: convert.plain(self.header.cell(key, cells)) for key in ("longitude", "latitude")}
        if not swapped(pair):
            return
        headings = {self.header.headings.get(key) for key in pair}
        for index in range(before, len(self.parsed.problems)):
            problem = self.parsed.problems[index]
            if problem.column in headings:
                message = _("longitude and latitude have changed places")
                self.parsed.problems[index] = RowProblem(problem.row, problem.column, problem.value, message)


def _further(kind: Kind, values: Values, first: _First) -> Iterable[tuple[str, str]]:
    """Yields what a further row of the same key says otherwise, or once more."""
    repeated = kind.repeats[0]
    if not values.get(repeated):
        yield kind.key[-1], _("stands in row %(row)d already") % {"row": first.row}
        return
    if values[repeated] in first.given:
        yield repeated, _("stands in row %(row)d already") % {"row": first.given[values[repeated]]}
    if not first.is_good:
        yield kind.key[-1], _("row %(row)d, which says the rest, is wrong") % {"row": first.row}
        return
    for name in sorted(values.keys() & first.filled - {*kind.key, *kind.repeats}):
        if values[name] != first.values[name]:
            yield name, _("says otherwise than row %(row)d of the same") % {"row": first.row}
