from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that other accounts may pass through (pytest's own are closed to them)."""
    made = Path(tempfile.mkdtemp(prefix="cb-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)
