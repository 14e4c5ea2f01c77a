"""A test that claims clauses (`@pytest.mark.clause("E3.3.2")`) has to have run them: the mark claims, this proves.

While a marked test runs it is noted which steps of procedures opened, which decision tables were asked, which checks
looked, which checklists were filled in, which registers' pages were shown; at the end the clauses of the journal's
entries are added. A claimed clause is proved when one of these cites it, or is what the clause names as its fulfilment.
Else the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.base import BaseHandler

from changbei.care.services import recording
from changbei.journal.models import Entry
from changbei.plans import runtime, tables
from changbei.plans.checking.declared import fulfilments
from changbei.plans.coverage import MARK
from changbei.plans.loading import read_folder
from changbei.plans.loading.pack import draft
from changbei.plans.model import Pack
from changbei.readiness import checks
from changbei.runs.models import Task

WITH_DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "small_city", "town"})


class Recorder:
    """What ran: clauses that were cited, and references as `fulfilled_by` writes them."""

    def __init__(self) -> None:
        self.clauses: set[str] = set()
        self.refs: set[str] = set()
        self.pages: set[str] = set()

    @contextmanager
    def listening(self) -> Generator[None]:
        """While this holds, the places where plans are carried out tell the recorder."""
        with (
            _around(runtime, "step", self._stepped),
            _around(tables, "evaluate", self._asked),
            _around(checks, "troubles", self._looked),
            _around(recording, "fill", self._filled),
            _around(BaseHandler, "get_response", self._shown),
        ):
            yield

    def _stepped(self, answer: Any, procedure: Any, state: Any, *_: Any) -> None:
        after, _commands = answer
        for item, entry in after["items"].items():
            before = state["items"].get(item)
            if entry["status"] != "skipped" and before is not entry:
                step = procedure.steps[item.partition("@")[0]]
                self.clauses.add(step.clause)
                self.refs |= {f"step:{procedure.id}/{step.id}", f"procedure:{procedure.id}"}

    def _asked(self, _answer: Any, table: Any, *_: Any) -> None:
        self.clauses.add(table.clause)
        self.refs.add(f"table:{table.id}")

    def _looked(self, _answer: Any, check: Any, *_: Any) -> None:
        self.clauses.add(check.clause)
        self.refs.add(f"check:{check.id}")

    def _filled(self, visit: Any, _before: Any, _seen: Any, looking: Any, *_: Any) -> None:
        answered = set(visit.answers.values_list("item", flat=True))
        self.clauses |= {item.clause for item in looking.checklist.items.values() if item.id in answered}
        self.refs.add(f"checklist:{looking.checklist.id}")

    def _shown(self, answer: Any, _handler: Any, request: Any) -> None:
        match = getattr(request, "resolver_match", None)
        if match is not None and answer.status_code < 400:
            self.pages |= {str(match.view_name), request.path.strip("/").partition("/")[0]}

    def read_database(self) -> None:
        """The journal's clauses, and the roles that had a task."""
        self.clauses |= set(Entry.objects.exclude(clause="").values_list("clause", flat=True).distinct())
        self.refs |= {f"role:{role}" for role in Task.objects.values_list("role", flat=True).distinct()}

    def proves(self, clause: str) -> bool:
        if clause in self.clauses:
            return True
        for pack in shipped():
            refs = {one.ref for one in fulfilments(pack).get(clause, ())}
            if any(ref.startswith("step:") for ref in refs):
                refs = {ref for ref in refs if not ref.startswith("procedure:")}  # a step is more exact
            registers = {ref.partition(":")[2] for ref in refs if ref.startswith("registry:")}
            pages = {_page(pack.registries[name].page) for name in registers if name in pack.registries}
            if refs & self.refs or pages & {_page(page) for page in self.pages}:
                return True
        return False


def _page(name: str) -> str:
    """`plans` and `plan`, `people.contacts` and `people-contacts` are the same page."""
    return name.replace(".", "-").replace("_", "-").rstrip("s") or "-"


@contextmanager
def _around(owner: Any, name: str, told: Callable[..., None]) -> Generator[None]:
    """Have `told(answer, *arguments)` called after each call of `owner.name`."""
    original = getattr(owner, name)

    @wraps(original)
    def listening(*given: Any, **named: Any) -> Any:
        answer = original(*given, **named)
        told(answer, *given, *named.values())
        return answer

    setattr(owner, name, listening)
    try:
        yield
    finally:
        setattr(owner, name, original)


@cache
def shipped() -> tuple[Pack, ...]:
    """The packs of the repository, read once in a session."""
    folders = sorted(path.parent for path in Path(settings.PLANS).glob("*/plan.yaml"))
    return tuple(draft(read_folder(folder), None).pack for folder in folders)


def claimed(item: pytest.Item) -> list[str]:
    """The clauses that a test claims, each once."""
    return list(dict.fromkeys(str(clause) for mark in item.iter_markers(MARK) for clause in mark.args))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Around the body of a marked test, while its database is still there."""
    wanted = claimed(item)
    if not wanted:
        return (yield)
    recorder = Recorder()
    with recorder.listening():
        answer = yield
    if _uses_database(item):
        recorder.read_database()
    missing = [clause for clause in wanted if not recorder.proves(clause)]
    if missing:
        ran = ", ".join(sorted(recorder.clauses - {""})) or "none"
        pytest.fail(f"the test claims {', '.join(missing)}, and did not run it; clauses that ran: {ran}")
    return answer


def _uses_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(names & WITH_DATABASE)
