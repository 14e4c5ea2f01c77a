"""What changed in the words: clauses and messages, in each language."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from changbei.core.texts import LANGUAGES, Text
from changbei.plans.comparing.change import ADDED, CHANGED, REMOVED, Change
from changbei.plans.model import Pack, clause_order


def clauses(before: Pack, after: Pack) -> Iterator[Change]:
    for clause in sorted({*before.clauses, *after.clauses}, key=clause_order):
        old, new = before.clauses.get(clause), after.clauses.get(clause)
        if old is None or new is None:
            one = new or old
            title = one.title.get("en", "") if one else ""
            how = ADDED if old is None else REMOVED
            yield Change(
                "clause",
                clause,
                how,
                clause,
                before="" if old is None else title,
                after="" if new is None else title,
            )
            continue
        yield from _texts("clause", clause, clause, "title", old.title, new.title)
        yield from _texts("clause", clause, clause, "text", old.body, new.body)
        if set(old.fulfilled_by) != set(new.fulfilled_by):
            words = ", ".join(sorted(old.fulfilled_by)), ", ".join(sorted(new.fulfilled_by))
            yield Change("clause", clause, CHANGED, clause, "fulfilled_by", *words)
    yield from _messages(before, after)


def _messages(before: Pack, after: Pack) -> Iterator[Change]:
    for name in sorted({*before.templates, *after.templates}):
        old, new = before.templates.get(name), after.templates.get(name)
        if old is None or new is None:
            one = new or old
            yield Change("message", name, ADDED if old is None else REMOVED, one.clause if one else "")
            continue
        yield from _texts("message", name, new.clause, "title", old.title, new.title)
        yield from _texts("message", name, new.clause, "text", old.body, new.body)
        if old.urgency != new.urgency:
            yield Change("message", name, CHANGED, new.clause, "urgency", old.urgency, new.urgency)


def _texts(part: str, subject: str, clause: str, aspect: str, old: Text, new: Text) -> Iterator[Change]:
    """A change for each language in which the text differs, with the lines that do."""
    for language in LANGUAGES:
        first, second = old.get(language, "").splitlines(), new.get(language, "").splitlines()
        if first != second:
            lines = list(unified_diff(first, second, lineterm="", n=0))[2:]
            shown = tuple(line for line in lines if not line.startswith("@@"))
            yield Change(part, subject, CHANGED, clause, aspect, language=language, lines=shown)
