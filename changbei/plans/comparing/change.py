"""One difference between two versions of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ADDED, REMOVED, CHANGED, MOVED, LONGER, SHORTER = "added", "removed", "changed", "moved", "longer", "shorter"


@dataclass(frozen=True, slots=True)
class Change:
    """`part`: clause, setting, role, ladder, step, table …; `subject`: its id; `aspect`: what of it, "" for all of it.

    `lines` is a unified diff of a text; `examples` are inputs of a table whose outcome differs.
    """

    part: str
    subject: str
    how: str  # added, removed, changed, moved, longer, shorter
    clause: str = ""
    aspect: str = ""
    before: str = ""
    after: str = ""
    language: str = ""
    lines: tuple[str, ...] = ()
    examples: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "part": self.part,
            "subject": self.subject,
            "how": self.how,
            "clause": self.clause,
            "aspect": self.aspect,
            "before": self.before,
            "after": self.after,
        }
        if self.lines:
            found |= {"language": self.language, "lines": list(self.lines)}
        if self.examples:
            found["examples"] = [dict(one) for one in self.examples]
        return found

    def __str__(self) -> str:
        aspect = f" {self.aspect}" if self.aspect else ""
        clause = f" [{self.clause}]" if self.clause else ""
        language = f" ({self.language})" if self.language else ""
        head = f"{self.part} {self.subject}{aspect}{language}{clause}: {self.how}"
        if self.before or self.after:
            head += f": {self.before or '–'} → {self.after or '–'}"
        more = [f"    {line}" for line in self.lines]
        for one in self.examples:
            given = ", ".join(f"{name} = {value}" for name, value in one["inputs"].items())
            more.append(f"    {given}: {one['before']} → {one['after']}")
        return "\n".join([head, *more])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions, each (pack, version, digest), and what differs."""

    before: tuple[str, str, str]
    after: tuple[str, str, str]
    changes: tuple[Change, ...]

    @property
    def in_words(self) -> tuple[Change, ...]:
        """Changes of the document, which alone make nothing happen otherwise."""
        return tuple(change for change in self.changes if change.part in {"clause", "message"})

    @property
    def in_behaviour(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change not in self.in_words)

    def as_json(self) -> dict[str, Any]:
        """The same for command line, page and API."""
        counted = Counter(change.part for change in self.changes)
        return {
            "before": dict(zip(("pack", "version", "digest"), self.before, strict=True)),
            "after": dict(zip(("pack", "version", "digest"), self.after, strict=True)),
            "counts": dict(sorted(counted.items())),
            "changes": [change.as_json() for change in self.changes],
        }
