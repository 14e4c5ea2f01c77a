"""Runs the modules `bench/bench_*.py`, prints their rows as a table and writes them to build/bench.json.

A module offers `run() -> list[dict]` with rows of `name`, `value` (a number), `unit` and, if need be, `note`.
They run against a fresh PostgreSQL that is as durable as in production and is removed afterwards; Django is
set up and the tables are there. `python -m bench recovery city` runs bench_recovery and bench_city only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from rich.console import Console
from rich.table import Table

from changbei.core import clock
from changbei.site.commands.base import let_go_of_database
from changbei.site.postgres import EmbeddedPostgres

FOLDER = Path(__file__).resolve().parent
RESULT = FOLDER.parent / "build" / "bench.json"
COLUMNS = {"name", "value", "unit", "note"}

Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help="only this one: recovery means bench_recovery.py")
    parser.add_argument("--output", type=Path, default=RESULT, help="default: build/bench.json")
    wanted = parser.parse_args()
    try:
        names = choose(wanted.name, available(FOLDER))
    except LookupError as error:
        parser.error(str(error))
    with throw_away_database():
        rows, failed = measure(names)
    write(wanted.output, rows, failed)
    Console().print(table(rows))
    print(f"written to {wanted.output}" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def available(folder: Path) -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))


def choose(wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """All of them, or those wanted in their usual order; LookupError for one that is not there."""
    unknown = sorted(set(wanted) - set(there))
    if unknown:
        raise LookupError(f"no such measurement: {', '.join(unknown)}; there are: {', '.join(there)}")
    return [name for name in there if name in wanted or not wanted]


@contextmanager
def throw_away_database() -> Iterator[None]:
    """Never the database of a running product, whatever CHANGBEI_DATABASE_URL says."""
    with tempfile.TemporaryDirectory(prefix="changbei-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, the server runs as another account
        with EmbeddedPostgres(folder / "pg", durable=True) as server:
            os.environ["CHANGBEI_DATABASE_URL"] = server.url
            os.environ["CHANGBEI_VAR"] = str(folder / "var")
            os.environ["DJANGO_SETTINGS_MODULE"] = "changbei.site.settings"
            django.setup()
            call_command("migrate", verbosity=0)
            try:
                yield
            finally:
                let_go_of_database()


def measure(names: Sequence[str]) -> tuple[list[Row], list[str]]:
    """The rows of all modules, and the names of those that failed; one failing does not stop the others."""
    rows: list[Row] = []
    failed: list[str] = []
    for name in names:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        try:
            found = importlib.import_module(f"bench.bench_{name}").run()
            rows += [{"bench": name, **checked(row)} for row in found]
        except Exception:
            traceback.print_exc()
            failed.append(name)
    return rows, failed


def checked(row: Row) -> Row:
    """Refuse a row that a program could not read: an unknown or missing key, or a value that is no number."""
    if not {"name", "value", "unit"} <= row.keys() <= COLUMNS:
        raise ValueError(f"a row has name, value, unit and perhaps note; this one has {sorted(row)}")
    if isinstance(row["value"], bool) or not isinstance(row["value"], int | float):
        raise ValueError(f"{row['name']}: the value {row['value']!r} is no number")
    return {"note": "", **row}


def machine() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "system": platform.platform(),
        "processor": processor(Path("/proc/cpuinfo")),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
        "django": django.get_version(),
    }


def processor(cpuinfo: Path) -> str:
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def commit() -> str:
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False).stdout.strip()


def write(path: Path, rows: Sequence[Row], failed: Sequence[str]) -> None:
    report = {
        "at": clock.now().isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "failed": list(failed),
        "rows": list(rows),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def table(rows: Sequence[Row]) -> Table:
    shown = Table(title="Changbei bench")
    shown.add_column("bench")
    shown.add_column("what")
    shown.add_column("value", justify="right")
    shown.add_column("unit")
    shown.add_column("note")
    for row in rows:
        shown.add_row(row["bench"], row["name"], readable(row["value"]), row["unit"], row["note"])
    return shown


def readable(value: float) -> str:
    """Whole numbers in groups of three, others with three significant digits."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
