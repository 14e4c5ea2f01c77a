"""What coverage is to code: for each clause of a plan what carries it out, and which tests have run it.

A test claims clauses with `@pytest.mark.clause("E3.3.2")`; the claims are read from the files of the tests, so that no
test has to be run to know them. That a claim is true is shown when the test runs (`testing.clauses`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from changbei.plans.checking.declared import fulfilments
from changbei.plans.model import Pack

MARK = "clause"
TEST_FOLDERS = ("changbei", "tests")


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause; `fulfilled_by` are references such as `step:vehicle-breakdown/rescue`, `tests` pytest's node ids."""

    id: str
    fulfilled_by: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return bool(self.fulfilled_by and self.tests)


@dataclass(frozen=True, slots=True)
class Coverage:
    pack: str
    version: str
    clauses: tuple[Covered, ...]

    @property
    def percent(self) -> float:
        """Share of the clauses that are fulfilled and tested, rounded down: 100 means all."""
        if not self.clauses:
            return 100.0
        complete = sum(clause.complete for clause in self.clauses)
        return math.floor(1000 * complete / len(self.clauses)) / 10

    def as_json(self) -> dict[str, Any]:
        """The same for command line, page and API."""
        return {
            "percent": self.percent,
            "pack": self.pack,
            "version": self.version,
            "clauses": [
                {"id": one.id, "fulfilled_by": list(one.fulfilled_by), "tests": list(one.tests)}
                for one in self.clauses
            ],
        }


def coverage(pack: Pack, claimed: Mapping[str, Sequence[str]]) -> Coverage:
    """`claimed`: clause → tests, as `claims` gives them."""
    found = fulfilments(pack)
    clauses = (
        Covered(clause, tuple(one.ref for one in found[clause]), tuple(claimed.get(clause, ())))
        for clause in pack.clauses
    )
    return Coverage(pack.id, pack.version, tuple(clauses))


# --- claims of tests ----------------------------------------------------------------------------------------


def claims(root: Path, folders: Iterable[str] = TEST_FOLDERS) -> dict[str, list[str]]:
    """Clause → node ids of the tests below `root` that claim it, sorted; empty where there are no tests."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            if f"mark.{MARK}" in text:
                for clause, test in claims_of(text, path.relative_to(root).as_posix()):
                    found.setdefault(clause, set()).add(test)
    return {clause: sorted(tests) for clause, tests in sorted(found.items())}


def claims_of(text: str, file: str) -> Iterator[tuple[str, str]]:
    """(clause, node id) of one file: marks on the file (`pytestmark`), on classes, on tests and their parameters."""
    module = ast.parse(text, filename=file)
    yield from _claims(module.body, file, _module_marks(module.body))


def _claims(body: Sequence[ast.stmt], prefix: str, inherited: frozenset[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = inherited | _marks(node.decorator_list) | _module_marks(node.body)
            yield from _claims(node.body, f"{prefix}::{node.name}", marks)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            for clause in sorted(inherited | _marks(node.decorator_list)):
                yield clause, f"{prefix}::{node.name}"


def _module_marks(body: Sequence[ast.stmt]) -> frozenset[str]:
    return frozenset[str]().union(
        *(
            _marks([node.value])
            for node in body
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)
        )
    )


def _marks(expressions: Iterable[ast.expr]) -> frozenset[str]:
    """The clauses in every `….mark.clause("E1", …)` anywhere in these expressions."""
    return frozenset(
        argument.value
        for expression in expressions
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and _is_mark(node.func)
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )


def _is_mark(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr == MARK
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "mark"
    )
