"""A table as a file: CSV for programs, Excel for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import xlsxwriter

FORMATS = ("csv", "xlsx")
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""
WIDTH = 14  # of a column, in letters
Cell = str | int | float
Rows = Iterable[Sequence[Cell]]


def as_csv(headings: Sequence[str], rows: Rows) -> bytes:
    """UTF-8 with a mark, so that Excel opens it rightly."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RISKY) else cell


def as_xlsx(title: str, headings: Sequence[str], rows: Rows) -> bytes:
    """A workbook with one sheet; its headings stay in sight."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as workbook:
        bold = workbook.add_format({"bold": True, "bg_color": "#DDEBF7"})
        sheet = workbook.add_worksheet(title)
        for position, heading in enumerate(headings):
            sheet.write_string(0, position, heading, bold)
        for number, row in enumerate(rows, start=1):
            for position, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, position, cell)
                else:
                    sheet.write_number(number, position, cell)
        sheet.set_column(0, len(headings) - 1, WIDTH)
        sheet.freeze_panes(1, 0)
    return data.getvalue()
