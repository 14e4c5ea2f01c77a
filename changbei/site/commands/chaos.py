"""`changbei chaos`: kill a small site again and again, and see whether anything is lost."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click

from changbei.site.chaos import play


@click.command()
@click.option("--kills", type=click.IntRange(1), default=30, show_default=True, help="How many deaths.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same deaths.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the processes' logs in this folder, which is made.",
)
def chaos(kills: int, seed: int, as_json: bool, keep: Path | None) -> None:
    """Run web, two workers and a database of their own, and let them die at random moments and at every named step.

    Nothing of this installation is touched. Exit code 1 when anything was lost, doubled or stuck, or the run was
    interrupted: the report then says what was found until then.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either ends with what was found until then
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="changbei-chaos-"))
    folder.chmod(0o711)  # started by root, the server runs as another account
    try:
        result = play.run(kills, seed, folder, say=lambda line: click.echo(line, err=True))
    finally:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for log in (*folder.glob("*.log"), *folder.glob("pg/*.log")):
                shutil.copy(log, keep)
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        _show(result)
    sys.exit(0 if result.ok else 1)


def _show(result: play.Result) -> None:
    click.echo(
        f"{result.kills} deaths in {result.rounds} rounds, {result.seconds:.0f} s, seed {result.seed}\n"
        f"{result.reports_accepted} reports accepted, {result.reports_answered_late} at a later try\n"
        f"{result.notices_handed} notices handed over, {result.notices_lost} lost,"
        f" {result.duplicates} handed over again with the same key"
    )
    for kind, count in result.kills_by_kind.items():
        click.echo(f"  {count:5}  {kind}")
    for kind, count in result.violations.items():
        click.echo(f"VIOLATED {kind}: {count}")
    for detail in result.details:
        click.echo(f"  {detail}")
