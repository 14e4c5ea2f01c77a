"""`changbei readiness`, `backup` and `register`: what is ready, and what operators and scripts report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid, Problem, there
from changbei.core.texts import pick
from changbei.site.commands.base import with_database

if TYPE_CHECKING:
    from changbei.people.models import Person

AS = click.option(
    "--as", "staff_no", default="", help="Staff number of the person who reports; left out: the system."
)


@click.command(name="readiness")
@click.option("--look", is_flag=True, help="Run every check now, before showing how things stand.")
@click.option("--language", default="zh-Hans", show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--as", "staff_no", required=True, help="Staff number of the person who looks.")
@with_database
def readiness(look: bool, language: str, as_json: bool, staff_no: str) -> None:
    """Every check of the plans in force: whether it holds, and what does not. Ends with 1 when one does not."""
    from changbei.readiness import selectors, services  # noqa: PLC0415 - models

    person = _person(staff_no)
    if look:
        services.run_checks(actor=person)
    found = selectors.standing(actor=person)
    if as_json:
        click.echo(json.dumps([as_data(one) for one in found], ensure_ascii=False))
    else:
        for one in found:
            state = {True: "holds", False: "DOES NOT HOLD", None: "not looked at"}[one.holds]
            click.echo(f"{one.check.clause:8} {state:14} {pick(one.check.title, language)}")
            for finding in one.findings:
                click.echo(f"{'':23} {pick(finding.text, language)}")
    if any(one.holds is False for one in found):
        raise SystemExit(1)


def as_data(one: object) -> dict[str, object]:
    """A check and how it stands, as the API gives it."""
    from changbei.web.api.readiness import shown  # noqa: PLC0415 - needs Django

    return dict(shown(one).model_dump(mode="json"))  # type: ignore[arg-type]


@click.group(name="backup")
def backup_group() -> None:
    """Backups and restore drills, as scripts and operators report them."""


@backup_group.command(name="record")
@click.option("--system", required=True, help="Identifier of the system, e.g. marketing-system.")
@click.option("--kind", type=click.Choice(["daily_batch", "full"]), default="daily_batch", show_default=True)
@click.option("--covers", default="customers,sales", show_default=True, help="What is in it.")
@click.option(
    "--taken-at", required=True, metavar="TIME", help="2026-11-23T20:30, city time, or with an offset."
)
@click.option("--stored-at", default="", metavar="TIME", help="When it came into the tape library.")
@click.option("--medium", default="", help="Label of the tape.")
@click.option("--megabytes", type=int, default=None)
@click.option("--sha256", default="")
@AS
@with_database
def record(
    system: str,
    kind: str,
    covers: str,
    taken_at: str,
    stored_at: str,
    medium: str,
    megabytes: int | None,
    sha256: str,
    staff_no: str,
) -> None:
    """Record a backup. The same command again adds --stored-at when the tape is in the library."""
    from changbei.readiness import services  # noqa: PLC0415 - models

    made = services.record_backup(
        system,
        kind=kind,
        covers=[one.strip() for one in covers.split(",") if one.strip()],
        taken_at=_moment("--taken-at", taken_at),
        stored_at=_moment("--stored-at", stored_at) if stored_at else None,
        medium=medium,
        megabytes=megabytes,
        sha256=sha256,
        actor=_person(staff_no) if staff_no else None,
    )
    stored = (
        f", in the tape library {made.stored_at.astimezone(LOCAL):%Y-%m-%d %H:%M}" if made.stored_at else ""
    )
    click.echo(f"{made.system}: backup of {made.taken_at.astimezone(LOCAL):%Y-%m-%d %H:%M} recorded{stored}")


@backup_group.command(name="drill")
@click.option("--system", required=True)
@click.option("--seconds", type=click.IntRange(0), required=True, help="How long restoring took.")
@click.option("--on", "day", default="", metavar="DATE", help="Left out: today.")
@click.option(
    "--complete/--incomplete", default=True, show_default=True, help="Whether everything was there."
)
@click.option("--note", default="")
@AS
@with_database
def drill(system: str, seconds: int, day: str, complete: bool, note: str, staff_no: str) -> None:
    """Record that a backup was restored to see that it can be."""
    from changbei.readiness import services  # noqa: PLC0415 - models

    made = services.record_restore_drill(
        system,
        on=_moment("--on", day).date() if day else clock.today(),
        restore_seconds=seconds,
        complete=complete,
        note=note,
        actor=_person(staff_no) if staff_no else None,
    )
    click.echo(f"{made.system}: restore drill of {made.on} recorded, {made.restore_seconds} s")


@click.group(name="register")
def register_group() -> None:
    """Registers: who and what exists."""


@register_group.command(name="list")
@click.argument("name", required=False)
@click.option(
    "--as", "staff_no", default="", help="Staff number of the person who looks; needed with a NAME."
)
@with_database
def list_register(name: str | None, staff_no: str) -> None:
    """The registers, or the rows of one as JSON, a line each."""
    from changbei.readiness import registers  # noqa: PLC0415 - models

    if name is None:
        for one in registers.REGISTERS.values():
            click.echo(f"{one.id:20} {one.clause:8} {one.title}")
        return
    found = registers.get(name)
    for row in registers.rows(found, actor=_person(staff_no)):
        values = {cell.column.name: cell.raw for cell in registers.cells(found, row)}
        click.echo(json.dumps({"id": row.pk, **values}, ensure_ascii=False, default=str))


@register_group.command(name="import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "staff_no", required=True, help="Staff number of the person who changes the register.")
@click.option("--language", default="zh-Hans", show_default=True, help="Language of names in the file.")
@with_database
def import_register(name: str, file: Path, staff_no: str, language: str) -> None:
    """Read rows of register NAME from an Excel or CSV FILE whose headings are its columns; all of them or none."""
    from changbei.network.imports import sheets  # noqa: PLC0415 - models
    from changbei.network.imports.problems import Wrong  # noqa: PLC0415 - models
    from changbei.readiness import registers  # noqa: PLC0415 - models

    found = registers.get(name)
    keys = {sheets.fold(column.name): column.name for column in found.typed}
    keys |= {sheets.fold(str(column.label)): column.name for column in found.typed}
    try:
        sheet = next(iter(sheets.open_sheets(file, keys)), None)
    except Wrong as wrong:
        raise Invalid(problems=[Problem("", str(wrong), file=file.name)]) from wrong
    header = sheets.find_header(sheet, keys) if sheet else None
    if sheet is None or header is None:
        needed = ", ".join(column.name for column in found.typed)
        raise Invalid(problems=[Problem("", f"no headings; there should be {needed}", file=file.name)])
    lines = {
        number: {
            column: _cell(row[place]) if place < len(row) else ""
            for column, place in header.positions.items()
        }
        for number, row in enumerate(sheet.rows[header.row :], start=header.row + 1)
        if not sheets.is_blank(row)
    }
    try:
        count = registers.save_many(found, lines, language=language, actor=_person(staff_no))
    except Invalid as error:
        raise Invalid(problems=[replace(one, file=file.name) for one in error.problems]) from error
    click.echo(f"{found.id}: {count} rows")


def _cell(value: object) -> object:
    """Excel's whole numbers are floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _person(staff_no: str) -> Person:
    from changbei.people.models import Person  # noqa: PLC0415 - models

    found = Person.objects.filter(staff_no=staff_no, active=True).first()
    return there(found, f"--as: nobody on the staff has the number {staff_no}")


def _moment(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.combine(date.fromisoformat(text), datetime.min.time())
        except ValueError:
            raise Invalid(option, f"{text!r}: write 2026-11-23T20:30") from None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL)
