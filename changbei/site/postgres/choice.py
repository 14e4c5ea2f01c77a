"""The database of a command: the one CHANGBEI_DATABASE_URL names, else the embedded one under `var/pg`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from changbei.site.postgres.account import PostgresFailed
from changbei.site.postgres.binaries import OLDEST_MAJOR
from changbei.site.postgres.server import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[3]
DATABASE_VARIABLE = "CHANGBEI_DATABASE_URL"


@contextmanager
def database() -> Iterator[str]:
    """The URL of the database, which inside the block is also in the environment.

    Enter it before Django reads its settings. The embedded server is started unless it runs, and stopped
    unless somebody else uses it.
    """
    given = os.environ.get(DATABASE_VARIABLE)
    if given:
        check_server(given)
        yield given
        return
    with default_server() as server:
        os.environ[DATABASE_VARIABLE] = server.url
        try:
            yield server.url
        finally:
            del os.environ[DATABASE_VARIABLE]


def default_server() -> EmbeddedPostgres:
    """This installation's embedded server under var/pg; not started."""
    return EmbeddedPostgres(var_dir() / "pg", durable=True)


def var_dir() -> Path:
    """Where the product keeps its data, which CHANGBEI_VAR may name; can be asked before the settings are read."""
    return Path(os.environ.get("CHANGBEI_VAR", ROOT / "var"))


def check_server(url: str) -> None:
    """Refuse a server that does not answer, or is too old."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise PostgresFailed(f"{DATABASE_VARIABLE}: no connection: {str(error).strip()}") from error
    if major < OLDEST_MAJOR:
        raise PostgresFailed(
            f"{DATABASE_VARIABLE}: the server is PostgreSQL {major}; {OLDEST_MAJOR} or later is needed"
        )
