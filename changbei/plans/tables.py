"""Decision tables with the hit policies of DMN: UNIQUE, FIRST and COLLECT. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from changbei.plans.model import Table

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # tables do not see the time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a table said. `rows` counts from 1; `outputs` is None when no row decided; `notes` says why
    not.
    """

    outputs: dict[str, Any] | None
    rows: tuple[int, ...]
    notes: tuple[str, ...] = ()


def evaluate(table: Table, inputs: Mapping[str, Any]) -> Outcome:
    """Ask the table. Never raises: rows that read an input that is missing or of another type do not match.

    UNIQUE with two matching rows decides nothing and says so. COLLECT gives each output as the list of
    all matching rows' values, in row order, and an empty list when none matched.
    """
    values = {name: _coerce(inputs[name], kind) for name, kind in table.inputs.items() if name in inputs}
    matched, notes = _matching(table, values)
    if table.hit == "COLLECT":
        rows = tuple(matched)
        return Outcome(
            {name: [table.rows[row - 1].then[name] for row in rows] for name in table.outputs}, rows, notes
        )
    if not matched:
        return Outcome(None, (), notes)
    if table.hit == "UNIQUE" and len(matched) > 1:
        several = " and ".join(str(row) for row in matched)
        return Outcome(None, tuple(matched), (*notes, f"rows {several} match, but the table allows only one"))
    return Outcome(dict(table.rows[matched[0] - 1].then), (matched[0],), notes)


def _matching(table: Table, values: Mapping[str, Any]) -> tuple[list[int], tuple[str, ...]]:
    matched: list[int] = []
    notes: list[str] = []
    for number, row in enumerate(table.rows, start=1):
        holds, trouble = row.when.test(values, _NEVER)
        if trouble:
            notes.append(f"row {number}: {trouble}")
        if holds:
            matched.append(number)
            if table.hit == "FIRST":
                break
    return matched, tuple(notes)


def _coerce(value: Any, kind: str) -> Any:
    """JSON has one kind of number, CEL has two: 3 is taken where a double is declared, 3.0 where an int
    is.
    """
    if isinstance(value, bool):
        return value
    if kind == "double" and isinstance(value, int):
        return float(value)
    if kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
