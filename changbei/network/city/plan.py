"""The generated city: tables as they will stand in the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from changbei.network.city.spec import CitySpec

Row = tuple[Any, ...]


@dataclass
class Table:
    """Rows of one model, named "room.Model"; `columns` are database columns, each row starts with its id."""

    model: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    def add(self, *values: Any) -> int:
        """Append a row without its id; returns the id given."""
        number = len(self.rows) + 1
        self.rows.append((number, *values))
        return number

    def as_dicts(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass
class City:
    """Tables in the order in which they can be loaded."""

    spec: CitySpec
    tables: list[Table]

    def __getitem__(self, model: str) -> Table:
        return next(table for table in self.tables if table.model == model)

    @property
    def row_count(self) -> int:
        return sum(len(table.rows) for table in self.tables)

    def lines(self, table: Table) -> Iterator[str]:
        """One JSON array per row."""
        return (
            json.dumps(row, ensure_ascii=False, default=plain, separators=(",", ":")) for row in table.rows
        )

    def digest(self) -> str:
        """SHA-256 over every byte of every table; the same for the same specification."""
        digest = hashlib.sha256()
        for table in self.tables:
            digest.update(f"{table.model}:{','.join(table.columns)}\n".encode())
            for line in self.lines(table):
                digest.update(line.encode() + b"\n")
        return digest.hexdigest()

    def write(self, folder: Path) -> list[Path]:
        """One `room.Model.jsonl` per table: the columns in the first line, then one row a line."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for table in self.tables:
            path = folder / f"{table.model}.jsonl"
            with path.open("w", encoding="utf-8") as file:
                file.write(json.dumps(table.columns) + "\n")
                file.writelines(line + "\n" for line in self.lines(table))
            written.append(path)
        return written


def plain(value: object) -> str:
    """Times and identifiers as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a city")
