"""`changbei cap`: what a reader makes of CAP files, for anybody who publishes or receives them; and the sources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from changbei.core import clock
from changbei.core.errors import Invalid, there
from changbei.incidents import cap
from changbei.incidents.cap.trees import LARGEST_BYTES
from changbei.site.commands.base import with_database

if TYPE_CHECKING:
    from changbei.incidents.models import WarningSource

WIDTH_OF_A_FILE = 200  # in columns; a terminal has its own
_STYLES = {cap.ACCEPTED: "green", cap.ACCEPTED_WITH_WARNINGS: "yellow", cap.REFUSED: "red"}


@dataclass(frozen=True)
class Checked:
    """A file and what became of each alert in it, with where in the file that stands."""

    path: Path
    kind: str  # alert, atom, rss, edxl, alerts
    found: Sequence[tuple[str, cap.CapResult]]
    strict: bool

    @property
    def refused(self) -> bool:
        return any(result.refused for _, result in self.found)

    @property
    def verdict(self) -> str:
        """That of its one alert. Of several: refused when all are, or, strictly, when one is."""
        verdicts = {result.verdict for _, result in self.found}
        if len(verdicts) == 1:
            return verdicts.pop()
        return cap.REFUSED if self.strict and self.refused else cap.ACCEPTED_WITH_WARNINGS


@click.group(name="cap")
def cap_group() -> None:
    """Weather warnings in CAP, the Common Alerting Protocol."""


@cap_group.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--strict", is_flag=True, help="Refuse every breach of the standard, as for files that others push."
)
@click.option("--json", "as_json", is_flag=True, help="A list with one JSON object for each file.")
def check(files: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Say of each file whether it is accepted, accepted with warnings, or refused, and why.

    Feeds (Atom, RSS), EDXL-DE and lists of alerts are unpacked and each alert is judged; nothing is fetched. A file
    of several alerts is refused when all are, with --strict when one is. Ends with 1 when an alert is refused.
    """
    results = [checked(path, strict=strict) for path in files]
    if as_json:
        click.echo(json.dumps([describe(one) for one in results], ensure_ascii=False, indent=2))
    else:
        _print(results)
    if any(one.refused for one in results):
        raise SystemExit(1)


def checked(path: Path, *, strict: bool) -> Checked:
    """The alerts of one file; at least one entry."""
    with path.open("rb") as file:
        data = file.read(LARGEST_BYTES + 1)  # reading refuses what is longer
    opened, now = cap.unpack(data), clock.now()
    found = [(part.origin, part.read(strict=strict, now=now)) for part in opened.parts]
    if opened.left_out:
        left = cap.Reason("left-out", opened.kind, 1, {"count": str(opened.left_out)}, strict)
        found.append(("", cap.CapResult(cap.REFUSED, (left,), None)))
    if not found:
        note = cap.Reason("feed-empty", opened.kind, 1, strict=strict)
        found = [("", cap.CapResult(cap.ACCEPTED_WITH_WARNINGS, (note,), None))]
    return Checked(path, opened.kind, found, strict)


def describe(one: Checked) -> dict[str, Any]:
    """A file as JSON: verdict, every reason with its place; and as far as it can be read identity, times and areas.

    A feed or an envelope says the same of each of its alerts in `alerts`; with several of them only there.
    """
    parts = [(origin, _described(result)) for origin, result in one.found]
    only = parts[0][1] if len(parts) == 1 else _described(cap.CapResult(one.verdict, (), None))
    reasons = [{"origin": origin, **reason} for origin, part in parts for reason in part["reasons"]]
    whole = {
        "file": click.format_filename(one.path),
        "kind": one.kind,
        **only,
        "verdict": one.verdict,
        "reasons": reasons,
    }
    if one.kind != "alert":
        whole["alerts"] = [{"origin": origin, **part} for origin, part in parts]
    return whole


def _described(result: cap.CapResult) -> dict[str, Any]:
    """`alert` is null when it is refused; what a strict reader refuses still has identity, times and areas."""
    draft = result.alert or result.draft
    return {
        "verdict": result.verdict,
        "reasons": [
            {
                "element": reason.element,
                "line": reason.line,
                "code": reason.code,
                "refuses": reason.refuses,
                "message": reason.message(),
            }
            for reason in result.reasons
        ],
        "identity": _identity(draft.identity) if draft else None,
        "status": draft.status if draft else None,
        "msgType": draft.msg_type if draft else None,
        "times": _times(draft) if draft else None,
        "areas": _areas(draft) if draft else [],
        "alert": _alert(result.alert) if result.alert else None,
    }


def _identity(one: cap.Reference) -> dict[str, Any]:
    return {"sender": one.sender, "identifier": one.identifier, "sent": _stamp(one.sent)}


def _times(alert: cap.Alert) -> dict[str, Any]:
    onsets = [info.onset for info in alert.infos if info.onset]
    return {
        "sent": _stamp(alert.sent),
        "effective": _stamp(alert.effective),
        "onset": _stamp(min(onsets, default=None)),
        "expires": _stamp(alert.expires),
        "expiresGiven": bool(alert.infos) and all(info.expires_given for info in alert.infos),
    }


def _areas(alert: cap.Alert) -> list[dict[str, Any]]:
    """Those of the block that an English reader would see; each language repeats them."""
    info = alert.info("en")
    return [
        {
            "description": area.description,
            "geometry": area.geometry,
            "geocodes": [{"name": code.name, "value": code.value} for code in area.geocodes],
        }
        for area in (info.areas if info else ())
    ]


