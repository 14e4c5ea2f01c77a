"""The files of a pack: which kind each is, read and held against its schema; and the ids they stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from changbei.core.errors import Problem
from changbei.plans.loading.bench import Bench
from changbei.plans.loading.shapes import KINDS, validate
from changbei.plans.loading.source import Source, read_yaml

_FOLDERS = {
    "clauses": ("clause", ".md"),
    "tables": ("table", ".yaml"),
    "procedures": ("procedure", ".yaml"),
    "messages": ("message", ".yaml"),
    "checklists": ("checklist", ".yaml"),
}
_SINGLE = ("plan.yaml", "checks.yaml", "exercises.yaml")
_LAYOUT = ", ".join((*_SINGLE, *(f"{folder}/*{suffix}" for folder, (_, suffix) in _FOLDERS.items())))


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over all paths and texts, in the order of the paths."""
    hasher = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path]):
            data = part.encode("utf-8")
            hasher.update(len(data).to_bytes(8, "big"))
            hasher.update(data)
    return hasher.hexdigest()


def read_files(files: Mapping[str, str], bench: Bench) -> dict[str, list[Source]]:
    """All files by their kind. Where there is no plan.yaml an empty one stands in for it."""
    by_kind: dict[str, list[Source]] = {kind: [] for kind in KINDS}
    for kind, source in _sources(files, bench):
        by_kind[kind].append(source)
    if not by_kind["plan"]:
        bench.problems.append(Problem("", f"there is no plan.yaml; a pack has {_LAYOUT}", "plan.yaml", 1, 1))
        by_kind["plan"].append(Source("plan.yaml", "", {}))
    _note_ids(bench, by_kind)
    return by_kind


def _sources(files: Mapping[str, str], bench: Bench) -> Iterator[tuple[str, Source]]:
    """Each file read and held against its schema; a file whose YAML cannot be read is reported and left
    out.
    """
    for file in sorted(files):
        kind = _kind_of(file)
        if kind is None:
            bench.problems.append(Problem("", f"not a file of a pack; a pack has {_LAYOUT}", file, 1, 1))
            continue
        source = _front_matter(file, files[file]) if kind == "clause" else read_yaml(file, files[file])
        bench.problems += source.problems
        if source.value is None:
            source.value = {}  # said already: not YAML, or empty
        else:
            bench.problems += validate(source, kind)
        if not isinstance(source.value, dict):
            source.value = {}
        _check_name(bench, source, kind)
        yield kind, source


def _kind_of(file: str) -> str | None:
    if file in _SINGLE:
        return file.removesuffix(".yaml")
    folder, _, name = file.partition("/")
    kind, suffix = _FOLDERS.get(folder, ("", ""))
    return kind if kind and name.endswith(suffix) and "/" not in name else None


def _front_matter(file: str, text: str) -> Source:
    """The YAML between the two lines of ---."""
    lines = text.split("\n")
    ends = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or ends is None:
        source = Source(file, text)
        source.problems.append(
            Problem("", "a clause begins with a line ---, its id and title, and a line ---", file, 1, 1)
        )
        return source
    return read_yaml(file, "\n".join(lines[1:ends]) + "\n", first_line=2)


def stem(file: str) -> str:
    return file.rpartition("/")[2].rsplit(".", 1)[0]


def _check_name(bench: Bench, source: Source, kind: str) -> None:
    given = source.at(("id",))
    if source.file in _SINGLE or not isinstance(given, str):
        return
    if given != stem(source.file):
        suffix = source.file.rsplit(".", 1)[1]
        bench.problems.append(source.problem(("id",), f"{given!r} has to stand in the file {given}.{suffix}"))


def _note_ids(bench: Bench, by_kind: Mapping[str, list[Source]]) -> None:
    """Which ids exist at all, so that a mistake inside a file is not also reported as "unknown" elsewhere."""
    for kind in ("clause", "table", "message", "procedure", "checklist"):
        bench.known[kind] = {stem(source.file) for source in by_kind[kind]}
    plan = by_kind["plan"][0]
    for kind, key in (("role", "roles"), ("setting", "settings")):
        declared = {path[1] for path in plan.keys if len(path) == 2 and path[0] == key}
        bench.known[kind] = {str(name) for name in declared}
