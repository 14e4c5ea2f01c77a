"""Rows of cells out of Excel and CSV files, whatever wrote them."""

from __future__ import annotations

import csv
import io
import pickle
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from changbei.network.imports import unpacking
from changbei.network.imports.problems import Wrong

EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
CSV_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})
DELIMITERS = ",;\t|，；"
BIGGEST_BYTES = 100_000_000
HEADER_WITHIN_ROWS = 10
PATIENCE_SECONDS = 120

Cells = list[Any]


@dataclass(frozen=True)
class Sheet:
    """A named sheet; row 1 of the spreadsheet is `rows[0]`."""

    name: str
    rows: list[Cells]


@dataclass(frozen=True)
class Header:
    """Where the headings are: `row` counts from 1; per known column its position and its heading as written."""

    row: int
    positions: dict[str, int]
    headings: dict[str, str]
    unknown: tuple[str, ...]
    doubled: tuple[str, ...]
    cells: tuple[str, ...]

    def cell(self, key: str, cells: Cells) -> Any:
        """What a row has in this column; None where the file has no such column, or the row ends before it."""
        position = self.positions.get(key)
        return cells[position] if position is not None and position < len(cells) else None


def fold(heading: Any) -> str:
    """A heading as it is compared: full-width letters made plain, no white space, no marks for required fields."""
    text = unicodedata.normalize("NFKC", str(heading)).casefold()
    return "".join(char for char in text if not char.isspace() and char not in "*:_-﹡").partition("(")[0]


def open_sheets(path: Path, headings: Iterable[str]) -> list[Sheet]:
    """All sheets of the file. `headings` (folded) help to guess a CSV file's encoding and delimiter. Raises Wrong."""
    suffix = path.suffix.lower()
    if suffix not in EXCEL_SUFFIXES | CSV_SUFFIXES:
        raise Wrong(_("a file of this kind is not read; give .xlsx, .xls, .ods or .csv"))
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Wrong(_("the file cannot be opened: %(why)s") % {"why": error.strerror}) from None
    if size == 0:
        raise Wrong(_("the file is empty"))
    if size > BIGGEST_BYTES:
        raise Wrong(_("the file is larger than 100 MB"))
    return _excel(path) if suffix in EXCEL_SUFFIXES else [_csv(path, set(headings))]


def _excel(path: Path) -> list[Sheet]:
    command = [sys.executable, "-I", unpacking.__file__, str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _too_large() from None
    if done.returncode == unpacking.READ:
        return [Sheet(name, rows) for name, rows in pickle.loads(done.stdout)]  # noqa: S301 - our own program's
    if done.returncode == unpacking.UNREADABLE:
        raise Wrong(_("this is not a workbook that can be read; save it anew as .xlsx without a password"))
    raise _too_large()


def _too_large() -> Wrong:
    most = f"{unpacking.MOST_CELLS:,}"
    return Wrong(
        _("the table is too large: at most %(most)s cells, empty ones between included") % {"most": most}
    )


def _csv(path: Path, known: set[str]) -> Sheet:
    """The reading (encoding, delimiter) in which the most headings make sense."""
    data = path.read_bytes()
    best = ("", "")
    most = -1
    for text in _decodings(data):
        for delimiter in DELIMITERS:
            try:
                head = _split(text, delimiter, HEADER_WITHIN_ROWS)
            except csv.Error:
                continue
            found = max((sum(fold(cell) in known for cell in row) for row in head), default=0)
            if found > most:
                most, best = found, (text, delimiter)
    if most < 0:
        raise Wrong(_("the text is in an unknown encoding; save it as UTF-8"))
    try:
        return Sheet("", _split(*best, None))
    except csv.Error:
        raise Wrong(
            _("the text cannot be split into cells; a quotation mark may have been left open")
        ) from None


def _decodings(data: bytes) -> list[str]:
    """The text in every encoding it could be in; a byte order mark decides."""
    if data.startswith(b"\xef\xbb\xbf"):
        candidates = ["utf-8-sig"]
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8", "gb18030", "big5hkscs"]
    texts = []
    for encoding in candidates:
        try:
            texts.append(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return texts


def _split(text: str, delimiter: str, rows: int | None) -> list[Cells]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[Cells] = []
    left = unpacking.MOST_CELLS
    for row in reader:
        if rows is not None and len(found) >= rows:
            break
        left -= len(row)
        if left < 0:
            raise _too_large()
        found.append(list(row))
    return found


def find_header(sheet: Sheet, keys: dict[str, str]) -> Header | None:
    """The row among the first ten with the most known headings (at least two); `keys`: folded heading → column.

    A cell that is empty because a heading above was merged over two rows takes that heading.
    """
    best: Header | None = None
    for number, row in enumerate(sheet.rows[:HEADER_WITHIN_ROWS], start=1):
        above = sheet.rows[number - 2] if number > 1 else []
        header = _header(number, _merged(row, above), keys)
        if len(header.positions) >= 2 and (best is None or len(header.positions) > len(best.positions)):
            best = header
    return best


def _merged(row: Cells, above: Cells) -> list[str]:
    width = max(len(row), len(above))
    both = zip([*row, *[""] * (width - len(row))], [*above, *[""] * (width - len(above))], strict=True)
    return [str(cell if cell not in ("", None) else upper or "").strip() for cell, upper in both]


def _header(number: int, cells: list[str], keys: dict[str, str]) -> Header:
    positions: dict[str, int] = {}
    headings: dict[str, str] = {}
    unknown: list[str] = []
    doubled: list[str] = []
    for position, cell in enumerate(cells):
        key = keys.get(fold(cell))
        if key is None:
            unknown += [cell] if cell else []
        elif key in positions:
            doubled.append(cell)
        else:
            positions[key], headings[key] = position, " ".join(cell.split())
    return Header(number, positions, headings, tuple(unknown), tuple(doubled), tuple(cells))


def is_blank(row: Cells) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)
