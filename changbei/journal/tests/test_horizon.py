"""Up to where the journal is complete."""

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from changbei.journal import horizon, services

WRAP = 2**32


def test_nobody_writes() -> None:
    assert horizon.complete_below(90, 100, []) == 100


def test_the_oldest_of_ours_counts_whatever_runs_elsewhere() -> None:
    assert horizon.complete_below(7, 100, [(98, False), (95, False)]) == 95


def test_a_hidden_session_makes_all_count() -> None:
    assert horizon.complete_below(7, 100, [(98, False), (None, True)]) == 7


def test_one_that_began_after_the_snapshot_does_not_count() -> None:
    assert horizon.complete_below(100, 100, [(100, False), (103, False)]) == 100


@given(st.integers(0, 2**48), st.lists(st.integers(0, WRAP // 2 - 1), max_size=5))
def test_numbers_beyond_32_bits(following: int, distances: list[int]) -> None:
    distances = [distance for distance in distances if distance <= following]
    running = [((following - distance) % WRAP, False) for distance in distances]
    assert horizon.complete_below(0, following, running) == following - max([0, *distances])


@pytest.mark.django_db(transaction=True)
def test_a_transaction_in_another_database_is_not_waited_for(clock, empty_database_url) -> None:
    with psycopg.connect(empty_database_url) as other:
        elsewhere = _number(other)
        entry = services.append("test.happened", actor=None)
        assert elsewhere < entry.txid < horizon.current()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_in_this_database_is_waited_for(clock) -> None:
    settings = connection.settings_dict
    place = {"dbname": settings["NAME"], "host": settings["HOST"], "user": settings["USER"]}
    with psycopg.connect(**place, port=settings["PORT"] or None) as other:
        here = _number(other)
        entry = services.append("test.happened", actor=None)
        assert horizon.current() == here < entry.txid
    assert horizon.current() > entry.txid


def _number(session: psycopg.Connection) -> int:
    (number,) = session.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    return number
