"""Settings: the table in the documents says what the code reads, and nothing else; what follows from them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("environment", "carried"),
    [
        ({"CHANGBEI_PUBLIC_URL": "https://changbei.example"}, "True"),
        ({}, "False"),
        ({"CHANGBEI_PUBLIC_URL": "http://127.0.0.1:8001"}, "False"),  # as `changbei serve` sets it
        ({"CHANGBEI_PUBLIC_URL": "http://127.0.0.1:8001", "CHANGBEI_DEMO": "1"}, "True"),
    ],
)
def test_messages_carry_links_only_when_phones_reach_them(
    environment: dict[str, str], carried: str, tmp_path: Path
) -> None:
    """Settings are read when a process starts: each case is one."""
    ask = "from changbei.site import settings; print(settings.CONFIRM_LINKS)"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHANGBEI_")}
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**inherited, "CHANGBEI_VAR": str(tmp_path), **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == carried
