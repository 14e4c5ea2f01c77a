"""gunicorn's settings: what a web process does once it has begun."""

from __future__ import annotations

import logging
import threading
from importlib import import_module

logger = logging.getLogger(__name__)


def post_worker_init(_process: object) -> None:
    """gunicorn's name for it. Beside the first requests, not before them."""
    threading.Thread(target=read_plans, daemon=True).start()


def read_plans() -> None:
    """The plans in force are read now, not while somebody waits who reports a breakdown. Without a database whoever
    comes first has them read."""
    django = import_module("django.db")
    try:
        import_module("changbei.plans.selectors").read_in_force()
    except django.DatabaseError as error:
        logger.warning("the plans in force are not read yet: %s", error)
    finally:
        django.connection.close()
