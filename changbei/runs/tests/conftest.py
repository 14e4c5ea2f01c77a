"""The small plan, its people, a carrier in memory, and a capability whose answers the test decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from changbei.plans import actions
from changbei.runs.context import ActionContext
from changbei.runs.tests import house


class Recovery:
    """What `test.recover` does next, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ActionContext] = []
        self.answer: Callable[[ActionContext], dict] = lambda context: {"options": 3}

    def refuse(self, error: Exception) -> None:
        def answer(context: ActionContext) -> dict:
            raise error

        self.answer = answer


RECOVERY = Recovery()


@actions.action("test.recover", params={"type": "object", "properties": {"vehicle": {"type": "string"}}})
def _recover(context: ActionContext) -> dict:
    RECOVERY.asked.append(context)
    return RECOVERY.answer(context)


@pytest.fixture
def recovery() -> Iterator[Recovery]:
    RECOVERY.__init__()
    yield RECOVERY
    RECOVERY.__init__()


@pytest.fixture
def people(db, clock, carrier, recovery) -> house.People:
    return house.make_people()


@pytest.fixture
def version(people) -> house.PlanVersion:
    return house.make_version()


@pytest.fixture
def run(version, people) -> house.Run:
    """A van is down and its driver is hurt."""
    return house.begin(version, people)
