"""A pool that is busy is not a database that is gone: whoever waits for a connection goes on waiting while others get
theirs. Fifty reports at one moment on a slow machine are all answered, one after the other.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

LONGEST_SECONDS = 120.0


class DatabaseWrapper(base.DatabaseWrapper):
    given_at: ClassVar[
        dict[str, float]
    ] = {}  # by alias: when somebody was last given a connection, monotonic

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        until = time.monotonic() + LONGEST_SECONDS
        while True:
            began = time.monotonic()
            try:
                found = super().get_new_connection(conn_params)
            except PoolTimeout:
                if self.given_at.get(self.alias, began) <= began or time.monotonic() >= until:
                    raise
            else:
                self.given_at[self.alias] = time.monotonic()
                return found
