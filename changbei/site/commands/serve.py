"""`changbei serve` and `changbei demo`: the whole product on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import click
from django.core.management import call_command
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from changbei.core.errors import Conflict
from changbei.site.commands.base import with_database
from changbei.site.house import program, run_house
from changbei.site.postgres import DATABASE_VARIABLE, default_server, var_dir
from changbei.site.supervisor import Preparation, ProcessSpec

if TYPE_CHECKING:
    from changbei.people.accounts import DemoLogin

DEMO_EXERCISE = "typhoon"
WELCOME = (
    "台风日：0:20 台风预警 → 1:00 送货车故障 → 2:30 订货系统中断 → 4:00 婚宴用货。",
    "您登录的岗位由您处置，其余由模拟同事应答。",
    "A typhoon day plays: a warning after 20 s, a van breaks down after 1 min, the ordering system fails after 2½,",
    "a wedding order after 4. Whoever you log in as is yours to play; simulated colleagues answer for the rest.",
    "",
    "Ctrl-C 停止全部进程 · stops everything",
    "再次启动接着走 · started again, it goes on        make demo RESET=1 从头开始 · begins anew",
)


@click.command()
@click.option("--workers", type=click.IntRange(0, 16), default=1, show_default=True, help="Worker processes.")
def serve(workers: int) -> None:
    """Serve the product on loopback: database, web and workers.

    CHANGBEI_PORT names the port (else the next free one from 8000), CHANGBEI_DATABASE_URL a database server.
    """
    sys.exit(run_house(workers=workers, on_ready=lambda address: click.echo(f"\n  {address}\n")))


@click.command()
@click.option("--reset", is_flag=True, help="Begin anew: remove the demo's data first.")
@click.option(
    "--retailers",
    type=click.IntRange(min=60),
    default=12_000,
    show_default=True,
    help="Of the city, when it is made.",
)
def demo(reset: bool, retailers: int) -> None:
    """Serve the demo city, on a day with a typhoon."""
    if reset:
        begin_anew()
    os.environ["CHANGBEI_DEMO"] = "1"
    os.environ.setdefault("CHANGBEI_SMS_GATEWAY", "twin:")
    known: list[DemoLogin] = []
    sys.exit(
        run_house(
            preparations=[
                Preparation("the demo's clock", lambda: _demo().set_clock()),
                Preparation("city, plan and today's lines", lambda: _demo().furnish(retailers)),
                Preparation("a login per role", lambda: known.extend(_demo().logins())),
            ],
            extra_processes=[ProcessSpec("player", [program("changbei"), "play", DEMO_EXERCISE])],
            on_ready=lambda address: welcome(address, known),
        )
    )


def _demo() -> ModuleType:
    """The demo's module, which has models and is imported when Django is set up."""
    return import_module("changbei.site.demo")


def welcome(address: str, known: Sequence[DemoLogin]) -> None:
    """Where to look, as whom, and what is going to happen."""
    words = ", ".join(sorted({one.password for one in known}))
    table = Table(title=f"登录 · logins，密码 · password: {words}", title_style="bold", header_style="bold")
    for head in ("login", "name", "role"):  # beside each other within the 80 columns of a terminal
        table.add_column(head, no_wrap=True)
    for one in known:
        table.add_row(one.login, one.person.name, f"{one.role['zh-Hans']} {one.role['en']}")
    console = Console()
    console.print(table)
    console.print(
        Panel("\n".join([f"[bold]{address}[/]", "", *WELCOME]), title="常备 Changbei", border_style="green")
    )


@click.command()
@click.argument("name")
@with_database
def play(name: str) -> None:
    """Play the exercise NAME on a served site as if in earnest, with simulated colleagues for whoever is not logged
    in; until SIGTERM.
    """
    _demo().play(name)


def begin_anew() -> None:
    """Remove the embedded server with its data, and the evidence files that belong to it."""
    if os.environ.get(DATABASE_VARIABLE):
        raise Conflict(
            f"--reset removes the embedded database only, and {DATABASE_VARIABLE} names another one"
        )
    default_server().destroy()
    shutil.rmtree(var_dir() / "evidence", ignore_errors=True)


@click.command()
@with_database
def migrate() -> None:
    """Bring the database's tables up to date."""
    call_command("migrate", verbosity=1)
