"""`changbei cap check`: what a reader makes of CAP files, for anybody who publishes or receives them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from changbei.incidents import cap

_STYLES = {cap.ACCEPTED: "green", cap.ACCEPTED_WITH_WARNINGS: "yellow", cap.REFUSED: "red"}


@click.group(name="cap")
def cap_group() -> None:
    """Weather warnings in CAP, the Common Alerting Protocol."""


@cap_group.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, in a list.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say of each file whether it is accepted, accepted with warnings, or refused, and why.

    Ends with 1 when a file is refused.
    """
    results = [(path, cap.read(path.read_bytes())) for path in files]
    if as_json:
        click.echo(
            json.dumps([describe(path, result) for path, result in results], ensure_ascii=False, indent=2)
        )
    else:
        _print(results)
    if any(result.refused for _, result in results):
        raise SystemExit(1)


def describe(path: Path, result: cap.CapResult) -> dict[str, Any]:
    """One file as JSON: file, verdict, reasons, and of a file that could be read identity, times and areas."""
    return {
        "file": str(path),
        "verdict": result.verdict,
        "reasons": [
            {"element": reason.element, "line": reason.line, "code": reason.code, "message": reason.message()}
            for reason in result.reasons
        ],
        "alert": _alert(result.alert) if result.alert else None,
    }


def _alert(alert: cap.Alert) -> dict[str, Any]:
    info = alert.info("en")
    return {
        "version": alert.version,
        "sender": alert.sender,
        "identifier": alert.identifier,
        "sent": _stamp(alert.sent),
        "status": alert.status,
        "msgType": alert.msg_type,
        "references": [
            {"sender": one.sender, "identifier": one.identifier, "sent": _stamp(one.sent)}
            for one in alert.references
        ],
        "event": info.event if info else "",
        "headline": info.headline if info else "",
        "languages": [info.language for info in alert.infos],
        "severity": alert.severity,
        "colour": alert.colour,
        "effective": _stamp(alert.effective),
        "expires": _stamp(alert.expires),
        "areas": [
            {
                "description": area.description,
                "geometry": area.geometry,
                "geocodes": [{"name": code.name, "value": code.value} for code in area.geocodes],
            }
            for area in (info.areas if info else ())
        ],
    }


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _print(results: list[tuple[Path, cap.CapResult]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("File", "Verdict", "Line", "Element", "Reason"):
        table.add_column(column, overflow="fold")
    for path, result in results:
        verdict = Text(result.verdict, style=_STYLES[result.verdict])
        if not result.reasons:
            table.add_row(Text(str(path)), verdict)
        for number, reason in enumerate(result.reasons):
            place = (Text(str(path)), verdict) if number == 0 else ("", "")
            line = str(reason.line) if reason.line else ""
            table.add_row(*place, line, Text(reason.element), Text(reason.message()))
    Console().print(table)
