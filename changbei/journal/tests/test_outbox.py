"""Facts lead to reactions, once each, in order, whatever fails."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from changbei.journal import horizon, outbox, services
from changbei.journal.models import Cursor, Entry, FailedReaction
from changbei.journal.outbox import Reaction

pytestmark = pytest.mark.django_db(transaction=True)


def _note(kind: str):
    """A reaction that leaves a trace in the database."""

    def do(entry: Entry) -> None:
        services.append(kind, actor=None, data={"of": entry.data["n"]})

    return do


def _noted(kind: str) -> list[int]:
    return [entry.data["of"] for entry in Entry.objects.filter(kind=kind).order_by("id")]


def _happen(*numbers: int) -> None:
    for n in numbers:
        services.append("test.happened", actor=None, data={"n": n})


TABLE = {"test.happened": [Reaction("note", _note("test.noted"))]}


def test_each_fact_once_in_order(clock) -> None:
    _happen(1, 2, 3)
    assert outbox.react(TABLE) == 3
    _happen(4)
    outbox.react(TABLE)
    outbox.react(TABLE)
    assert outbox.react(TABLE) == 0
    assert _noted("test.noted") == [1, 2, 3, 4]
    assert outbox.behind() == 0


def test_batches_go_on_where_the_last_ended(clock) -> None:
    _happen(*range(7))
    while outbox.react(TABLE, limit=3):
        pass
    assert _noted("test.noted") == list(range(7))


def test_a_failing_reaction_holds_nobody_up_and_is_tried_again(clock) -> None:
    broken = [True]

    def moody(entry: Entry) -> None:
        _note("test.moody")(entry)
        if broken[0]:
            raise ValueError("not today")

    table = {"test.happened": [Reaction("moody", moody), Reaction("note", _note("test.noted"))]}
    _happen(1, 2)
    outbox.react(table)
    assert _noted("test.noted") == [1, 2]
    assert _noted("test.moody") == []  # rolled back with the error
    assert (
        list(FailedReaction.objects.values_list("reaction", "error", "attempts"))
        == [("moody", "ValueError: not today", 1)] * 2
    )
    assert outbox.next_due() == clock.now() + timedelta(seconds=5)
    assert outbox.retry(table) == 0

    clock.advance(timedelta(seconds=5))
    assert outbox.retry(table) == 2
    broken[0] = False
    clock.advance(timedelta(seconds=10))
    assert outbox.retry(table) == 2
    assert _noted("test.moody") == [1, 2]
    assert outbox.next_due() is None
    assert FailedReaction.objects.filter(done_at=clock.now(), attempts=3).count() == 2


def test_a_hopeless_reaction_is_given_up_and_kept(clock) -> None:
    def never(entry: Entry) -> None:
        raise ValueError("never")

    table = {"test.happened": [Reaction("never", never)]}
    _happen(1)
    outbox.react(table)
    for _ in range(20):
        clock.advance(timedelta(hours=1))
        outbox.retry(table)
    failed = FailedReaction.objects.get()
    assert (failed.attempts, failed.due_at, failed.done_at) == (outbox.MOST_ATTEMPTS, None, None)


def test_reactions_to_every_fact_choose_by_the_entry(clock) -> None:
    table = {
        outbox.EVERY: [
            Reaction("odd", _note("test.noted"), when=lambda entry: entry.data.get("n", 0) % 2 == 1)
        ]
    }
    _happen(1, 2, 3)
    outbox.react(table)
    assert _noted("test.noted") == [1, 3]


def test_two_workers_react_once(clock) -> None:
    _happen(*range(40))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(60):
                outbox.react(TABLE, limit=5)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while outbox.react(TABLE):
        pass
    assert errors == []
    assert _noted("test.noted") == list(range(40))
    assert Cursor.objects.count() == 1


def test_not_inside_a_transaction(clock) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="cannot run inside a transaction"):
        outbox.react(TABLE)


def test_a_server_that_counts_from_below_the_journal_is_refused(clock) -> None:
    _happen(1)
    horizon.check()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_entry (at, kind, actor_label, item, clause, drill, data, txid)"
            " VALUES (now(), 'test.restored', '', '', '', false, '{}', %s)",
            [horizon.current() + 1_000_000],
        )
    with pytest.raises(Exception, match="pg_resetwal"):
        horizon.check()
