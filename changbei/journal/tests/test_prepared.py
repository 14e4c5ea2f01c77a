"""Statements that are prepared, and objects that are read by them."""

from __future__ import annotations

import pytest
from django.db import connection

from changbei.journal import prepared, services
from changbei.journal.models import Entry

pytestmark = pytest.mark.django_db
STATEMENT = "SELECT %s::int + 1"


def test_a_statement_is_prepared_once_it_comes_again(clock: object) -> None:
    for number in range(3):
        with prepared.cursor() as cursor:
            cursor.execute(STATEMENT, [number])
            assert cursor.fetchone() == (number + 1,)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::int + 1'")
        assert cursor.fetchone() == (1,)


def test_objects_are_what_a_queryset_gives(clock: object) -> None:
    told = [
        services.append("test.happened", actor=None, data={"n": number, "words": "好"}) for number in range(3)
    ]
    keys = [entry.pk for entry in told[1:]]
    found = prepared.objects(Entry, "WHERE id = ANY(%s::bigint[]) ORDER BY id", [keys])
    known = list(Entry.objects.filter(pk__in=keys).order_by("pk"))
    names = [field.attname for field in Entry._meta.concrete_fields]
    assert found == known
    assert [[getattr(one, name) for name in names] for one in found] == [
        [getattr(one, name) for name in names] for one in known
    ]
    some = prepared.objects(Entry, "WHERE id = ANY(%s::bigint[])", [keys[:1]], ("id", "data"))
    assert [(one.pk, one.data) for one in some] == [(keys[0], {"n": 1, "words": "好"})]
    assert some[0].kind == "test.happened", "what was not read is read when it is asked for"
