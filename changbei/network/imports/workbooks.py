"""Workbooks for people: the template to fill in, and the report of what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from changbei.core.texts import LANGUAGES
from changbei.network.imports.columns import Kind
from changbei.network.imports.kinds import KINDS
from changbei.network.imports.reading import Parsed
from changbei.network.imports.values import plain

_REQUIRED = {True: ("必填", "必填", "required"), False: ("可空", "可空", "optional")}


def write_template(kind_name: str, path: Path) -> None:
    """An empty table with the headings and one example row, and a sheet that explains the columns in three
    languages.
    """
    kind = KINDS[kind_name]
    with _workbook(path) as workbook:
        bold = workbook.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True})
        as_text = workbook.add_format({"num_format": "@"})
        table = workbook.add_worksheet(kind.title["zh-Hans"])
        for position, column in enumerate(kind.columns):
            mark = "*" if column.required else ""
            table.write_string(0, position, f"{column.heading['zh-Hans']}{mark}", bold)
            table.write_string(1, position, column.example, as_text)
        table.set_column(0, len(kind.columns) - 1, 16, as_text)
        table.freeze_panes(1, 0)
        _explain(workbook, kind, bold)


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """A new workbook, in `path` once it is whole. Raises OSError for a path that cannot be written."""
    content = BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        yield workbook
    path.write_bytes(content.getvalue())


def _explain(workbook: Any, kind: Kind, bold: Any) -> None:
    sheet = workbook.add_worksheet("说明 Columns")
    titles = ("列 / 欄", "Heading", "", "说明", "說明", "What to write", "示例 Example")
    for position, title in enumerate(titles):
        sheet.write_string(0, position, title, bold)
    for row, column in enumerate(kind.columns, start=1):
        required = " / ".join(dict.fromkeys(_REQUIRED[column.required]))
        cells = [column.heading["zh-Hans"], column.heading["en"], required]
        cells += [column.hint[language] for language in LANGUAGES]
        for position, words in enumerate([*cells, column.example]):
            sheet.write_string(row, position, words)
    sheet.set_column(0, 6, 24)


def write_report(parsed: Parsed, path: Path) -> None:
    """Two sheets: every problem, one a line; and the wrong rows with their wrong cells marked, ready to be
    corrected and imported again."""
    with _workbook(path) as workbook:
        bold = workbook.add_format({"bold": True, "bg_color": "#DDEBF7"})
        marked = workbook.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006", "num_format": "@"})
        as_text = workbook.add_format({"num_format": "@"})
        _list_problems(workbook, parsed, bold, as_text)
        if parsed.wrong_rows:
            _copy_rows(workbook, parsed, bold, marked, as_text)


def _list_problems(workbook: Any, parsed: Parsed, bold: Any, as_text: Any) -> None:
    sheet = workbook.add_worksheet("问题 Problems")
    for position, title in enumerate(("行 Row", "列 Column", "内容 Value", "问题 Problem")):
        sheet.write_string(0, position, title, bold)
    for row, problem in enumerate(parsed.problems, start=1):
        sheet.write_number(row, 0, problem.row)
        sheet.write_string(row, 1, problem.column, as_text)
        sheet.write_string(row, 2, problem.value, as_text)
        sheet.write_string(row, 3, problem.message, as_text)
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, 2, 20)
    sheet.set_column(3, 3, 70)
    sheet.freeze_panes(1, 0)


def _copy_rows(workbook: Any, parsed: Parsed, bold: Any, marked: Any, as_text: Any) -> None:
    sheet = workbook.add_worksheet("更正 Correct here")
    wrong: dict[int, dict[str, list[str]]] = {}
    for problem in parsed.problems:
        wrong.setdefault(problem.row, {}).setdefault(problem.column, []).append(problem.message)
    for position, heading in enumerate(parsed.headings):
        sheet.write_string(0, position, heading, bold)
    for target, (row, cells) in enumerate(parsed.wrong_rows.items(), start=1):
        for position, heading in enumerate(parsed.headings):
            cell = cells[position] if position < len(cells) else ""
            messages = wrong.get(row, {}).get(" ".join(heading.split()), [])
            sheet.write_string(target, position, plain(cell), marked if messages else as_text)
            if messages:
                sheet.write_comment(target, position, "\n".join(messages))
    sheet.set_column(0, max(len(parsed.headings) - 1, 0), 16)
    sheet.freeze_panes(1, 0)
