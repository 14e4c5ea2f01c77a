"""One embedded PostgreSQL server, private to the user who starts it and shared by that user's processes.

Private means: no network port, a socket in a folder that only the server's account may enter, and a
`pg_hba.conf` that admits only the operating-system user who started it (peer). Started by root it runs as
another account; files that account cannot reach are kept where it can, and nobody's folder is opened for
it.

Whoever calls `start()` first starts the server; it stops when its last user has called `stop()` or has died
(see `guard`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from changbei.site.postgres import guard
from changbei.site.postgres.account import PostgresFailed, choose_account, clean_environment, user_name
from changbei.site.postgres.binaries import find_binaries, major_version
from changbei.site.postgres.usage import Usage, usage_of, use

PORT = 5432  # only the name of the socket file
DATABASE = OWNER = "changbei"
RELOCATED = Path("/var/lib/changbei")
LONGEST_SOCKET_PATH_BYTES = 107  # sun_path, less its terminating zero
START_SECONDS = 300  # recovery after a crash may have a lot of log to replay
LARGEST_LOG_BYTES = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Guards we started and no longer need ourselves.
_guards: list[subprocess.Popen[bytes]] = []


class EmbeddedPostgres:
    """A server over the folder `data_dir` (made when missing); knows its `url` before it is started.

    `durable=False` trades safety for speed (tests). `ephemeral=True` removes the folder after the last user.
    `start_seconds`: for so long it may take to start, or to end before it is started again.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool, ephemeral: bool = False, start_seconds: float = START_SECONDS
    ) -> None:
        asked = data_dir.absolute()
        elsewhere = RELOCATED / f"{asked.name}-{_digest(asked)}"
        self.durable = durable
        self.ephemeral = ephemeral
        self.start_seconds = start_seconds
        self.account = choose_account([asked / "cluster", elsewhere / "cluster"])
        self.data_dir = asked if self._can_reach(asked) else elsewhere
        self.cluster = self.data_dir / "cluster"
        self.log_path = self.data_dir / "server.log"
        self.users_path = self.data_dir / "users.lock"
        self.socket_dir = self._choose_socket_dir()
        self._lock: int | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """postgresql://… through the private socket; the user is the owner of the database."""
        return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(self.socket_dir), safe='')}&port={PORT}"

    @property
    def alive(self) -> bool:
        """Whether there is a server process, whoever started it; perhaps one not ready yet."""
        return self.postmaster() is not None

    @property
    def running(self) -> bool:
        """Whether the server takes connections."""
        return self.alive and self._status() == "ready"

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    # ---- using the server

    def start(self) -> None:
        """Use the server until `stop()`, starting it unless it runs. Waits for one that is just stopping."""
        self.hold()
        try:
            with self._one_starter():
                if not self._settled():
                    self._prepare()
                    self._launch()
                    self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop using the server. When nobody else uses it, returns after it has ended."""
        if self._lock is None:
            return
        os.close(self._lock)
        self._lock = None
        deadline = time.monotonic() + guard.LONGEST_STOP_SECONDS
        while (usage := usage_of(self.users_path)) is not Usage.USED:
            if usage is Usage.FREE and not self.alive:
                break
            if time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL does not stop; see {self.log_path}")
            time.sleep(0.005)
        if self._guard is not None:
            _guards.append(self._guard)
            self._guard = None
        _collect_guards()

    def hold(self) -> None:
        """Keep a server that somebody else starts from stopping, without starting it; ends with `stop()`."""
        while self._lock is None:
            self._make_data_dir()
            self._lock = use(self.users_path)

    def destroy(self) -> None:
        """Remove the server's files for good. Refused while somebody uses the server."""
        if not self.data_dir.exists():
            return
        if usage_of(self.users_path) is Usage.USED:
            raise PostgresFailed(f"{self.data_dir}: the database is in use; stop what uses it first")
        while self.alive:
            time.sleep(0.01)
        shutil.rmtree(self.data_dir)
        if self.socket_dir.parent != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    # ---- preparing

    def _can_reach(self, wanted: Path) -> bool:
        """Whether the server's account can get to the nearest existing parent of `wanted`."""
        nearest = next(parent for parent in wanted.parents if parent.exists())
        return not self.account.changes or self.account.can("test", "-x", nearest)

    def _choose_socket_dir(self) -> Path:
        """Inside the data folder if the path is short enough for a socket, else a private folder of /tmp."""
        inside = self.data_dir / "socket"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH_BYTES:
            return inside
        return Path("/tmp") / f"changbei-{self.account.uid}-{_digest(self.data_dir)}"  # noqa: S108 - see _own

    def _make_data_dir(self) -> None:
        """Ours. A server of another account may pass through it, and writes in two folders of it only."""
        missing = [folder for folder in self.data_dir.parents if not folder.exists()]
        try:
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755)  # whatever our umask: the server's account has to pass through
            self.data_dir.mkdir(exist_ok=True)
            owner = self.data_dir.stat().st_uid
        except OSError as error:
            raise PostgresFailed(f"{self.data_dir}: {error.strerror}") from error
        if owner != os.geteuid():
            raise PostgresFailed(f"{self.data_dir} belongs to the user {user_name(owner)}, not to you")
        self.data_dir.chmod(0o711 if self.account.changes else 0o700)

    def _prepare(self) -> None:
        binaries = find_binaries(self.account, self.data_dir)
        major = major_version(binaries)
        self._own(self.socket_dir)
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise(binaries, major)
        found = int((self.cluster / "PG_VERSION").read_text())
        if found != major:
            raise PostgresFailed(
                f"{self.cluster} was made by PostgreSQL {found}, but the binaries here are {major}: set "
                f"CHANGBEI_PG_BIN to those of {found}, or move the data with pg_dump, or remove the folder"
            )
        self._write_access_rules()

    def _own(self, folder: Path) -> None:
        """Make `folder` the server account's own and closed; refuse one that somebody else put there."""
        try:
            folder.mkdir(mode=0o700)
            os.chown(folder, self.account.uid, self.account.gid)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.uid:
                raise PostgresFailed(f"{folder} is not a folder of the user {self.account.name}") from None
            folder.chmod(0o700)

    def _initialise(self, binaries: Path, major: int) -> None:
        """initdb beside the final place, then rename: an interrupted one is never taken for a cluster."""
        fresh = self.data_dir / "cluster.new"
        for leftover in (fresh, self.cluster):
            shutil.rmtree(leftover, ignore_errors=True)
        self._own(fresh)
        # PostgreSQL 17 brought a provider whose sort order no operating-system update can change.
        builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self.account.run(
            binaries / "initdb",
            f"--pgdata={fresh}",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--auth=reject",
            "--no-instructions",
            *(builtin if major >= 17 else ["--locale=C.UTF-8"]),
            *([] if self.durable else ["--no-sync"]),
        )
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed in {fresh}:\n{done.stdout.strip()}")
        fresh.rename(self.cluster)

    def _write_access_rules(self) -> None:
        """Only the operating-system user who starts the server gets in, as the database's owner."""
        starter = user_name(os.geteuid())
        self._write("pg_hba.conf", "# TYPE DATABASE USER METHOD\nlocal all all peer map=starter\n")
        self._write("pg_ident.conf", f'# MAP SYSTEM-USER DATABASE-USER\nstarter "{starter}" {OWNER}\n')

    def _write(self, name: str, text: str) -> None:
        path = self.data_dir / name
        path.write_text(text)
        path.chmod(0o644)

    # ---- running

    @contextmanager
    def _one_starter(self) -> Iterator[None]:
        with (self.data_dir / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _settled(self) -> bool:
        """True when the server is ready, False when there is none. Waits while one starts or stops."""
        deadline = time.monotonic() + self.start_seconds
        while self.alive:
            if self._status() == "ready":
                return True
            if time.monotonic() > deadline:
                raise PostgresFailed(f"the server neither starts nor stops; see {self.log_path}")
            time.sleep(0.01)
        return False

    def _launch(self) -> None:
        if self._guard is not None:
            self._await_end(self._guard)  # of a server that died: it follows at once
        self._remove_stale_pid_file()
        if self.log_path.exists() and self.log_path.stat().st_size > LARGEST_LOG_BYTES:
            self.log_path.rename(self.log_path.with_suffix(".log.1"))
        orders = {
            "command": self._command(),
            "env": clean_environment(),
            "account": self.account.popen_arguments(),
            "lock": str(self.users_path),
            "remove": [str(self.data_dir), str(self.socket_dir)] if self.ephemeral else [],
        }
        with self.log_path.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, json.dumps(orders)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C meant for us must not reach the server first
            )
        self._await_ready(self._guard)

    def _command(self) -> list[str]:
        settings = {
            **SETTINGS,
            **({} if self.durable else NOT_DURABLE),
            "unix_socket_directories": str(self.socket_dir),
            "hba_file": str(self.data_dir / "pg_hba.conf"),
            "ident_file": str(self.data_dir / "pg_ident.conf"),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = find_binaries(self.account, self.data_dir) / "postgres"
        return [str(program), "-D", str(self.cluster), *options]

    def _await_ready(self, guard_process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self.running:
            if guard_process.poll() is not None:
                self._guard = None
                raise PostgresFailed(f"PostgreSQL did not start; {self.log_path} ends:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise PostgresFailed(
                    f"PostgreSQL was not ready after {self.start_seconds:g} s; see {self.log_path}"
                )
            time.sleep(0.01)

    def _await_end(self, guard_process: subprocess.Popen[bytes]) -> None:
        try:
            guard_process.wait(self.start_seconds)
        except subprocess.TimeoutExpired:
            raise PostgresFailed(f"the server that ran before does not end; see {self.log_path}") from None

    def _make_database(self) -> None:
        patience = max(2, int(self.start_seconds))
        try:
            with psycopg.connect(
                self.url, dbname="postgres", autocommit=True, connect_timeout=patience
            ) as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError as error:
            raise PostgresFailed(f"PostgreSQL started and serves nobody: {str(error).strip()}") from error

    # ---- the server's own pid file

    def _pid_file(self) -> list[str]:
        """postmaster.pid: pid, folder, started at, port, socket folder, address, memory key, status."""
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _status(self) -> str:
        lines = self._pid_file()
        return lines[7].strip() if len(lines) > 7 else "starting"

    def postmaster(self) -> int | None:
        """The id in the pid file, if that process really is our server: ids are used again."""
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        process = Path("/proc", lines[0])
        try:
            program = Path(os.readlink(process / "exe").removesuffix(" (deleted)"))
            folder = os.readlink(process / "cwd")
        except OSError:
            return None
        ours = program.name == "postgres" and folder == os.path.realpath(self.cluster)
        return int(lines[0]) if ours else None

    def _remove_stale_pid_file(self) -> None:
        """PostgreSQL removes one whose process is gone, but not one whose id another program has now."""
        lines = self._pid_file()
        if lines and lines[0].isdigit() and Path("/proc", lines[0]).exists() and not self.alive:
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _log_tail(self) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])


def _collect_guards() -> None:
    """Take note of the guards that have ended; one may outlive our use, for others who use its server."""
    _guards[:] = [process for process in _guards if process.poll() is None]


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
