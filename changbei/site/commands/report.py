"""`changbei report`, `changbei warning` and `changbei journal`: what comes in by hand, and the audit trail's proof."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from changbei.core.errors import Invalid, NotFound
from changbei.core.texts import pick
from changbei.site.commands.base import with_database


@click.command()
@click.argument("kind")
@click.option("--as", "staff_no", default="", help="Staff number of the person who reports.")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A field of the form; place.text=… for one inside.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The fields as a JSON object.",
)
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")
@click.option("--fields", "show_fields", is_flag=True, help="Say which fields KIND has, and report nothing.")
@with_database
def report(
    kind: str, staff_no: str, pairs: tuple[str, ...], data: Path | None, as_json: bool, show_fields: bool
) -> None:
    """Report an event of KIND, a procedure of the plan such as vehicle-breakdown.

    \b
    changbei report vehicle-breakdown --as CB0144 --set vehicle=17 --set injured=false --set goods_aboard=true \\
        --set place.text="Ring road, km 3" --set place.longitude=121.1 --set place.latitude=28.4
    """
    from changbei.incidents import plan, services  # noqa: PLC0415 - models
    from changbei.people.models import Person  # noqa: PLC0415 - models

    form = plan.procedure_in_force(kind).procedure.form
    if show_fields:
        click.echo("\n".join(described(form)))
        return
    person = Person.objects.filter(staff_no=staff_no, active=True).first()
    if person is None:
        raise NotFound(f"--as: nobody on the staff has the number {staff_no}")
    answer = services.report(kind, fields(pairs, data, form), actor=person, source="cli")
    incident = answer.incident
    if as_json:
        found = {
            "number": incident.number,
            "uuid": str(incident.uuid),
            "level": incident.level,
            "joined": answer.joined,
        }
        click.echo(json.dumps(found))
    elif answer.joined:
        click.echo(f"{incident.number}: reported before; your report has joined it")
    else:
        click.echo(f"{incident.number}: recorded, level {incident.level}; the plan has started")


def described(form: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """A line per field: its name, its type or its choices, whether it is needed, what it is."""
    for name, schema in form.get("properties", {}).items():
        kind = " | ".join(str(one["const"]) for one in schema.get("oneOf", ())) or schema.get("type", "")
        needed = "required" if name in form.get("required", ()) else "optional"
        yield f"{prefix}{name:<14} {kind:<10} {needed:<9} {pick(schema.get('title'), 'zh-Hans')}"
        yield from described(schema, f"{prefix}{name}.")


def fields(pairs: tuple[str, ...], data: Path | None, form: Mapping[str, Any]) -> dict[str, Any]:
    """The report's fields from a JSON file and from FIELD=VALUE pairs, which go first.

    A value is text where the form wants text, else JSON: true, 12, 3.5, {…}.
    """
    found: dict[str, Any] = _object(data) if data else {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise Invalid("--set", f"{pair!r}: write FIELD=VALUE")
        inside = found
        *outer, last = name.split(".")
        for part in outer:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise Invalid("--set", f"{name}: {part} has a value already, and no fields")
        inside[last] = value if _is_text(form, [*outer, last]) else _value(value)
    return found


def _is_text(form: Mapping[str, Any], path: Sequence[str]) -> bool:
    schema: Mapping[str, Any] = form
    for part in path:
        schema = schema.get("properties", {}).get(part, {})
    return schema.get("type") == "string"


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise Invalid("--data", f"{path}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Invalid("--data", f"{path}: a JSON object is needed")
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@with_database
def warning(files: tuple[Path, ...]) -> None:
    """Take weather warnings in: each alert in FILES is kept, and starts what the plan says.

    A file is one alert (CAP 1.2), a feed (Atom, RSS), an EDXL-DE envelope or a list of alerts. Ends with 1 when
    something was refused.
    """
    from changbei.incidents import services  # noqa: PLC0415 - models

    refused = False
    for path in files:
        for received in services.receive_file(path.read_bytes(), name=path.name, origin=None):
            warning, number = received.warning, received.incident.number if received.incident else ""
            outcome = dict.fromkeys((warning.verdict, received.action))  # refused, once
            said = " ".join(filter(None, (f"{path}:", warning.identifier, ", ".join(outcome))))
            click.echo(f"{said} → {number}" if number else said)
            for reason in warning.reasons:
                message = pick(reason.get("message"), "en")
                click.echo(f"    line {reason.get('line')}: {reason.get('element')}: {message}")
            refused = refused or received.action == "refused"
    if refused:
        raise SystemExit(1)


@click.group(name="journal")
def journal_group() -> None:
    """The append-only journal: who did what, when, on which clause."""


@journal_group.command()
@with_database
def verify() -> None:
    """Recompute the hash chain over the whole journal; ends with 1 when something was changed."""
    from changbei.journal import seals  # noqa: PLC0415 - models

    seals.seal()
    problems = seals.verify()
    for problem in problems:
        click.echo(str(problem))
    if problems:
        raise SystemExit(1)
    click.echo(f"the journal is whole; the newest link is {seals.head()}")
