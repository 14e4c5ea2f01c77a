"""Compile the catalogues (`changbei/**/*.po`) whose `.mo` is older or missing; needs no gettext program."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(package: Path = ROOT / "changbei") -> int:
    due = [path for path in sorted(package.rglob("locale/*/LC_MESSAGES/*.po")) if is_due(path)]
    for path in due:
        compile_catalogue(path)
    if due:
        print(f"translations: {len(due)} catalogues compiled")
    return 0


def is_due(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns


def compile_catalogue(source: Path) -> None:
    """Write the `.mo` beside it, whole or not at all. A faulty catalogue ends the program with its place."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - a tenth of a second, and seldom needed
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415

    try:
        with source.open("rb") as lines:
            catalogue = read_po(lines, locale=source.parents[1].name, abort_invalid=True)
    except PoFileError as error:
        sys.exit(f"translations: {source}:{error.lineno}: {error}")
    fresh = source.with_suffix(".mo.new")
    with fresh.open("wb") as target:
        write_mo(target, catalogue)
    fresh.rename(source.with_suffix(".mo"))


if __name__ == "__main__":
    sys.exit(main())
