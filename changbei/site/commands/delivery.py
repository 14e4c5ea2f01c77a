"""`changbei delivery`: a delivery day out of the product and into it."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from changbei.core.errors import Conflict, NotFound, there
from changbei.site.commands.base import coordinates_option, with_database

if TYPE_CHECKING:
    from changbei.delivery.models import DeliveryDay
    from changbei.network.models import Site

SHOWN = 50


@click.group(name="delivery")
def delivery_group() -> None:
    """A delivery day in files: tables (.csv, .xlsx) for people and programs, VRPLIB (.vrp, .sol) for solvers."""


@delivery_group.command(name="export")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--site", "code", default="", help="The site, for .vrp and .sol: those know one depot.")
@coordinates_option("a table's")
@with_database
def export(day: datetime, file: Path, code: str, coordinates: str) -> None:
    """Write DAY into FILE; its ending says how: .csv, .xlsx, .vrp (the problem) or .sol (the tours as planned)."""
    from changbei.delivery import exchange  # noqa: PLC0415 - models: only after Django is set up

    found, kind = _day(day.date()), file.suffix.lower().lstrip(".")
    if kind in exchange.FORMATS:
        data = exchange.write_day(found, kind, coordinates=coordinates)
    elif kind in {"vrp", "sol"}:
        write = exchange.write_instance if kind == "vrp" else exchange.write_solution
        data = write(found, _site(code))
    else:
        raise click.BadParameter(f"{file.name}: the ending must be .csv, .xlsx, .vrp or .sol")
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(data)
    fresh.replace(file)
    click.echo(str(file))


@delivery_group.command(name="import")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "code", default="", help="The site, for .sol.")
@click.option("--replace", is_flag=True, help="Instead of what is planned, as long as nobody has left.")
@click.option("--check", is_flag=True, help="Only check; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_database
def import_day(day: datetime, file: Path, code: str, replace: bool, check: bool, as_json: bool) -> None:
    """Plan DAY as FILE says: a table (.csv, .xlsx, .xls, .ods) or, for a planned day, a VRPLIB solution (.sol).

    A file with anything wrong is not taken at all; every problem is named by file, row and column.
    """
    from changbei.delivery import exchange  # noqa: PLC0415 - models: only after Django is set up

    if file.suffix.lower() == ".sol":
        if check:
            raise click.UsageError("--check is for tables")
        stops = exchange.read_solution(file, _day(day.date()), _site(code), actor=None)
        click.echo(json.dumps({"stops": stops}) if as_json else f"{file.name}: {stops} stops")
        return
    found = exchange.read_day(file)
    taken = bool(not check and not found.problems)
    if taken:
        exchange.take_over(found, day.date(), replace=replace, actor=None)
    if as_json:
        problems = [problem.as_json() for problem in found.problems]
        tours = len(found.by_van())
        answer = {
            "file": file.name,
            "stops": len(found.rows),
            "tours": tours,
            "taken": taken,
            "problems": problems,
        }
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        for line in found.said()[:SHOWN]:
            click.echo(line)
        if len(found.problems) > SHOWN:
            click.echo(f"… and {len(found.problems) - SHOWN} more")
        done = "planned" if taken else "nothing written"
        click.echo(f"{file.name}: {len(found.rows)} stops on {len(found.by_van())} tours; {done}")
    if found.problems:
        raise SystemExit(1)


def _day(on: date) -> DeliveryDay:
    from changbei.delivery import selectors  # noqa: PLC0415

    return there(selectors.day_for(on), f"no deliveries are planned for {on}")


def _site(code: str) -> Site:
    from changbei.network.models import Site  # noqa: PLC0415

    known = {site.code: site for site in Site.objects.order_by("code")}
    if code not in known:
        raise Conflict(f"say which site with --site: {', '.join(known)}")
    return known[code]


@delivery_group.command(name="lines")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.option(
    "--accept", "staff_no", default="", help="Accept the planned lines, as the person with this staff number."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_database
def lines(day: datetime, staff_no: str, as_json: bool) -> None:
    """Plan DAY's lines from its orders: even, compact, by vans that know the customers; compare with those so far.

    Nothing changes unless they are accepted. A worker that runs meanwhile may be the one who plans.
    """
    from changbei.delivery.lines import (  # noqa: PLC0415 - models: only after Django is set up
        answers,
        choosing,
        questions,
        shown,
    )
    from changbei.people.models import Person  # noqa: PLC0415

    question = questions.ask(_day(day.date()))
    while question.status == question.Status.WAITING:
        if not answers.work():
            raise Conflict("a worker is planning these lines; ask again in a moment")
        question.refresh_from_db()
    answer = question.answer
    if answer is None:
        raise Conflict(f"these lines could not be planned: {question.trouble}")
    if as_json:
        click.echo(json.dumps(answer))
    else:
        for row in shown.compared(answer):
            click.echo(f"{row.name:<44} {row.so_far:>10} {row.planned:>10} {row.change:>10}")
    if staff_no:
        person = Person.objects.filter(staff_no=staff_no).first()
        if person is None:
            raise NotFound(f"nobody has the staff number {staff_no}")
        click.echo(f"accepted; {choosing.accept(question, actor=person)} customers on another van")