def _alert(alert: cap.Alert) -> dict[str, Any]:
    info = alert.info("en")
    return {
        "version": alert.version,
        "sender": alert.sender,
        "identifier": alert.identifier,
        "sent": _stamp(alert.sent),
        "status": alert.status,
        "msgType": alert.msg_type,
        "references": [_identity(one) for one in alert.references],
        "event": info.event if info else "",
        "headline": info.headline if info else "",
        "languages": [info.language for info in alert.infos],
        "severity": alert.severity,
        "colour": alert.colour,
        "effective": _stamp(alert.effective),
        "expires": _stamp(alert.expires),
        "areas": _areas(alert),
    }


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _print(results: Sequence[Checked]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("File", "Verdict", "Line", "Element", "Reason"):
        table.add_column(column, overflow="fold")
    for one in results:
        for origin, result in one.found:
            path = click.format_filename(one.path)
            name = Text(f"{path} [{origin}]" if origin else path)
            verdict = Text(result.verdict, style=_STYLES[result.verdict])
            if not result.reasons:
                table.add_row(name, verdict)
            for number, reason in enumerate(result.reasons):
                place = (name, verdict) if number == 0 else ("", "")
                line = str(reason.line) if reason.line else ""
                table.add_row(*place, line, Text(reason.element), Text(reason.message()))
    console = Console()
    console.print(table, width=console.width if console.is_terminal else WIDTH_OF_A_FILE)


@cap_group.group(name="source")
def source_group() -> None:
    """Where warnings come from: addresses that are polled, folders, and keys that push."""


@source_group.command(name="add")
@click.argument("name")
@click.option("--url", default="", help="A feed (Atom, RSS), an EDXL-DE file or one alert, over HTTP.")
@click.option(
    "--folder", default="", help="A folder into which others put files; they are moved to kept or refused."
)
@click.option("--push", "staff_no", default="", help="The staff number whose key pushes over the API.")
@click.option("--language", default="zh-Hans", help="In which headlines are kept: zh-Hans, zh-Hant or en.")
@click.option(
    "--strict/--lenient", default=None, help="Strict for what is pushed, lenient for the rest, unless said."
)
@click.option("--every", "interval_seconds", default=60, help="Seconds between two polls.")
@click.option(
    "--silent-after", "silent_after_seconds", default=3600, help="Seconds after which silence is a finding."
)
@with_database
def add_source(name: str, url: str, folder: str, staff_no: str, strict: bool | None, **more: Any) -> None:
    """Add or change the source NAME. One of --url, --folder and --push says what it is."""
    from changbei.incidents import services  # noqa: PLC0415 - models
    from changbei.incidents.models import WarningSource  # noqa: PLC0415 - models
    from changbei.people.models import Person  # noqa: PLC0415 - models

    if sum(map(bool, (url, folder, staff_no))) != 1:
        raise Invalid("", "one of --url, --folder and --push is needed")
    kind, place = (
        ("url", url) if url else ("folder", str(Path(folder).absolute())) if folder else ("push", "")
    )
    person = Person.objects.filter(staff_no=staff_no, active=True).first() if staff_no else None
    saved = services.save_source(
        WarningSource.objects.filter(name=name).first(),
        name=name,
        kind=kind,
        place=place,
        person=person,
        strict=kind == "push" if strict is None else strict,
        actor=None,
        **more,
    )
    click.echo(f"{saved.name}: {saved.kind} {saved.place}".rstrip())


@source_group.command(name="list")
@with_database
def list_sources() -> None:
    """Every source: name, kind, place, when last heard of, what is wrong."""
    from changbei.incidents.models import WarningSource  # noqa: PLC0415 - models

    for one in WarningSource.objects.order_by("name"):
        heard = _stamp(one.heard_at) or "never heard of"
        state = "" if one.enabled else "off"
        click.echo("\t".join((one.name, one.kind, one.place, heard, one.trouble, state)).rstrip())


@source_group.command(name="poll")
@click.argument("name")
@with_database
def poll_source(name: str) -> None:
    """Ask the source NAME now, and say what came. Ends with 1 when something was wrong."""
    from changbei.incidents import services  # noqa: PLC0415 - models

    haul = services.poll(_source(name))
    for one in haul.received:
        click.echo(f"{one.warning.identifier or one.warning.source}: {one.warning.verdict}, {one.action}")
    click.echo(f"{len(haul.received)} alerts, {haul.new} new")
    for trouble in haul.troubles:
        click.echo(trouble, err=True)
    if haul.troubles:
        raise SystemExit(1)


@source_group.command(name="off")
@click.argument("name")
@click.option("--on", is_flag=True, help="Switch it on again.")
@with_database
def switch_source(name: str, on: bool) -> None:
    """Ask the source NAME no longer; what it brought stays."""
    from changbei.incidents import services  # noqa: PLC0415 - models

    one = _source(name)
    services.save_source(
        one,
        name=one.name,
        kind=one.kind,
        place=one.place,
        person=one.person,
        language=one.language,
        strict=one.strict,
        interval_seconds=one.interval_seconds,
        silent_after_seconds=one.silent_after_seconds,
        enabled=on,
        actor=None,
    )
    click.echo(f"{one.name}: {'on' if on else 'off'}")


def _source(name: str) -> WarningSource:
    from changbei.incidents.models import WarningSource as Source  # noqa: PLC0415 - models

    return there(Source.objects.filter(name=name).first(), f"there is no source {name!r}")
