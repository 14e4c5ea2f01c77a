"""The browser of the browser tests: the machine's own Chromium."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> Path | None:
    """The program CHANGBEI_CHROMIUM names, else the first one found on the path; None when there is none."""
    given = os.environ.get("CHANGBEI_CHROMIUM")
    found = shutil.which(given) if given else next(filter(None, map(shutil.which, PROGRAMS)), None)
    return Path(found) if found else None


def browser_is_required() -> bool:
    """On a build server a test that cannot run is a failure, not an omission."""
    return os.environ.get("CI", "") not in {"", "0", "false"}
