"""`changbei city`: an invented city from one seed, into the database or into a folder."""

from __future__ import annotations

import json
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.site.commands.base import with_database

if TYPE_CHECKING:
    from changbei.network.city import City


@click.group(name="city")
def city_group() -> None:
    """An invented city to try things on: land, roads, shops, vans, lines, goods and people."""


@city_group.command(name="make")
@click.option("--retailers", type=int, default=12_000, show_default=True, help="How many shops; 60 and more.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same city.")
@click.option(
    "--vans", type=int, default=None, help="Vans with lines of their own; else one for 53 stops a day."
)
@click.option(
    "--start-on",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The duty roster lies ten weeks around this day; else around this week's Monday.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write files instead of loading."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object about what was made.")
def make_city(
    retailers: int, seed: int, vans: int | None, start_on: datetime | None, out: Path | None, as_json: bool
) -> None:
    """Make a city and load it into the database, which must not have one yet."""
    from changbei.network.city import CitySpec, make  # noqa: PLC0415 - numpy and the solver: slow to import

    first = start_on.date() if start_on else this_monday()
    began = time.perf_counter()
    city = make(CitySpec(retailers=retailers, seed=seed, vans=vans, start_on=first))
    made = time.perf_counter()
    if out is not None:
        city.write(out)
    else:
        _load(city)
    report = {
        "seed": seed,
        "rows": city.row_count,
        "tables": {table.model: len(table.rows) for table in city.tables},
        "digest": city.digest(),
        "made_seconds": round(made - began, 2),
        "stored_seconds": round(time.perf_counter() - made, 2),
        "folder": str(out) if out else None,
    }
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else _words(report))


def this_monday() -> date:
    today = clock.today()
    return today - timedelta(days=today.weekday())


@with_database
def _load(city: City) -> None:
    from changbei.network.loading import load  # noqa: PLC0415 - models: only after Django is set up

    load(city)


def _words(report: dict[str, object]) -> str:
    tables = report["tables"]
    assert isinstance(tables, dict)
    where = f"written to {report['folder']}" if report["folder"] else "in the database"
    counts = ", ".join(f"{tables[model]} {words}" for model, words in _SHOWN.items())
    times = f"made in {report['made_seconds']} s, stored in {report['stored_seconds']} s"
    return f"{counts}\n{report['rows']} rows {where}; {times}; digest {str(report['digest'])[:16]}"


_SHOWN = {
    "network.Retailer": "retailers",
    "network.Place": "places",
    "network.Line": "lines",
    "network.Vehicle": "vans",
    "people.Person": "people",
    "network.Product": "products",
}


@city_group.command()
@with_database
def accounts() -> None:
    """Make a login per role of the invented city, and list them with their password, which everybody knows."""
    from changbei.core.texts import pick  # noqa: PLC0415
    from changbei.people.services import create_demo_accounts  # noqa: PLC0415

    logins = create_demo_accounts()
    if not logins:
        raise Conflict("nobody here is invented; logins of real people are made by `changbei login add`")
    for login in logins:
        click.echo(f"{login.login:18}{login.password:16}{login.person.name:8}{pick(login.role, 'zh-Hans')}")
