"""`changbei roads`: driving times from an OpenStreetMap extract."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from changbei.compute import roads
from changbei.core import clock
from changbei.site.commands.base import with_database


@click.group(name="roads")
def roads_group() -> None:
    """The road network that driving times come from; without one they are estimated, and the pages say so."""


@roads_group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--date",
    "made_on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day the map data are of (default: the day of the file).",
)
def build(file: Path, made_on: datetime | None) -> None:
    """Build the network from FILE.osm.pbf, instead of an earlier one. Needs: pip install 'changbei[roads]'."""
    from django.conf import settings  # noqa: PLC0415 - settings: only when a command runs

    folder = Path(settings.ROADS) / "network"
    folder.parent.mkdir(parents=True, exist_ok=True)
    made_at = made_on.replace(tzinfo=clock.LOCAL) if made_on else None
    manifest = roads.build(file, folder, made_at=made_at)
    click.echo(f"road network of {manifest.made_at[:10]}, from {manifest.extract}: {folder}")


@roads_group.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(as_json: bool) -> None:
    """Say where driving times come from."""
    from changbei.delivery import travel  # noqa: PLC0415 - settings: only when a command runs

    network = travel.current()
    if as_json:
        found = {
            "installed": roads.is_installed(),
            "date": network.date if network else "",
            "extract": network.manifest.extract if network else "",
            "digest": network.manifest.digest if network else "",
        }
        click.echo(json.dumps(found))
    elif network is None:
        click.echo("no road network: driving times are great-circle estimates")
    elif not roads.is_installed():
        click.echo(f"road network of {network.date}, but the extra is missing: pip install 'changbei[roads]'")
    else:
        click.echo(f"road network of {network.date}, from {network.manifest.extract}")


@roads_group.command()
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), required=False)
@with_database
def times(day: datetime | None) -> None:
    """Compute the driving times of DAY (default: today) ahead. The worker does the same by itself."""
    from changbei.delivery import jobs  # noqa: PLC0415 - models: only after Django is set up

    on = day.date() if day else clock.today()
    places = jobs.prepare_times_of(on)
    click.echo(
        f"{on}: driving times between {places} places" if places else f"{on}: no deliveries are planned"
    )
