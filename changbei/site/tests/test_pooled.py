"""Waiting for one of the few connections of a process."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection

from changbei.site.pooled.base import DatabaseWrapper

TIMEOUT_SECONDS = 2.0


@pytest.fixture
def narrow(transactional_db: object) -> Any:
    """One connection for all, and who waits in vain for it hears so after two seconds."""
    plain = connection.settings_dict
    options = {**plain["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": TIMEOUT_SECONDS}}
    opened = []

    def wrapper() -> DatabaseWrapper:
        opened.append(DatabaseWrapper({**plain, "OPTIONS": options}, "narrow"))
        return opened[-1]

    yield wrapper
    for one in opened:
        one.close()
    opened[0].close_pool()


def test_who_waits_while_others_get_a_connection_goes_on_waiting(narrow: Any) -> None:
    first, others = narrow(), [narrow(), narrow()]
    may_return, got, troubles = threading.Event(), [], []
    first.ensure_connection()

    def ask(wrapper: DatabaseWrapper) -> None:
        wrapper.inc_thread_sharing()
        try:
            wrapper.ensure_connection()
            got.append(wrapper)
            may_return.wait(60)
        except OperationalError as error:
            troubles.append(error)
        finally:
            wrapper.close()

    threads = [threading.Thread(target=ask, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    _until(lambda: _stats(first)["requests_waiting"] == 2)
    first.close()
    _until(lambda: len(got) == 1 and _stats(first).get("requests_errors", 0) == 1)
    may_return.set()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    assert len(got) == 2


def test_who_waits_while_nobody_gets_a_connection_is_told(narrow: Any) -> None:
    first, second = narrow(), narrow()
    first.ensure_connection()
    with pytest.raises(OperationalError, match="couldn't get a connection"):
        second.ensure_connection()


def _stats(wrapper: DatabaseWrapper) -> dict[str, int]:
    found: dict[str, int] = wrapper.pool.get_stats()
    return found


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
