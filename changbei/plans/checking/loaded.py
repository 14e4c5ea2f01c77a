"""The problems of loading as findings."""

from __future__ import annotations

import re

from changbei.core.errors import Problem
from changbei.plans.checking.finding import ERROR, Finding
from changbei.plans.checking.places import Places

MENDS = (  # part of the problem's words → what would mend it, where the problem does not say
    ("goes round in a circle", "Take one of these out of what the other waits for"),
    ("is missing: every text", "Write the text in this language, too"),
    ("is missing", "Write it down here"),
    ("twice", "Take one of the two out, or give it another name"),
    ("already used", "Give it another id"),
    ("is not between", "Choose a value inside the limits, or change these"),
    ("not YAML", "Correct the punctuation; an editor with the schema shows where"),
    ("in the condition", "Correct the expression; docs/plan-packs.md says what it may contain"),
    ("does not fit", "Write it in this form"),
)
_UNKNOWN_FACT = re.compile(r"unknown fact '([^']*)'; there are: (.*)", re.DOTALL)
OTHERWISE = "Write it as docs/plan-packs.md says; changbei plan schema gives editors the schema"
MISSING = {"within": "no-limit", "overdue": "no-escalation"}


def findings(problems: list[Problem], places: Places) -> list[Finding]:
    return [_finding(problem, places) for problem in problems]


def _finding(problem: Problem, places: Places) -> Finding:
    clause = places.clause_around(problem.file, problem.line)
    last = problem.field.rpartition(".")[2]
    kind, values = "load", _split(problem)
    if problem.message.startswith("is missing") and last in MISSING:
        kind, values = MISSING[last], {"step": _step(problem, places)}
    elif unknown := _UNKNOWN_FACT.match(problem.message):
        kind, values = "unknown-fact", {"fact": unknown[1], "known": unknown[2]}
    return Finding(ERROR, kind, clause, problem.file, problem.line, problem.column, values)


def _split(problem: Problem) -> dict[str, str]:
    """What is wrong, and what would be right: after the first semicolon of the problem's words, or by its kind."""
    what, _, mend = problem.message.partition("; ")
    mend = mend or next((words for part, words in MENDS if part in what), OTHERWISE)
    what = f"{problem.field}: {what}" if problem.field else what
    return {
        "what": what.rstrip("."),
        "mend": f"{mend[:1].upper()}{mend[1:].rstrip('.?')}{'?' if mend[-1] == '?' else '.'}",
    }


def _step(problem: Problem, places: Places) -> str:
    """The id of the step that the problem is about."""
    source = places.sources.get(problem.file)
    parts = problem.field.replace("]", "").replace("[", ".").split(".")
    path: list[str | int] = [int(part) if part.isdigit() else part for part in parts]
    while path and source is not None:
        found = source.at((*path, "id"))
        if isinstance(found, str):
            return found
        path.pop()
    return problem.field
