"""`changbei worker`: one process that does what is due."""

from __future__ import annotations

import click

from changbei.site.commands.base import with_database


@click.command()
@click.option("--poll", default=1.0, show_default=True, help="Seconds between looks when nobody calls.")
@with_database
def worker(poll: float) -> None:
    """Send messages, fire timers, perform what plans call, react to facts; until SIGTERM.

    Any number of workers share the work.
    """
    from changbei.site import worker as work  # noqa: PLC0415 - models: only after Django is set up

    work.main(poll)
