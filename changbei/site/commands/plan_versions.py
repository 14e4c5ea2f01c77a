"""`changbei plan adopt` and `changbei plan draft`: the first version of a plan, and drafts out of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from changbei.site.commands.base import with_database

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@with_database
def adopt(folder: Path) -> None:
    """Set the plan in FOLDER up on a new site: its first version, noted in the journal as unsigned.

    A plan that has a version already is changed by a draft that the leading group signs: `changbei plan draft`.
    """
    from changbei.plans import services  # noqa: PLC0415 - models

    version = services.set_up(folder, actor=None)
    state = "in force" if version.in_force else f"in force from {version.effective_on}"
    click.echo(f"{version.pack} {version.version} ({version.digest[:12]}): {state}")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--by", "staff_no", required=True, help="Staff number of whoever brings the draft in.")
@with_database
def draft(folder: Path, staff_no: str) -> None:
    """Bring the files of FOLDER in as a draft; it is submitted and signed in the browser."""
    from changbei.core.errors import NotFound  # noqa: PLC0415 - with the models
    from changbei.people.models import Person  # noqa: PLC0415 - models
    from changbei.plans import drafts, loading  # noqa: PLC0415 - models

    actor = Person.objects.filter(staff_no=staff_no, active=True).first()
    if actor is None:
        raise NotFound(f"nobody has the staff number {staff_no}")
    files = loading.read_folder(folder)
    problems = drafts.findings(files)
    pack_id = drafts.pack_id_of(files)
    found = drafts.begin(pack_id, actor=actor, files=files)
    for problem in problems:
        click.echo(str(problem))
    click.echo(
        f"draft {found.uuid} of {pack_id}, {len(problems)} findings; to be submitted at /plan/drafts/{found.uuid}/"
    )
