"""clauses/NUMBER.md → Clause; and what holds among clauses: their sections, and what fulfils them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from changbei.core.errors import Problem
from changbei.core.texts import LANGUAGES
from changbei.plans.loading.bench import Bench, Reader
from changbei.plans.loading.files import stem
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import Clause, Procedure, clause_order

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?:.*\n)*?---[ \t]*(\n|$)")
_SECTION = re.compile(r"^##[ \t]+(\S+)[ \t]*$", re.MULTILINE)


def read_clause(clause: Reader, text: str) -> None:
    body = _sections(clause, text)
    found = Clause(
        id=stem(clause.source.file),
        title=clause.map(("title",)),
        body=body,
        fulfilled_by=clause.texts(("fulfilled_by",)),
        place=clause.place(()),
        section=clause.words(("section",)),
    )
    clause.bench.clauses[found.id] = found


def placed(clause: Clause, sections: Mapping[str, Any]) -> Clause:
    """With its section of the document: its own, else the one plan.yaml gives the longest beginning of its number."""
    if clause.section:
        return clause
    own = clause_order(clause.id)
    found = ""
    longest = 0
    for section, beginnings in sections.items():
        for beginning in beginnings:
            parts = clause_order(beginning)
            if len(parts) > longest and own[: len(parts)] == parts:
                found, longest = section, len(parts)
    return replace(clause, section=found)


def _sections(clause: Reader, text: str) -> dict[str, str]:
    """The text below the front matter by language; every language once, none empty, nothing before the
    first.
    """
    begins = _FRONT_MATTER.match(text)
    if begins is None:
        return {}

    def problem(message: str, line: int, column: int = 1) -> None:
        clause.bench.problems.append(Problem("", message, clause.source.file, line, column))

    found: dict[str, str] = {}
    heads = list(_SECTION.finditer(text, begins.end()))
    before = text[begins.end() : heads[0].start() if heads else len(text)]
    if heads and before.strip():
        line = _line(text, begins.end() + len(before) - len(before.lstrip()))
        problem(f"text before the first section; sections are {_heads()}", line)
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(text)]):
        language, words = head[1], text[head.end() : end].strip()
        if wrong := _wrong(language, words, found):
            problem(wrong, _line(text, head.start()), 4)
        found.setdefault(language, words)
    last = text.rstrip("\n").count("\n") + 1
    for language in LANGUAGES:
        if language not in found:
            problem(f"the section ## {language} is missing; every clause needs {_heads()}", last)
    return found


def _wrong(language: str, words: str, found: Mapping[str, str]) -> str:
    """What is wrong with the next section after those `found`; "" when it is as it should be."""
    if language not in LANGUAGES:
        return f"unknown section {language!r}; sections are {_heads()}"
    if language in found:
        return f"the section ## {language} is there twice"
    return "" if words else f"the section ## {language} is empty"


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _heads() -> str:
    return ", ".join(f"## {language}" for language in LANGUAGES)


def check_fulfilment(bench: Bench, clauses: list[Source], procedures: Mapping[str, Procedure]) -> None:
    """Every `fulfilled_by` has to name something that is there."""
    names: dict[str, Collection[str]] = {
        "procedure": bench.known["procedure"],
        "check": bench.checks,
        "registry": bench.registries,
        "table": bench.known["table"],
        "role": bench.known["role"],
        "setting": bench.known["setting"],
        "checklist": bench.known["checklist"],
    }
    for source in clauses:
        clause = Reader(bench, source)
        for n, reference in enumerate(clause.list(("fulfilled_by",))):
            if not isinstance(reference, str):
                continue
            kind, _, name = reference.partition(":")
            name, _, step = name.partition("/")
            path: Path = ("fulfilled_by", n)
            if name not in names[kind]:
                clause.problem(path, f"there is no {kind} {name!r}; {listed(name, names[kind])}")
            elif step and name in procedures and step not in (steps := procedures[name].steps):
                clause.problem(path, f"{name} has no step {step!r}; {listed(step, steps)}")
