"""Machine code belongs to the sources it was made of."""

from __future__ import annotations

import os
from pathlib import Path

from changbei.compute.compiling import folder_of


def test_other_sources_have_another_folder_and_old_ones_go(tmp_path: Path) -> None:
    sources, kept = tmp_path / "sources", tmp_path / "kept"
    (sources / "kernel").mkdir(parents=True)
    (sources / "kernel" / "one.py").write_text("1")
    first = folder_of(sources, kept)
    assert first.is_dir() and folder_of(sources, kept) == first
    (sources / "model.py").write_text("1")
    assert folder_of(sources, kept) == first

    (sources / "kernel" / "one.py").write_text("2")
    second = folder_of(sources, kept)
    assert second != first and first.is_dir()  # somebody may be running it

    os.utime(first, (0, 0))
    (sources / "kernel" / "one.py").rename(sources / "kernel" / "two.py")
    third = folder_of(sources, kept)
    assert sorted(kept.iterdir()) == sorted([second, third])
