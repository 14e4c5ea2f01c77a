"""What the builders of a pack share: the source they read, the problems they find, the names they may use.

Builders meet values that have passed the schema; what has not was removed, so a key may be missing
anywhere. They then go on with something harmless: a pack with problems is never handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from changbei.core import durations
from changbei.core.durations import Duration
from changbei.core.errors import Problem
from changbei.plans.actions import Action
from changbei.plans.conditions import (
    BadCondition,
    Condition,
    Mistake,
    Names,
    compile_condition,
    compile_value,
)
from changbei.plans.loading.shapes import allowed_words, listed, suggest
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import (
    Audience,
    Check,
    Checklist,
    Clause,
    Place,
    Registry,
    Role,
    Setting,
    Table,
    Template,
)

_NOTHING: Mapping[str, Any] = {}
ZERO = Duration()


@dataclass
class Bench:
    """The pack in the making. `actions` is None when action names are not to be checked."""

    actions: Mapping[str, Action] | None
    problems: list[Problem] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    ladders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    audiences: dict[str, Audience] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    clauses: dict[str, Clause] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    checklists: dict[str, Checklist] = field(default_factory=dict)
    known: dict[str, set[str]] = field(
        default_factory=dict
    )  # ids that exist as files, even where those have problems

    def setting_values(self) -> dict[str, tuple[str, Any]]:
        return {name: (setting.type, setting.value) for name, setting in self.settings.items()}


@dataclass
class Reader:
    """Reads one file for its builder; knows where things stand, and reports there."""

    bench: Bench
    source: Source

    # --- values ---

    def at(self, path: Path) -> Any:
        return self.source.at(path)

    def map(self, path: Path) -> Mapping[str, Any]:
        value = self.at(path)
        return value if isinstance(value, dict) else _NOTHING

    def words(self, path: Path) -> str:
        value = self.at(path)
        return value if isinstance(value, str) else ""

    def list(self, path: Path) -> list[Any]:
        value = self.at(path)
        return value if isinstance(value, list) else []

    def entries(self, path: Path) -> tuple[Path, ...]:
        """Where the entries of the list at `path` stand."""
        return tuple((*path, n) for n, _ in enumerate(self.list(path)))

    def texts(self, path: Path) -> tuple[str, ...]:
        return tuple(item for item in self.list(path) if isinstance(item, str))

    def place(self, path: Path) -> Place:
        mark = self.source.values.get(path)
        return Place(self.source.file, mark.line if mark else 1, mark.column if mark else 1)

    # --- problems ---

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> None:
        self.bench.problems.append(self.source.problem(path, message, at_key=at_key))

    def known(self, path: Path, kind: str, allowed: Iterable[str]) -> str:
        """The word at `path`, which has to be one of `allowed`; "" when it is missing."""
        word = self.words(path)
        names = set(allowed)
        if word and word not in names:
            self.problem(path, f"unknown {kind} {word!r}; {listed(word, names)}")
        return word

    def clause(self, path: Path) -> str:
        word = self.words(path)
        names = self.bench.known.get("clause", set())
        if word and word not in names:
            self.problem(path, f"unknown clause: there is no file clauses/{word}.md{suggest(word, names)}")
        return word

    def role(self, path: Path) -> str:
        return self.known(path, "role", self.bench.known.get("role", ()))

    def roles(self, path: Path) -> tuple[str, ...]:
        return tuple(self.role(entry) for entry in self.entries(path))

    def duration(self, path: Path) -> Duration | None:
        """The duration at `path`, directly or through a setting."""
        word = self.words(path)
        if not word:
            return None
        if word.startswith("setting."):
            return self._setting_duration(path, word.removeprefix("setting."))
        return durations.parse(word)

    def _setting_duration(self, path: Path, name: str) -> Duration:
        names = self.bench.settings
        if name not in names:
            if name not in self.bench.known.get("setting", ()):
                self.problem(path, f"unknown setting {name!r}; {listed(name, names)}")
            return ZERO
        try:
            return durations.parse(names[name].value)
        except ValueError:
            self.problem(
                path, f"setting.{name} holds {names[name].value!r}, which is no duration such as 15m or 1wd"
            )
            return ZERO

    def chain(self, path: Path) -> tuple[str, ...]:
        """Roles to escalate along: written out, or a ladder of plan.yaml."""
        if isinstance(self.at(path), str):
            ladder = self.known(path, "ladder", self.bench.ladders)
            return self.bench.ladders.get(ladder, ())
        return self.roles(path)

    # --- conditions ---

    def condition(self, path: Path, names: Names) -> Condition | None:
        """The condition at `path`, compiled; None when it is missing or wrong (then it is reported)."""
        return self._compile(path, names, must_hold=True)

    def value(self, path: Path, names: Names) -> Condition | None:
        return self._compile(path, names, must_hold=False)

    def values(self, path: Path, names: Names) -> dict[str, Condition]:
        found = {name: self.value((*path, name), names) for name in self.map(path)}
        return {name: condition for name, condition in found.items() if condition is not None}

    def _compile(self, path: Path, names: Names, *, must_hold: bool) -> Condition | None:
        source = self.words(path)
        if not source:
            return None
        try:
            return compile_condition(source, names) if must_hold else compile_value(source, names)
        except BadCondition as bad:
            for mistake in bad.mistakes:
                self._mistake(path, source, mistake, names)
            return None

    def _mistake(self, path: Path, source: str, mistake: Mistake, names: Names) -> None:
        message = mistake.message
        if message.endswith("is not known here"):
            word = message.split("'")[1]
            declared = names.declared()
            message += f"; known: {allowed_words(declared)}{suggest(word, declared)}"
            if (
                word.isidentifier()
                and word not in source.replace(f'"{word}"', "").replace(f"'{word}'", "").split(".")[0]
            ):
                message += f"; a text needs quotes of its own: '\"{word}\"'"
        self.inside(path, source, mistake.line, mistake.column, f"in the condition: {message}")

    def inside(self, path: Path, source: str, line: int, column: int, message: str) -> None:
        """A problem at a line and column of the expression `source` that stands at `path`."""
        lines = source.split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        self.bench.problems.append(self.source.inside(path, min(offset, max(len(source) - 1, 0)), message))
