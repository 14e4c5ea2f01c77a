"""The peers' own environment: they share nothing with the product's, which has no use for them.

`make bench` installs the dependency group `bench` of pyproject.toml into build/peers when it is missing or has changed.
Where no package index can be reached the peers' rows are left out, and said to be.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build" / "peers"
PYTHON = FOLDER / "bin" / "python"
UV = Path(sys.executable).with_name("uv")
MOST_SECONDS = 3600


def prepare() -> str:
    """Install what is missing; why that was not possible, "" when it was."""
    stamp, digest = FOLDER / ".stamp", hashlib.sha256(wanted().encode()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return ""
    commands: tuple[list[str | Path], ...] = (
        [UV, "venv", "--quiet", "--clear", "--python", sys.executable, FOLDER],
        [UV, "pip", "install", "--quiet", "--python", PYTHON, *json.loads(wanted())],
    )
    for command in commands:
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=MOST_SECONDS, cwd=ROOT
            )
        except (OSError, subprocess.SubprocessError) as error:
            return str(getattr(error, "stderr", "") or error).strip().splitlines()[-1][:200]
    stamp.write_text(digest)
    return ""


def wanted() -> str:
    """The peers and their versions, a JSON list."""
    return json.dumps(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"])


def run(peer: str, *arguments: object) -> dict[str, Any]:
    """What the peer's program measured; raises RuntimeError with what it said."""
    command = [str(PYTHON), str(HERE / f"{peer}_peer.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
