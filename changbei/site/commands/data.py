"""`changbei import`: one's own city out of Excel and CSV files, from its departments to its retailers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from changbei.core.errors import Invalid
from changbei.site.commands.base import COORDINATES, coordinates_option, with_database

if TYPE_CHECKING:
    from changbei.network.imports import Imported, Parsed

SHOWN = 20
KINDS = {  # `network.imports.KINDS` in its order, without Django for a list of commands
    "units": "departments, offices and stations",
    "posts": "posts that plans name",
    "staff": "people and the posts they hold",
    "duty": "who is on duty",
    "contacts": "outside contacts",
    "sites": "the delivery centre and transfer stations",
    "vehicles": "vans",
    "districts": "counties and districts, their outlines from `changbei area import`",
    "towns": "towns, street communities and villages",
    "lines": "delivery lines",
    "retailers": "retailers",
    "products": "what there is to order",
    "stock": "what lies in store",
    "demand": "what customers asked for and got, week by week",
}
ONLY_ADDED = ("duty",)
WITH_PLACES = ("sites", "towns", "retailers")


@click.group(name="import")
def import_group() -> None:
    """Take over one's own city from files, each naming what those before it have brought: units, posts, staff, duty,
    contacts, sites, vehicles, districts, towns, lines, retailers, products, stock, demand.

    A file with a wrong row is not taken at all, unless --good-rows-only is given; every wrong cell is named. What is
    there already is refused, or changed with --update.
    """


def _add_command(kind: str, words: str) -> None:
    @import_group.command(name=kind, help=f"Take over {words} from FILE (.xlsx, .xls, .ods, .csv).")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option(
        "--good-rows-only", is_flag=True, help="Take the rows without a problem, leave the others out."
    )
    @click.option(
        "--update",
        is_flag=True,
        help="Rows of what is there already change it, in the columns of the file and in cells that are filled; "
        "a hyphen empties one that may be empty.",
    )
    @click.option("--check", is_flag=True, help="Only check; write nothing.")
    @click.option(
        "--report",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write an .xlsx with every problem, and the wrong rows to be corrected.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON object.")
    @coordinates_option("the file's")
    @with_database
    def command(file: Path, *, update: bool, coordinates: str, **more: Any) -> None:
        if update and kind in ONLY_ADDED:
            raise click.UsageError(f"{kind} can only be added to: --update is for the other kinds")
        if kind not in WITH_PLACES and coordinates != COORDINATES[0]:
            raise click.UsageError(
                f"{kind} have no coordinates: --coordinates is for {', '.join(WITH_PLACES)}"
            )
        take_over(kind, file, update=update, coordinates=coordinates, **more)


for _kind, _words in KINDS.items():
    _add_command(_kind, _words)


@import_group.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_database
def template(kind: str, file: Path) -> None:
    """Write an Excel file with the columns of KIND, an example and an explanation."""
    from changbei.network.imports import write_template  # noqa: PLC0415 - models: only after Django is set up

    write_template(kind, file)
    click.echo(str(file))


def take_over(
    kind: str,
    file: Path,
    *,
    good_rows_only: bool,
    check: bool,
    report: Path | None,
    as_json: bool,
    coordinates: str = COORDINATES[0],
    update: bool = False,
) -> None:
    """Read, say what is wrong, write. Ends with 1 when something was wrong.

    The report comes before the rows: where it cannot be written, none is taken.
    """
    from changbei.network import imports  # noqa: PLC0415

    if report is not None and report.resolve() == file.resolve():
        raise click.UsageError("--report names the file itself, which it would overwrite")
    parsed = imports.read(file, kind, coordinates=coordinates, update=update)
    if report is not None and parsed.problems:
        imports.write_report(parsed, report)
    imported = None
    if not check:
        try:
            imported = imports.apply(parsed, good_rows_only=good_rows_only, actor=None)
        except Invalid:
            imported = None  # the problems are shown below
    changing = imported.columns if imported else imports.counted(list(imports.changes(parsed)))
    if as_json:
        click.echo(json.dumps(describe(parsed, imported, changing), ensure_ascii=False))
    else:
        _print(parsed, imported, report, changing)
    if parsed.problems:
        raise SystemExit(1)


def describe(
    parsed: Parsed, imported: Imported | None, changing: Mapping[str, int] | None = None
) -> dict[str, object]:
    """What was found and done, for programs. `changing`: column → rows that say something else than what is there."""
    found: dict[str, object] = {
        "file": parsed.file,
        "kind": parsed.kind.name,
        "sheet": parsed.sheet,
        "good_rows": len(parsed.rows),
        "wrong_rows": len(parsed.wrong_rows),
        "imported": imported.imported if imported else 0,
        "ignored_columns": list(parsed.ignored_columns),
        "problems": [problem.as_json() for problem in parsed.problems],
    }
    if parsed.update:
        done = {"changed": imported.changed, "unchanged": imported.unchanged} if imported else {}
        found |= {"columns": dict(changing or {}), **done}
    return found


def _print(
    parsed: Parsed, imported: Imported | None, report: Path | None, changing: Mapping[str, int]
) -> None:
    console = Console()
    if parsed.problems:
        table = Table("Row", "Column", "Value", "Problem")
        for problem in parsed.problems[:SHOWN]:
            cells = (str(problem.row or ""), problem.column, problem.value, problem.message)
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
        if len(parsed.problems) > SHOWN:
            console.print(f"… and {len(parsed.problems) - SHOWN} more; --report FILE.xlsx writes them all")
    if parsed.ignored_columns:
        console.print(Text(f"Columns not used: {', '.join(parsed.ignored_columns)}"))
    taken = imported.imported if imported else 0
    found = f"{len(parsed.rows)} good rows, {len(parsed.wrong_rows)} wrong rows, {taken} imported"
    if imported and parsed.update:
        found += f", {imported.changed} changed, {imported.unchanged} as they were"
    console.print(f"{found}.")
    if changing:
        columns = ", ".join(f"{name} {count}" for name, count in changing.items())
        console.print(Text(f"{'Changed' if imported else 'Would change'}: {columns}"))
    if report is not None and parsed.problems:
        console.print(Text(f"Report: {report}"))
