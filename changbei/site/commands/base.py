"""What the commands share: the database around them, and errors as people read them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
import django
from django.db import ProgrammingError, connections
from psycopg.errors import UndefinedColumn, UndefinedTable

from changbei.core.errors import ChangbeiError, Invalid, NotAllowed
from changbei.site.postgres import database

COORDINATES = ("wgs84", "gcj02", "bd09")
"""`compute.datum.NAMES`, without loading arrays for a list of commands."""
P = ParamSpec("P")
R = TypeVar("R")


class HouseGroup(click.Group):
    """A group whose commands may raise the house's errors, or find a file or folder that cannot be read or written:
    each becomes `Error: …` and exit code 1.
    """

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Invalid as error:
            raise click.ClickException("\n".join(str(problem) for problem in error.problems)) from error
        except NotAllowed as error:
            raise click.ClickException(f"whoever acts lacks the permission: {error}") from error
        except ChangbeiError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{os.fsdecode(error.filename)}: {error.strerror}") from error
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
                raise
            raise click.ClickException(
                "the database is not set up for this version; run `changbei migrate`, or `make demo` for a demo city"
            ) from error


def with_database(command: Callable[P, R]) -> Callable[P, R]:
    """Around a command's function: the database runs and Django is set up; both are let go afterwards.

    Modules with models are imported inside the function, as Django is not set up before.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with database():
            django.setup()
            try:
                return command(*args, **kwargs)
            finally:
                let_go_of_database()

    return run


def coordinates_option(whose: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`--coordinates`: the system that positions in a file are in; inside the product all are WGS-84."""
    return click.option(
        "--coordinates",
        type=click.Choice(COORDINATES),
        default=COORDINATES[0],
        show_default=True,
        help=f"The system of {whose} longitude and latitude: GPS, Chinese maps, Baidu's.",
    )


def let_go_of_database() -> None:
    """Close this process's connections, the pooled ones too: a server does not stop quietly under them."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
