"""The table of settings in the documents says what the code reads, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NAME = r"CHANGBEI_[A-Z_]*[A-Z]"


def read_by_the_code() -> set[str]:
    """Every name that stands in a string of its own; what tests set for themselves is no setting."""
    files = [file for file in (ROOT / "changbei").rglob("*.py") if "tests" not in file.parts]
    return {name for file in files for name in re.findall(rf'"({NAME})"', file.read_text(encoding="utf-8"))}


def in_tables(document: Path) -> list[str]:
    rows = re.findall(rf"^\| (`{NAME}`[^|]*)\|", document.read_text(encoding="utf-8"), re.MULTILINE)
    return [name for row in rows for name in re.findall(NAME, row)]


@pytest.mark.parametrize("document", ["docs/installation.md", "docs/installation.zh-Hans.md"])
def test_every_setting_is_in_the_document_once_and_no_other(document: str) -> None:
    said = in_tables(ROOT / document)
    assert sorted(said) == sorted(read_by_the_code())


@pytest.mark.parametrize(
    "document", ["README.md", "README.zh-Hans.md", "docs/channels.md", "docs/channels.zh-Hans.md"]
)
def test_other_tables_name_settings_there_are(document: str) -> None:
    assert set(in_tables(ROOT / document)) <= read_by_the_code()
