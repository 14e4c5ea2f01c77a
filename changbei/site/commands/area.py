"""`changbei area`: administrative areas with their outlines, for warnings that name areas by code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from changbei.site.commands.base import coordinates_option, with_database


@click.group(name="area")
def area_group() -> None:
    """Areas by administrative code: the outlines of towns and villages that warnings name by their code alone."""


@area_group.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only check; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@coordinates_option("the outlines'")
@with_database
def import_areas(file: Path, check: bool, as_json: bool, coordinates: str) -> None:
    """Take over areas from FILE: a GeoJSON feature collection with code and name, or CSV with code, name, outline.

    The outline in CSV is WKT or GeoJSON. A file with a wrong row is not taken at all; every problem is named.
    """
    from changbei.network import area_files, areas  # noqa: PLC0415 - models: only after Django is set up

    drafts = area_files.read(file.read_bytes(), file.name, coordinates=coordinates)
    loaded = areas.Loaded(0, 0) if check else areas.load(drafts, source=file.name, actor=None)
    if as_json:
        found = {
            "areas": len(drafts),
            "added": loaded.added,
            "changed": loaded.changed,
            "checked_only": check,
        }
        click.echo(json.dumps(found))
    elif check:
        click.echo(f"{file.name}: {len(drafts)} areas, nothing wrong; nothing written")
    else:
        click.echo(f"{file.name}: {loaded.added} areas added, {loaded.changed} replaced")


@area_group.command(name="find")
@click.argument("codes", nargs=-1, required=True)
@with_database
def find(codes: tuple[str, ...]) -> None:
    """Say which areas and how many customers warnings with these CODES (6 or 12 digits) would concern."""
    from changbei.network import areas, joining  # noqa: PLC0415 - models: only after Django is set up

    shape, named = areas.lookup(codes)
    count = joining.join_shapes([shape])[0].count if shape is not None else 0
    click.echo(f"{', '.join(named.codes) or 'no area known'}: {count} customers")
    for code in named.wider:
        click.echo(f"    {code}: not in the table; the county it lies in was taken")
    for code in named.unknown:
        click.echo(f"    {code}: unknown")
