"""tables/ID.yaml → Table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changbei.plans.conditions import Names
from changbei.plans.loading.bench import Reader
from changbei.plans.loading.files import stem
from changbei.plans.loading.shapes import allowed_words, listed
from changbei.plans.loading.source import Path
from changbei.plans.loading.value_types import fits, typed
from changbei.plans.model import Row, Table


def read_table(table: Reader) -> None:
    inputs: dict[str, str] = {
        name: kind for name, kind in table.map(("inputs",)).items() if isinstance(kind, str)
    }
    outputs = dict(table.map(("outputs",)))
    names = Names.of(inputs, table.bench.setting_values())
    rows: list[Row] = []
    for path in table.entries(("rules",)):
        when = table.condition((*path, "when"), names)
        then = _outputs(table, (*path, "then"), outputs)
        if when is not None:
            rows.append(Row(when, then, table.map((*path, "note")), table.place(path)))
    table.bench.tables[stem(table.source.file)] = Table(
        id=table.words(("id",)),
        title=table.map(("title",)),
        clause=table.clause(("clause",)),
        hit=table.words(("hit",)),
        inputs=inputs,
        outputs=outputs,
        rows=tuple(rows),
        place=table.place(()),
        partial=table.at(("partial",)) is True,
    )


def _outputs(table: Reader, path: Path, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row: every declared output, none else, each of its type."""
    given = table.map(path)
    found: dict[str, Any] = {}
    for name, value in given.items():
        kind = declared.get(name)
        if kind is None:
            message = f"the table has no output {name!r}; {listed(name, declared)}"
            table.problem((*path, name), message, at_key=True)
        elif not fits(value, kind):
            table.problem((*path, name), f"{value!r} is not of the type {kind}")
        else:
            found[name] = typed(value, kind)
    for name in declared:
        if name not in given:
            table.problem((*path, name), f"is missing; every row gives: {allowed_words(declared)}")
    return found
