"""`changbei serve` and `changbei demo`: the whole product on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import sys

import click
from django.core.management import call_command

from changbei.core.errors import Conflict
from changbei.site.commands.base import with_database
from changbei.site.house import run_house
from changbei.site.postgres import DATABASE_VARIABLE, default_server, var_dir
from changbei.site.supervisor import Preparation, ProcessSpec

# What makes a demonstration of a bare site: the city, loaded when the database is empty; the player of the day.
DEMO_PREPARATIONS: list[Preparation] = []
DEMO_PROCESSES: list[ProcessSpec] = []


@click.command()
@click.option("--workers", type=click.IntRange(0, 16), default=1, show_default=True, help="Worker processes.")
def serve(workers: int) -> None:
    """Serve the product on loopback: database, web and workers.

    CHANGBEI_PORT names the port (else the next free one from 8000), CHANGBEI_DATABASE_URL a database server.
    """
    sys.exit(run_house(workers=workers, on_ready=lambda address: click.echo(f"\n  {address}\n")))


@click.command()
@click.option("--reset", is_flag=True, help="Begin anew: remove the demo's data first.")
def demo(reset: bool) -> None:
    """Serve the demo city, on a day with a typhoon."""
    if reset:
        begin_anew()
    os.environ["CHANGBEI_DEMO"] = "1"
    sys.exit(
        run_house(
            preparations=DEMO_PREPARATIONS,
            extra_processes=DEMO_PROCESSES,
            on_ready=lambda address: click.echo(f"\n  {address}\n"),
        )
    )


def begin_anew() -> None:
    """Remove the embedded server with its data, and the evidence files that belong to it."""
    if os.environ.get(DATABASE_VARIABLE):
        raise Conflict(f"--reset removes the embedded database only, and {DATABASE_VARIABLE} names another one")
    default_server().destroy()
    shutil.rmtree(var_dir() / "evidence", ignore_errors=True)


@click.command()
@with_database
def migrate() -> None:
    """Bring the database's tables up to date."""
    call_command("migrate", verbosity=1)
