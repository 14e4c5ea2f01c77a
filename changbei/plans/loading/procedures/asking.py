"""What a procedure asks tables: the level of the event, and who may approve up to which limit."""

from __future__ import annotations

from changbei.plans.conditions import Condition
from changbei.plans.loading.procedures.reader import ProcedureReader
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path
from changbei.plans.model import LEVELS, Ask, Level, Table


def read_level(reader: ProcedureReader) -> Level | None:
    value = reader.at(("level",))
    if value is None:
        return None
    path: Path = ("level",) if isinstance(value, str) else ("level", "table")
    table = _table(reader, path)
    inputs = None if isinstance(value, str) else _inputs(reader, ("level", "with"), table)
    if table and "level" not in table.outputs:
        reader.problem(path, f"the table {table.id} has no output `level`")
    elif table and reader.bench.actions is not None:
        _check_levels(reader, path, table)
    return Level(table, inputs) if table else None


def _check_levels(reader: ProcedureReader, path: Path, table: Table) -> None:
    """Every row gives a level there is, and one row decides; not asked of versions already carried out."""
    if table.hit == "COLLECT":
        reader.problem(path, f"classifying needs a table (UNIQUE or FIRST); {table.id} is COLLECT")
    for row in table.rows:
        said = row.then.get("level", LEVELS[0])  # one that is missing was reported with the table
        if said not in LEVELS:
            row_at = f"{row.place.file}:{row.place.line}"
            reader.problem(path, f"{row_at} gives the unknown level {said!r}; {listed(said, LEVELS)}")


def read_limit(reader: ProcedureReader, path: Path) -> Ask | None:
    if not reader.map(path):
        return None
    at: Path = (*path, "table")
    table = _table(reader, at)
    inputs = _inputs(reader, (*path, "with"), table)
    if table is None:
        return None
    if table.outputs.get("role") != "string" or table.hit == "COLLECT":
        reader.problem(
            at,
            "a limit needs a table (UNIQUE or FIRST) with the output `role: string`;"
            f" {reader.words(at)} is none",
        )
        return None
    for row in table.rows:
        if row.then.get("role") not in reader.bench.known.get("role", ()):
            row_at = f"{row.place.file}:{row.place.line}"
            reader.problem(at, f"{row_at} names the unknown role {row.then.get('role')!r}")
    return Ask(table, inputs)


def _table(reader: ProcedureReader, path: Path) -> Table | None:
    return reader.bench.tables.get(reader.known(path, "table", reader.bench.known.get("table", ())))


def _inputs(reader: ProcedureReader, path: Path, table: Table | None) -> dict[str, Condition]:
    """Values for a table's inputs; each has to be an input, and all inputs have to be there."""
    given = reader.map(path)
    if table is not None:
        for name in given:
            if name not in table.inputs:
                reader.problem(
                    (*path, name),
                    f"the table has no input {name!r}; {listed(name, table.inputs)}",
                    at_key=True,
                )
        for name in table.inputs:
            if name not in given:
                reader.problem((*path, name), "is missing: the table needs it")
    return reader.checked_values(path)
