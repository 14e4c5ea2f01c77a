"""A mark claims, the recorder proves."""

from __future__ import annotations

from typing import Any, cast

import pytest

from changbei.plans import tables
from changbei.plans.tests.walk import MONDAY, Walk
from changbei.plans.tests.walk import pack as shipped_pack
from changbei.testing.clauses import Recorder, pytest_runtest_call

BROKEN_DOWN = {
    "vehicle": "17",
    "place": {"longitude": 117.2, "latitude": 30.1, "text": "G50"},
    "injured": True,
    "goods_aboard": True,
    "cause": "accident",
}


def test_a_walk_proves_the_clauses_of_the_steps_that_opened() -> None:
    recorder = Recorder()
    with recorder.listening():
        Walk("vehicle-breakdown", BROKEN_DOWN, driver="3107", vehicle_keeper="3107")
    assert recorder.proves("E3.3.4")  # rescue and the accident
    assert recorder.proves("E3.3.5")  # a substitute, as somebody is hurt
    assert not recorder.proves("E3.1.7")
    assert "step:vehicle-breakdown/hand-in-van" not in recorder.refs  # skipped is not run


def test_asking_a_table_proves_its_clause() -> None:
    recorder = Recorder()
    with recorder.listening():
        tables.evaluate(shipped_pack().tables["approval-limit"], {"path": "planned", "cartons": 3})
    assert recorder.clauses == {"E3.4.3a"}
    assert not recorder.proves("E3.1.7")


def test_outside_of_listening_nothing_is_noted() -> None:
    recorder = Recorder()
    with recorder.listening():
        pass
    tables.evaluate(shipped_pack().tables["approval-limit"], {"path": "planned", "cartons": 3})
    assert (recorder.clauses, recorder.refs) == (set(), set())
    assert MONDAY.hour == 1


@pytest.mark.clause("E3.4.3a")
def test_this_test_claims_what_it_runs() -> None:
    assert tables.evaluate(
        shipped_pack().tables["approval-limit"], {"path": "planned", "cartons": 3}
    ).outputs == {"role": "customer-service-head"}


class Item:
    """As much of a test as the hook asks for."""

    fixturenames: tuple[str, ...] = ()

    def __init__(self, *clauses: str) -> None:
        self.marks = [pytest.mark.clause(*clauses).mark]

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [mark for mark in self.marks if mark.name == name]

    def get_closest_marker(self, name: str) -> None:
        return None


def run(item: Item) -> None:
    """The body of a test with these marks, which asks one table."""
    around: Any = pytest_runtest_call(cast(pytest.Item, item))
    next(around)
    tables.evaluate(shipped_pack().tables["approval-limit"], {"path": "planned", "cartons": 3})
    with pytest.raises(StopIteration):
        around.send(None)


def test_a_test_that_claims_what_it_does_not_run_fails() -> None:
    run(Item("E3.4.3a"))
    with pytest.raises(pytest.fail.Exception) as failed:
        run(Item("E3.4.3a", "E3.1.1"))
    assert str(failed.value) == "the test claims E3.1.1, and did not run it; clauses that ran: E3.4.3a"
