"""The problems of loading as findings."""

from __future__ import annotations

from changbei.core.errors import Problem
from changbei.plans.checking.finding import ERROR, Finding
from changbei.plans.checking.places import Places

MISSING = {"within": "no-limit", "overdue": "no-escalation"}


def findings(problems: list[Problem], places: Places) -> list[Finding]:
    return [_finding(problem, places) for problem in problems]


def _finding(problem: Problem, places: Places) -> Finding:
    clause = places.clause_around(problem.file, problem.line)
    last = problem.field.rpartition(".")[2]
    kind, values = "load", _split(problem)
    if problem.message.startswith("is missing") and last in MISSING:
        kind, values = MISSING[last], {"step": _step(problem, places)}
    return Finding(ERROR, kind, clause, problem.file, problem.line, problem.column, values)


def _split(problem: Problem) -> dict[str, str]:
    """What is wrong, and after the first semicolon what would be right."""
    what, _, mend = problem.message.partition("; ")
    what = f"{problem.field}: {what}" if problem.field else what
    return {"what": what.rstrip("."), "mend": mend[:1].upper() + mend[1:] + ("." if mend else "")}


def _step(problem: Problem, places: Places) -> str:
    """The id of the step that the problem is about."""
    source = places.sources.get(problem.file)
    path: list[str | int] = []
    for part in problem.field.replace("]", "").replace("[", ".").split("."):
        path.append(int(part) if part.isdigit() else part)
    while path and source is not None:
        found = source.at((*path, "id"))
        if isinstance(found, str):
            return found
        path.pop()
    return problem.field
