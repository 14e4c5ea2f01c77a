"""The database refuses to change what was recorded."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from changbei.journal import services
from changbei.journal.models import Entry
from changbei.journal.services import NewEntry

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["journal_entry", "journal_seal"])
def test_changes_are_refused(statement: str, table: str, clock: object) -> None:
    entry = services.append("test.happened", actor=None, data={"n": 1})
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    assert list(Entry.objects.values_list("pk", "data")) == [(entry.pk, {"n": 1})]


def test_the_database_says_in_which_transaction_it_was(clock: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (current,) = cursor.fetchone()
    entry = services.append("test.happened", actor=None)
    assert entry.txid == current


def test_many_are_one_statement_and_keep_their_order(clock, django_assert_num_queries) -> None:
    incident = uuid.uuid4()
    with django_assert_num_queries(1):
        services.append_many([NewEntry(f"test.{n}", incident=incident) for n in range(50)])
    timeline = services.timeline(incident)
    assert [entry.kind for entry in timeline] == [f"test.{n}" for n in range(50)]
    assert {entry.at for entry in timeline} == {clock.now()}


def test_nothing_to_append_is_no_statement(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert services.append_many([]) == []
