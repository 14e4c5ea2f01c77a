"""The plugin, seen from outside: whole pytest sessions as processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from changbei.core import clock as core_clock
from changbei.testing.browser import browser_is_required, chromium_path

ROOT = Path(__file__).resolve().parents[3]
OF_THIS_SESSION = ("CHANGBEI_TEST_DATABASE_DIR", "CHANGBEI_DATABASE_URL", "CHANGBEI_VAR")

# Says which server it uses: its folder, and the id of its process.
LOOK = """
import os
from pathlib import Path
import pytest

FOLDER = Path(os.environ.get("CHANGBEI_TEST_DATABASE_DIR", ""))

def server():
    return (FOLDER / "cluster" / "postmaster.pid").read_text().splitlines()[0]
"""


class Session:
    """A pytest session over one file, in a folder of its own; its temporary files go to `temporary`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "t"
        self.temporary.mkdir()
        self.temporary.chmod(0o711)

    def start(self, code: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        (self.folder / "test_inner.py").write_text(LOOK + textwrap.dedent(code))
        inherited = {name: value for name, value in os.environ.items() if name not in OF_THIS_SESSION}
        usual = [
            "-c",
            str(ROOT / "pyproject.toml"),
            f"--rootdir={self.folder}",
            "-p",
            "no:cacheprovider",
            "-s",
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *usual, *options, "test_inner.py"],
            cwd=self.folder,
            env={**inherited, "TMPDIR": str(self.temporary), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, code: str, *options: str, **environment: str) -> tuple[int, str]:
        """The exit code and everything it printed."""
        process = self.start(code, *options, **environment)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output


@pytest.fixture
def session() -> Iterator[Session]:
    with tempfile.TemporaryDirectory(prefix="cb-") as name:
        Path(name).chmod(0o711)
        yield Session(Path(name))


def test_a_session_without_database_starts_none(session: Session) -> None:
    code = """
    from django.conf import settings

    def test_settings_are_there_and_nothing_runs():
        assert settings.DATABASES["default"]["HOST"] == str(FOLDER / "socket")
        assert str(settings.VAR) == str(FOLDER.parent / "var")
        assert [path.name for path in FOLDER.iterdir()] == ["users.lock"]
    """
    exit_code, output = session.run(code)
    assert exit_code == 0, output
    assert list(session.temporary.glob("changbei-*")) == []


@pytest.mark.slow
def test_workers_share_one_server_and_nothing_stays(session: Session) -> None:
    code = """
    from django.db import connection

    @pytest.mark.django_db
    @pytest.mark.parametrize("number", range(2))
    def test_database(number):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            note = f"{os.environ['PYTEST_XDIST_WORKER']}-{number}"
            Path(os.environ["NOTES"], note).write_text(f"{server()} {cursor.fetchone()[0]}")

    def test_empty(empty_database_url):
        import psycopg
        with psycopg.connect(empty_database_url) as connection:
            tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert connection.execute(tables).fetchone() == (0,)
    """
    notes = session.folder / "notes"
    notes.mkdir()
    exit_code, output = session.run(code, "-n2", "--dist=each", NOTES=str(notes))
    assert exit_code == 0, output
    servers, databases = zip(*(path.read_text().split() for path in notes.iterdir()), strict=True)
    assert len(set(servers)) == 1
    assert sorted(databases) == ["test_changbei_gw0"] * 2 + ["test_changbei_gw1"] * 2
    assert not Path("/proc", servers[0]).exists()
    assert list(session.temporary.glob("changbei-*")) == []


@pytest.mark.slow
def test_a_killed_session_leaves_no_server_behind(session: Session) -> None:
    code = """
    import time

    def test_wait(database_server_url):
        print("server", server(), flush=True)
        time.sleep(600)
    """
    process = session.start(code)
    assert process.stdout is not None
    line = next(filter(None, (re.search(r"server (\d+)", line) for line in process.stdout)))
    server = Path("/proc", line[1])
    assert server.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 60
    while server.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_given_server_is_used(session: Session, empty_database_url: str) -> None:
    code = """
    def test_given(database_server_url):
        assert database_server_url == os.environ["GIVEN"] == os.environ["CHANGBEI_DATABASE_URL"]
        assert str(FOLDER) == "."
    """
    exit_code, output = session.run(
        code,
        CHANGBEI_DATABASE_URL=empty_database_url,
        GIVEN=empty_database_url,
        CHANGBEI_VAR=str(session.folder / "var"),
    )
    assert exit_code == 0, output


BROWSER = """
@pytest.mark.browser
def test_page():
    print("drawn")
"""


def test_without_a_browser_its_tests_are_skipped_loudly(session: Session) -> None:
    exit_code, output = session.run(BROWSER, CHANGBEI_CHROMIUM="/no/such/program", CI="")
    assert exit_code == 0
    assert "BROWSER TESTS WERE NOT RUN" in output
    assert "1 browser tests were skipped: there is no Chromium on this machine." in output
    assert re.fullmatch(r"=* ?1 skipped in .*", output.splitlines()[-1])


def test_without_a_browser_a_build_server_fails(session: Session) -> None:
    exit_code, output = session.run(BROWSER, CHANGBEI_CHROMIUM="/no/such/program", CI="1")
    assert exit_code == 1
    assert "no Chromium here, and CI is set" in output
    assert "drawn" not in output


def test_with_a_browser_its_tests_run(session: Session) -> None:
    exit_code, output = session.run(BROWSER, CHANGBEI_CHROMIUM=sys.executable, CI="1")
    assert exit_code == 0
    assert "drawn" in output


def test_chromium_is_found_by_name_or_by_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHANGBEI_CHROMIUM", raising=False)
    assert chromium_path() is None
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).touch(mode=0o755)
        assert chromium_path() == tmp_path / name
    monkeypatch.setenv("CHANGBEI_CHROMIUM", "/no/such/program")
    assert chromium_path() is None


def test_ci_requires_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert browser_is_required() is False
    for value, required in (("", False), ("0", False), ("false", False), ("1", True), ("true", True)):
        monkeypatch.setenv("CI", value)
        assert browser_is_required() is required


def test_the_clock_stands_still_in_every_thread(clock: core_clock.VirtualClock) -> None:
    seen: list[datetime] = []
    thread = Thread(target=lambda: seen.append(core_clock.now()))
    thread.start()
    thread.join()
    start = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
    assert seen == [start]
    clock.advance(timedelta(hours=3))
    assert core_clock.now() == start + timedelta(hours=3)
