"""Plan calls plan: what can be checked when all procedures of a pack have been read.

A call of another plan is only checked against the plans in force (`plan check`): this pack does not know
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from changbei.plans.loading.bench import Bench, Reader
from changbei.plans.loading.circles import find_circles
from changbei.plans.loading.procedures.reader import step_paths
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import Procedure

Place = tuple[Reader, Path]


def check_calls(bench: Bench, own: str, sources: list[Source], procedures: Mapping[str, Procedure]) -> None:
    """Every call within the pack `own` names a procedure and fills its form; none leads back to where it began."""
    called: dict[str, dict[str, Place]] = {}
    for source in sources:
        reader = Reader(bench, source)
        calling = called.setdefault(reader.words(("id",)), {})
        for path in step_paths(reader):
            if not reader.map((*path, "call")):
                continue
            plan, name = reader.words((*path, "call", "plan")), reader.words((*path, "call", "procedure"))
            if plan and plan != own:
                continue
            reader.known((*path, "call", "procedure"), "procedure", bench.known.get("procedure", ()))
            calling.setdefault(name, (reader, path))
            if name in procedures:
                _check_report(reader, path, procedures[name])
    for circle in find_circles({procedure: tuple(calls) for procedure, calls in called.items()}):
        reader, path = called[circle[0]][circle[1 % len(circle)]]
        reader.problem((*path, "call"), f"leads back to itself: {' → '.join((*circle, circle[0]))}")


def _check_report(reader: Reader, path: Path, called: Procedure) -> None:
    """What is given are fields of the called procedure's form, and what it requires is given."""
    fields, given = called.form.get("properties", {}), reader.map((*path, "with"))
    for name in given:
        if name not in fields:
            message = f"the form of {called.id} has no field {name!r}; {listed(name, fields)}"
            reader.problem((*path, "with", name), message, at_key=True)
    for name in called.form.get("required", ()):
        if name not in given:
            reader.problem((*path, "with", name), f"is missing: the form of {called.id} requires it")
