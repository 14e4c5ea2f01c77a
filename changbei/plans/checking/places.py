"""Where things stand in the files of a pack: findings point at lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from changbei.plans.loading.draft import Draft
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import Place


class Places:
    """Looks up lines and columns in the sources of one pack."""

    def __init__(self, draft: Draft) -> None:
        self.sources: Mapping[str, Source] = draft.sources
        self._steps: dict[tuple[str, str], Path] = {}
        self._stages: dict[tuple[str, str], Path] = {}
        for file, source in self.sources.items():
            if file.startswith("procedures/"):
                self._note_steps(_stem(file), source)

    def _note_steps(self, procedure: str, source: Source) -> None:
        for i, stage in enumerate(_list(source.at(("stages",)))):
            if not isinstance(stage, dict):
                continue
            self._stages.setdefault((procedure, str(stage.get("id"))), ("stages", i))
            for j, step in enumerate(_list(stage.get("steps"))):
                if isinstance(step, dict):
                    self._steps.setdefault((procedure, str(step.get("id"))), ("stages", i, "steps", j))

    # --- places

    def at(self, file: str, *path: str | int) -> Place:
        """Where the value at `path` stands, else the nearest thing around it."""
        source = self.sources.get(file)
        if source is None:
            return Place(file, 1, 1)
        around = path
        while around and around not in source.values:
            around = around[:-1]
        mark = source.values.get(around)
        return Place(file, mark.line, mark.column) if mark else Place(file, 1, 1)

    def key(self, file: str, *path: str | int) -> Place:
        """Where the key at the end of `path` stands, else its value."""
        source = self.sources.get(file)
        mark = source.keys.get(path) if source else None
        return Place(file, mark.line, mark.column) if mark else self.at(file, *path)

    def step(self, procedure: str, step: str, *inner: str | int) -> Place:
        """The step, or the key `inner` within it."""
        return self._inside(procedure, self._steps.get((procedure, step), ()), inner)

    def stage(self, procedure: str, stage: str, *inner: str | int) -> Place:
        return self._inside(procedure, self._stages.get((procedure, stage), ()), inner)

    def option(self, procedure: str, step: str, option: str) -> Place:
        path = (*self._steps.get((procedure, step), ()), "decide", "options")
        for n, one in enumerate(_list(self._raw(procedure, path))):
            if isinstance(one, dict) and one.get("id") == option:
                return self.at(_file(procedure), *path, n)
        return self.step(procedure, step)

    def _inside(self, procedure: str, path: Path, inner: Path) -> Place:
        file = _file(procedure)
        return self.key(file, *path, *inner) if inner else self.at(file, *path)

    def expression(self, file: str, expression: str, around: Path = ()) -> Place:
        """Where this expression stands in the file, below `around`."""
        source = self.sources.get(file)
        if source is not None:
            for path in _strings(source.at(around), around, expression):
                return self.at(file, *path)
        return self.at(file, *around)

    def step_path(self, procedure: str, step: str) -> Path:
        return self._steps.get((procedure, step), ())

    def stage_path(self, procedure: str, stage: str) -> Path:
        return self._stages.get((procedure, stage), ())

    def check(self, check: str, *inner: str | int) -> Place:
        source = self.sources.get("checks.yaml")
        for n, one in enumerate(_list(source.at(("checks",)) if source else None)):
            if isinstance(one, dict) and one.get("id") == check:
                path: Path = ("checks", n, *inner)
                return self.key("checks.yaml", *path) if inner else self.at("checks.yaml", *path)
        return Place("checks.yaml", 1, 1)

    # --- what stands there

    def raw(self, procedure: str, step: str) -> Mapping[str, Any]:
        """The step as it is written."""
        found = self._raw(procedure, self._steps.get((procedure, step), ()))
        return found if isinstance(found, dict) else {}

    def _raw(self, procedure: str, path: Path) -> Any:
        source = self.sources.get(_file(procedure))
        return source.at(path) if source else None

    def words(self, *, but: Path = (), file: str = "") -> Iterator[str]:
        """Every text value of every file (those of `file` below `but` left out)."""
        for name, source in self.sources.items():
            yield from _texts(source.value, but if name == file else None)

    def clause_around(self, file: str, line: int) -> str:
        """The clause that the thing at this line cites: of the innermost map around it that names one."""
        if file.startswith("clauses/"):
            return _stem(file)
        source = self.sources.get(file)
        if source is None:
            return ""
        found: tuple[int, str] = (-1, "")
        nearest = _nearest(source, line)
        for length in range(len(nearest), -1, -1):
            clause = source.at((*nearest[:length], "clause"))
            if isinstance(clause, str) and length > found[0]:
                found = (length, clause)
        if found[1]:
            return found[1]
        clauses = source.at(("clauses",))
        return str(clauses[0]) if isinstance(clauses, list) and clauses else ""


def _nearest(source: Source, line: int) -> Path:
    """The path of the last value that begins on this line or before it, the deepest where several do."""
    best: tuple[int, int, Path] = (0, 0, ())
    for path, mark in (*source.keys.items(), *source.values.items()):
        if mark.line <= line and (mark.line, len(path)) >= best[:2]:
            best = (mark.line, len(path), path)
    return best[2]


def _file(procedure: str) -> str:
    return f"procedures/{procedure}.yaml"


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rsplit(".", 1)[0]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any, path: Path, wanted: str) -> Iterator[Path]:
    if value == wanted:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, key), wanted)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _strings(inner, (*path, n), wanted)


def _texts(value: Any, but: Path | None) -> Iterator[str]:
    if but == ():
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, but[1:] if but and but[0] == key else None)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, but[1:] if but and but[0] == n else None)
