"""`changbei plan`: check packs, print the schemas, adopt a version."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
import django
from django.conf import settings

from changbei.core.errors import Invalid
from changbei.plans import loading
from changbei.plans.loading import shapes
from changbei.plans.model import Pack

_DEFAULT_PACK = "customer-service-emergency"


@click.group(name="plan")
def plan_group() -> None:
    """Plan packs: the files that people sign, print and run."""


@plan_group.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object: ok, pack, problems.")
@click.option("--files-only", is_flag=True, help="Do not ask whether the product offers the actions named.")
def check(folder: Path | None, as_json: bool, files_only: bool) -> None:
    """Load the pack in FOLDER (else the shipped one) and print every problem with file, line and column.

    Ends with 1 when there is a problem.
    """
    django.setup()
    folder = folder or settings.PLANS / _DEFAULT_PACK
    pack: Pack | None = None
    problems = []
    try:
        pack = loading.load_pack(loading.read_folder(folder), check_actions=not files_only)
    except Invalid as invalid:
        problems = invalid.problems
    if as_json:
        found = {
            "ok": pack is not None,
            "pack": _summary(pack),
            "problems": [asdict(problem) for problem in problems],
        }
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif pack is not None:
        click.secho(_sentence(pack), fg="green")
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {folder}", err=True)
    raise SystemExit(0 if pack is not None else 1)


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


def _summary(pack: Pack | None) -> dict[str, object] | None:
    if pack is None:
        return None
    return {
        "id": pack.id,
        "version": pack.version,
        "digest": pack.digest,
        "clauses": len(pack.clauses),
        "procedures": sorted(pack.procedures),
        "tables": sorted(pack.tables),
        "checks": sorted(pack.checks),
        "roles": len(pack.roles),
    }


def _sentence(pack: Pack) -> str:
    steps = sum(len(procedure.steps) for procedure in pack.procedures.values())
    return (
        f"{pack.id} {pack.version}: {len(pack.clauses)} clauses, {len(pack.procedures)} procedures, "
        f"{steps} steps, {len(pack.tables)} tables, {len(pack.checks)} checks, {len(pack.roles)} roles; "
        "no problem found"
    )
