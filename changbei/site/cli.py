"""The command line `changbei`."""

from __future__ import annotations

import click

from changbei import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Changbei (常备): contingency plans that people sign, print and run."""
