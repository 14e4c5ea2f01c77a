"""What the checker of plans says: each finding with its place, what is wrong, and what would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from changbei.plans.checking.words import WORDS
from changbei.plans.model import Place, clause_order

ERROR, WARNING = "error", "warning"


class Phrase(str):
    """A value of a finding that is words of the catalogs, not a name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is a key of `words.WORDS`; `values` fill its words."""

    severity: str  # error, warning
    kind: str
    clause: str
    file: str
    line: int
    column: int
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def what(self) -> str:
        return self.told()[0]

    @property
    def mend(self) -> str:
        return self.told()[1]

    def told(self, translate: Callable[[str], str] = str) -> tuple[str, str]:
        """What is wrong and what would mend it, in the language of `translate`."""
        what, mend = WORDS[self.kind]
        values = {
            name: translate(value) if isinstance(value, Phrase) and value else value
            for name, value in self.values.items()
        }
        return translate(what) % values, translate(mend) % values

    def as_json(self) -> dict[str, Any]:
        """The keys that command line, page and API share."""
        what, mend = self.told()
        return {
            "severity": self.severity,
            "kind": self.kind,
            "clause": self.clause,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "what": what,
            "mend": mend,
        }

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        clause = f" [{self.clause}]" if self.clause else ""
        what, mend = self.told()
        return f"{place}: {self.severity} {self.kind}{clause}: {what} {mend}".rstrip()


def finding(severity: str, kind: str, clause: str, place: Place, /, **values: Any) -> Finding:
    return Finding(severity, kind, clause, place.file, place.line, place.column, values)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each once: the grave ones first, then in the order of the files."""
    unique = {(one.kind, one.file, one.line, one.column, one.what): one for one in findings}
    return sorted(
        unique.values(),
        key=lambda one: (
            one.severity != ERROR,
            one.file,
            one.line,
            one.column,
            clause_order(one.clause),
            one.kind,
            one.what,
        ),
    )
