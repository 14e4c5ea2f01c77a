"""The hash chain notices every kind of tampering."""

import contextlib
import threading

import pytest
from django.db import connection, transaction

from changbei.journal import seals, services
from changbei.journal.models import Entry, Seal

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def superuser_with_bad_intentions(table="journal_entry"):
    """What an owner of the table can do: switch the trigger off, write, and switch it on again."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def three_seals(clock):
    for seal in range(3):
        for n in range(4):
            services.append(
                "test.happened", actor=None, data={"seal": seal, "n": n, "words": "台风", "share": 0.5}
            )
        assert seals.seal() == 4


def test_an_untouched_journal_verifies(three_seals) -> None:
    assert seals.verify() == []
    assert seals.head() == Seal.objects.latest("id").hash
    assert seals.seal() == 0


def test_an_empty_journal_verifies(clock) -> None:
    assert seals.seal() == 0
    assert seals.verify() == []
    assert seals.head() == "0" * 64


def _problem_fields() -> list[str]:
    return [problem.field for problem in seals.verify()]


def _seal(number: int) -> str:
    return f"seal {Seal.objects.order_by('id')[number].pk}"


@pytest.mark.parametrize(
    "change",
    [
        "data = '{}'",
        "kind = 'test.other'",
        "at = at + interval '1 microsecond'",
        "actor_id = 7",
        "actor_label = 'x'",
        "drill = NOT drill",
        "clause = 'E1'",
        "item = 'x'",
        "run = gen_random_uuid()",
        "incident = gen_random_uuid()",
    ],
)
def test_a_changed_entry_is_found(three_seals, change: str) -> None:
    victim = Entry.objects.order_by("id")[5]
    with superuser_with_bad_intentions() as cursor:
        cursor.execute(f"UPDATE journal_entry SET {change} WHERE id = %s", [victim.pk])
    assert _problem_fields() == [_seal(1)]


def test_a_removed_entry_is_found(three_seals) -> None:
    with superuser_with_bad_intentions() as cursor:
        cursor.execute("DELETE FROM journal_entry WHERE id = %s", [Entry.objects.order_by("id")[9].pk])
    assert _problem_fields() == [_seal(2)]


def test_an_entry_slipped_in_later_is_found(three_seals) -> None:
    old = Entry.objects.order_by("id")[5]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_entry (at, kind, actor_label, item, clause, drill, data, txid)"
            " VALUES (now(), 'test.forged', '', '', '', false, '{}', %s)",
            [old.txid],
        )
    assert _problem_fields() == [_seal(1)]


def test_a_rewritten_seal_breaks_the_next(three_seals) -> None:
    """A clever one changes an entry and computes the seal over it anew: the following seal names the old
    hash.
    """
    middle = Seal.objects.order_by("id")[1]
    with superuser_with_bad_intentions() as cursor:
        cursor.execute(
            "UPDATE journal_entry SET kind = 'x' WHERE id = %s", [Entry.objects.order_by("id")[5].pk]
        )
    begin = seals.Position(middle.after_txid, middle.after_id)
    forged = seals._digest(
        middle.previous, seals.between(begin, seals.Position(middle.upto_txid, middle.upto_id))
    )
    with superuser_with_bad_intentions("journal_seal") as cursor:
        cursor.execute("UPDATE journal_seal SET hash = %s WHERE id = %s", [forged.hash, middle.pk])
    assert _problem_fields() == [_seal(2)]


def test_a_removed_seal_is_found(three_seals) -> None:
    with superuser_with_bad_intentions("journal_seal") as cursor:
        cursor.execute("DELETE FROM journal_seal WHERE id = %s", [Seal.objects.order_by("id")[1].pk])
    assert _problem_fields() == [_seal(1)]


def test_entries_of_an_unfinished_transaction_wait(clock) -> None:
    """A slow transaction that began first: nothing at or after it is sealed before it ends, so nothing
    comes late.
    """
    wrote, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            services.append("test.slow", actor=None)
            wrote.set()
            may_end.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    wrote.wait(10)
    services.append("test.quick", actor=None)
    sealed_meanwhile = seals.seal()
    may_end.set()
    thread.join()
    assert sealed_meanwhile == 0
    assert seals.seal() == 2
    assert [entry.kind for entry in seals.between(seals.Position(0, 0), None)] == ["test.slow", "test.quick"]
    assert seals.verify() == []
