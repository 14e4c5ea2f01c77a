"""`changbei plan`: the schemas of packs; what else can be done with plans is added by `cli`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from changbei.core import clock
from changbei.plans import starting
from changbei.plans.loading import shapes


@click.group(name="plan")
def plan_group() -> None:
    """Plan packs: the files that people sign, print and run."""


@plan_group.command()
@click.argument("kind", required=False, type=click.Choice(shapes.KINDS))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write one file a kind into this folder."
)
def schema(kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of a KIND of file for an editor, or write them all with --out."""
    kinds = [kind] if kind else list(shapes.KINDS)
    if out is None and kind is None:
        raise click.UsageError(
            f"say which one ({', '.join(shapes.KINDS)}), or where to write them all: --out FOLDER"
        )
    for one in kinds:
        text = json.dumps(shapes.schema(one), ensure_ascii=False, indent=2)
        if out is None:
            click.echo(text)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{one}.json").write_text(text + "\n", encoding="utf-8")
            click.echo(out / f"{one}.json")


@plan_group.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--id", "pack_id", help="Small letters, digits and hyphens; the folder's name without it.")
@click.option("--title", required=True, help="What the plan is called.")
def new(folder: Path, pack_id: str | None, title: str) -> None:
    """Write a small new plan into FOLDER, which can be carried out as it stands, to be written in."""
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty")
    today = clock.today()
    files = starting.starter(pack_id or folder.resolve().name, title, effective_on=today)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        click.echo(folder / path)
