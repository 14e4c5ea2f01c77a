"""`changbei plan render` and `changbei plan bpmn`: the plan on paper and as drawings for other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import click
import django
from django.conf import settings
from django.utils import translation

from changbei.core.errors import NotFound
from changbei.core.texts import LANGUAGES
from changbei.plans import loading
from changbei.plans.bpmn.write import bpmn as as_bpmn
from changbei.plans.model import Pack
from changbei.plans.rendering import files, handbook, official
from changbei.plans.rendering.annex import Annex
from changbei.plans.rendering.words import known
from changbei.site.commands.base import let_go_of_database
from changbei.site.commands.plan_check import DEFAULT_PACK
from changbei.site.postgres import database

_folder = click.argument("folder", required=False, type=click.Path(path_type=Path))
_language = click.option("--language", type=click.Choice(LANGUAGES), default="zh-Hans", show_default=True)


@click.command()
@_folder
@click.option(
    "--in-force", is_flag=True, help="The version in force, with its signatures and what is on file."
)
@click.option("--format", "kind", type=click.Choice(sorted(files.TYPES)), default="pdf", show_default=True)
@_language
@click.option(
    "--out", type=click.Path(path_type=Path), help="File or folder to write to; - for standard output."
)
@click.option("--handbook", "who", metavar="POST|ROLE|all", help="The pocket handbook of a role instead.")
@click.option("--contacts", is_flag=True, help="With names and phone numbers: personal data.")
def render(
    folder: Path | None,
    in_force: bool,
    kind: str,
    language: str,
    out: Path | None,
    who: str | None,
    contacts: bool,
) -> None:
    """Write the official document of the pack in FOLDER (else the shipped one), or the pocket handbook of a role.

    From a folder it is marked as a draft. With --in-force or --contacts the database is asked.
    """
    language = known(language)
    with database() if in_force or contacts else nullcontext():
        django.setup()
        try:
            pack = _in_force(folder) if in_force else _loaded(folder)
            annex = _annex(pack, language, asked=in_force or contacts, contacts=contacts)
        finally:
            if in_force or contacts:
                let_go_of_database()
    if who:
        document = handbook.handbook(pack, handbook.roles_for(pack, who), language, annex)
    else:
        document = official.document(pack, language, annex)
    data = files.written(document, kind, Path(settings.FONTS))
    _hand_out(data, out, files.named(pack.id, pack.version, language, kind, who or ""))


@click.command()
@_folder
@click.argument("procedure", required=False)
@_language
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write to."
)
def bpmn(folder: Path | None, procedure: str | None, language: str, out: Path) -> None:
    """Write the procedures of the pack in FOLDER (else the shipped one) as BPMN 2.0 files, or one PROCEDURE of it."""
    django.setup()
    pack = _loaded(folder)
    if procedure and procedure not in pack.procedures:
        raise NotFound(f"{pack.id} has no procedure {procedure!r}; there are: {', '.join(pack.procedures)}")
    language = known(language)
    actions = action_titles(language)
    out.mkdir(parents=True, exist_ok=True)
    for name in [procedure] if procedure else pack.procedures:
        path = out / f"{name}.bpmn"
        path.write_bytes(as_bpmn(pack, pack.procedures[name], language, actions))
        click.echo(path)


def action_titles(language: str) -> Mapping[str, str]:
    """What the product calls its actions, in this language."""
    from changbei.web.sentences import ACTIONS  # noqa: PLC0415 - needs Django

    with translation.override(language.lower()):
        return {name: str(words) for name, words in ACTIONS.items()}


def _loaded(folder: Path | None) -> Pack:
    return loading.load_pack(
        loading.read_folder(folder or settings.PLANS / DEFAULT_PACK), check_actions=False
    )


def _in_force(folder: Path | None) -> Pack:
    """The version in force of the pack that `folder` holds or names."""
    from changbei.plans.selectors import pack_in_force  # noqa: PLC0415 - models

    if folder is None:
        return pack_in_force(DEFAULT_PACK)
    return pack_in_force(_loaded(folder).id if folder.is_dir() else folder.name)


def _annex(pack: Pack, language: str, *, asked: bool, contacts: bool) -> Annex:
    if not asked:
        return Annex(actions=action_titles(language))
    from changbei.plans.rendering.on_file import annex_of  # noqa: PLC0415 - models

    return annex_of(pack, language, contacts=contacts, actions=action_titles(language))


def _hand_out(data: bytes, out: Path | None, name: str) -> None:
    if out is not None and str(out) == "-":
        sys.stdout.buffer.write(data)
        return
    path = Path(name) if out is None else out / name if out.is_dir() else out
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    click.echo(f"{path} ({len(data):,} bytes)")
