"""`stages:` of a procedure → its stages and their steps."""

from __future__ import annotations

from changbei.plans.loading.procedures.particulars import particulars
from changbei.plans.loading.procedures.reader import ProcedureReader
from changbei.plans.loading.source import Path
from changbei.plans.model import Stage, Step, key_of


def read_stages(reader: ProcedureReader) -> tuple[Stage, ...]:
    paths = reader.entries(("stages",))
    ids: list[str] = []
    for path in paths:
        stage = reader.words((*path, "id"))
        if stage in ids:
            reader.problem((*path, "id"), f"the id {stage!r} is already used in this procedure")
        ids.append(stage)
    after = {stage: _after(reader, i, ids) for i, stage in enumerate(ids)}
    stages = tuple(_stage(reader, path, stage, after[stage]) for path, stage in zip(paths, ids))
    reader.check_circle(after, dict(zip(ids, paths)))
    return stages


def _after(reader: ProcedureReader, i: int, ids: list[str]) -> tuple[str, ...]:
    path: Path = ("stages", i, "after")
    if reader.at(path) is None:
        return (ids[i - 1],) if i else ()
    return tuple(reader.known(entry, "stage", ids) for entry in reader.entries(path))


def _stage(reader: ProcedureReader, path: Path, stage: str, after: tuple[str, ...]) -> Stage:
    paths = reader.entries((*path, "steps"))
    own = [reader.words((*step, "id")) for step in paths]
    steps = tuple(_step(reader, step, stage, own) for step in paths)
    reader.check_circle({step.id: step.after for step in steps}, dict(zip(own, paths)))
    return Stage(
        id=stage,
        title=reader.map((*path, "title")),
        when=reader.checked_condition((*path, "when")),
        hold_until=reader.checked_condition((*path, "hold_until")),
        after=after,
        steps=steps,
        place=reader.place(path),
    )


def _step(reader: ProcedureReader, path: Path, stage: str, siblings: list[str]) -> Step:
    kind, step = reader.kind(path), reader.words((*path, "id"))
    clause = reader.clause((*path, "clause"))
    return Step(
        id=step,
        key=key_of(step),
        kind=kind,
        stage=stage,
        clause=clause,
        when=reader.checked_condition((*path, "when")),
        hold_until=reader.checked_condition((*path, "hold_until")),
        after=tuple(_sibling(reader, entry, siblings) for entry in reader.entries((*path, "after"))),
        place=reader.place(path),
        **particulars(reader, path, kind, clause),
    )


def _sibling(reader: ProcedureReader, path: Path, siblings: list[str]) -> str:
    word = reader.words(path)
    if word in reader.kinds and word not in siblings:
        reader.problem(
            path,
            f"{word} is a step of another stage; only stages wait for each other (`after` of the stage)",
        )
        return word
    return reader.known(path, "step", siblings)
