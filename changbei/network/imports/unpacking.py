"""A program, run by `sheets`: the cells of a workbook, read in a process of their own.

A few hundred bytes can stand for billions of cells, and the reader dies of them before it says how many there are. What
dies here is this process. It writes a pickle of (name, rows) for each sheet, and ends with one of the codes below.
"""

from __future__ import annotations

import pickle
import resource
import sys
from typing import Any

from python_calamine import CalamineError, load_workbook

MOST_CELLS = 2_000_000  # of all sheets together, the empty ones between two others included
MOST_MEMORY_BYTES = 2 << 30
READ, UNREADABLE, TOO_LARGE = 0, 3, 4


def main(path: str) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    found: list[tuple[str, list[list[Any]]]] = []
    left = MOST_CELLS
    try:
        workbook = load_workbook(path)
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            row, column = sheet.end or (-1, -1)  # both count from 0
            left -= (row + 1) * (column + 1)
            if left < 0:
                return TOO_LARGE
            found.append((name, sheet.to_python(skip_empty_area=False)))
        pickle.dump(found, sys.stdout.buffer)
    except CalamineError:
        return UNREADABLE
    except MemoryError:
        return TOO_LARGE
    return READ


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
