"""What is wrong with a file, cell by cell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class RowProblem:
    """`row` counts from 1 as the spreadsheet does, 0 for the whole file; `column` is the heading as the file has it.

    `message` says what is wrong and what would be right.
    """

    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        where = " ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        given = f" ({self.value})" if self.value else ""
        return f"{where}{given}: {self.message}" if where else self.message

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Wrong(ValueError):
    """A value that cannot be taken; its text is the message of the problem."""
