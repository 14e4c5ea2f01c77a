"""`changbei plan check`, `plan coverage`, `plan diff`: what pages and API say as well, for people and programs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import django
from django.conf import settings

from changbei.core import clock
from changbei.core.errors import Invalid
from changbei.plans import loading
from changbei.plans.comparing import compare
from changbei.plans.coverage import claims
from changbei.plans.coverage import coverage as covered
from changbei.plans.model import Pack
from changbei.site.commands.base import with_database

DEFAULT_PACK = "customer-service-emergency"


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--in-force", is_flag=True, help="Check the versions in force in the database, not a folder.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON: ok, pack, at, counts, findings; a list with --in-force."
)
@click.option("--at", "at", help="The moment from which the week is looked at (ISO 8601); now without it.")
@click.option("--files-only", is_flag=True, help="Look at the files alone: no roster, no database.")
@click.option("--strict", is_flag=True, help="End with 1 on warnings, too.")
def check(
    folder: Path | None, in_force: bool, as_json: bool, at: str | None, files_only: bool, strict: bool
) -> None:
    """Check the pack in FOLDER (else the shipped one), by itself and against the roster of the coming week.

    Every finding names clause, file, line and column, and what would mend it. Ends with 1 when there is an error.
    """
    if in_force and (folder or files_only):
        raise click.UsageError("--in-force takes neither a folder nor --files-only")
    moment = _moment(at)
    if files_only:
        django.setup()
        reports = [_of_files(_files(folder))]
    else:
        reports = with_database(_of_database)(folder, moment, in_force=in_force)
    found = [report.as_json() for report in reports]
    if as_json:
        click.echo(json.dumps(found if in_force else found[0], ensure_ascii=False, indent=2))
    else:
        for report in reports:
            _print(report)
    bad = any(not one["ok"] or (strict and one["findings"]) for one in found)
    raise SystemExit(1 if bad or not found else 0)


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON: percent, clauses with fulfilled_by and tests.")
@click.option(
    "--tests", "root", type=click.Path(path_type=Path), help="The folder that holds changbei/ and tests/."
)
@click.option("--least", type=float, default=0.0, help="End with 1 below this percentage.")
def coverage(folder: Path | None, as_json: bool, root: Path | None, least: float) -> None:
    """For each clause of the pack in FOLDER (else the shipped one) what fulfils it and which tests ran it."""
    django.setup()
    found = covered(loading.load_pack(_files(folder)), claims(root or settings.ROOT))
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        for clause in found.clauses:
            mark = click.style("✓", fg="green") if clause.complete else click.style("✗", fg="red")
            click.echo(
                f"{mark} {clause.id:<9} {len(clause.fulfilled_by):>3} fulfil, {len(clause.tests):>3} tests"
            )
        click.echo(
            f"{found.pack} {found.version}: {found.percent:g} % of {len(found.clauses)} clauses fulfilled and tested"
        )
    raise SystemExit(1 if found.percent < least else 0)


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="JSON: before, after, counts, changes.")
def diff(before: str, after: str, as_json: bool) -> None:
    """What changed from BEFORE to AFTER: folders, or versions in the database (id, digest, PACK:VERSION, VERSION)."""
    if Path(before).is_dir() and Path(after).is_dir():
        django.setup()
        packs = [loading.load_pack(loading.read_folder(one), check_actions=False) for one in (before, after)]
    else:
        packs = with_database(lambda: [_pack(before), _pack(after)])()
    found = compare(*packs)
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    click.echo(
        " → ".join(
            f"{pack} {version} ({digest[:12]})" for pack, version, digest in (found.before, found.after)
        )
    )
    for title, changes in (("In words", found.in_words), ("In behaviour", found.in_behaviour)):
        if changes:
            click.secho(f"\n{title}", bold=True)
            for change in changes:
                click.echo(str(change))
    if not found.changes:
        click.echo("no difference")


def _pack(name: str) -> Pack:
    from changbei.plans.selectors import version_named  # noqa: PLC0415 - models

    if Path(name).is_dir():
        return loading.load_pack(loading.read_folder(name), check_actions=False)
    return loading.pack_for(version_named(name))


def _files(folder: Path | None) -> dict[str, str]:
    return loading.read_folder(folder or settings.PLANS / DEFAULT_PACK)


def _of_files(files: dict[str, str]) -> Any:
    from changbei.readiness.plan_check import check_only_files  # noqa: PLC0415 - models

    return check_only_files(files)


def _of_database(folder: Path | None, at: datetime | None, *, in_force: bool) -> list[Any]:
    """The settings are read in here: outside, the database is not known yet."""
    from changbei.people.models import Person  # noqa: PLC0415 - models
    from changbei.plans.models import PlanVersion  # noqa: PLC0415 - models
    from changbei.readiness import plan_check  # noqa: PLC0415 - models

    if in_force:
        versions = PlanVersion.objects.filter(in_force=True).order_by("pack")
        found = [plan_check.check(version.files, at=at) for version in versions]
        if not found:
            click.echo("no plan is in force", err=True)
        return found
    files = _files(folder)
    if not _has_roster(Person):
        click.echo("no roster in the database: only the files were looked at", err=True)
        return [plan_check.check_only_files(files)]
    return [plan_check.check(files, at=at)]


def _has_roster(person: Any) -> bool:
    from django.db import connection  # noqa: PLC0415 - models

    return person._meta.db_table in connection.introspection.table_names() and person.objects.exists()


def _moment(words: str | None) -> datetime | None:
    if words is None:
        return None
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise Invalid("at", f"{words!r} is not a date and time such as 2026-11-23T08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.LOCAL)


def _print(report: Any) -> None:
    for finding in report.findings:
        colour = "red" if finding.severity == "error" else "yellow"
        click.secho(
            f"{finding.file}:{finding.line}:{finding.column}: {finding.severity} {finding.kind}",
            fg=colour,
            nl=False,
        )
        what, mend = finding.told()
        click.echo(f"{f' [{finding.clause}]' if finding.clause else ''}: {what} {mend}".rstrip())
    pack, counts = report.pack, report.counts()
    steps = sum(len(procedure.steps) for procedure in pack.procedures.values())
    said = ", ".join(
        f"{number} {word}{'s' if number > 1 else ''}" for word, number in counts.items() if number
    )
    click.secho(
        f"{pack.id} {pack.version}: {len(pack.clauses)} clauses, {len(pack.procedures)} procedures, {steps} steps, "
        f"{len(pack.tables)} tables, {len(pack.checks)} checks, {len(pack.roles)} roles; {said or 'nothing found'}",
        fg="red" if counts["error"] else "yellow" if counts["warning"] else "green",
    )
