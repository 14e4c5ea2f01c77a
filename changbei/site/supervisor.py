"""One program that starts the processes of a small site, keeps them running, and stops every one of them.

Each process gets a process group of its own. Ctrl-C (or SIGTERM, or a closed terminal) stops them in
reverse order: SIGTERM, a time limit, SIGKILL for the whole group. A second Ctrl-C kills at once. A process
that ends by itself is started again after a growing pause. If the supervisor is killed, `watchdog` ends
what it leaves behind. Everything happens in one loop of one thread.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, TextIO

from changbei.core.errors import ChangbeiError, Outside
from changbei.site import watchdog
from changbei.site.postgres import DATABASE_VARIABLE, EmbeddedPostgres

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 0.25


@dataclass(frozen=True)
class ProcessSpec:
    """A process to keep running.

    `env` is added to our own environment. `ready_port`: it counts as ready when 127.0.0.1 accepts connections
    there. `once`: ending with code 0 is the end of its work, not a crash (a demo player).
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 15.0
    ready_port: int | None = None
    once: bool = False


@dataclass(frozen=True)
class Preparation:
    """Something to be done, in this process, after the database runs and before any process starts."""

    title: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Backoff:
    """The pause before a crashed process starts again: doubling, and forgotten after a good spell."""

    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    good_seconds: float = 60.0

    def pause(self, crashes: int) -> float:
        """`crashes` in a row, the present one included."""
        return float(min(self.first_seconds * 2 ** (crashes - 1), self.longest_seconds))


class Stopped(Exception):
    """Somebody asked us to stop before everything was up."""


@dataclass
class _Child:
    spec: ProcessSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    crashes: int = 0
    finished: bool = False
    rest_of_line: bytes = b""


class Supervisor:
    """Runs `processes`, in their order, until it is told to stop."""

    def __init__(
        self,
        processes: Sequence[ProcessSpec],
        *,
        database: EmbeddedPostgres | None = None,
        preparations: Sequence[Preparation] = (),
        on_ready: Callable[[], None] | None = None,
        backoff: Backoff | None = None,
        output: TextIO | None = None,
    ) -> None:
        """`database` is started first, stopped last, and started again if it ends in between; preparations
        and processes find its URL in CHANGBEI_DATABASE_URL.

        `on_ready` is called once, when every process with a `ready_port` accepts connections.
        """
        self.children = [_Child(spec) for spec in processes]
        self.database = database
        self.preparations = preparations
        self.on_ready = on_ready
        self.backoff = backoff or Backoff()
        self.output = output or sys.stdout
        self.width = max([len("supervisor"), *(len(spec.name) for spec in processes)])
        self.stop_requests = 0
        self.preparing = False
        self.database_due_at = 0.0
        self.database_crashes = 0
        self.selector = selectors.DefaultSelector()
        self.watchdog: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until Ctrl-C or SIGTERM. 0 after an orderly stop, 1 when a preparation failed."""
        with ExitStack() as stack:
            stack.enter_context(self._signals())
            try:
                stack.enter_context(self._database())
                self._prepare()
            except Stopped:
                return 0
            except ChangbeiError as error:
                self._say(str(error))
                return 1
            stack.callback(self.selector.close)
            stack.enter_context(self._watchdog())
            try:
                self._loop()
            finally:
                self._stop_all()
        return 0

    # ---- before the processes

    @contextmanager
    def _database(self) -> Iterator[None]:
        if self.database is None:
            yield
            return
        self._say(f"database: {self.database.data_dir}")
        self.database.start()
        os.environ[DATABASE_VARIABLE] = self.database.url
        try:
            yield
        finally:
            del os.environ[DATABASE_VARIABLE]
            self.database.stop()
            self._say("database stopped")

    def _prepare(self) -> None:
        """A signal ends a preparation where it stands: all of them are transactions or may be repeated."""
        self.preparing = True
        try:
            for step in self.preparations:
                self._stop_if_asked()
                self._say(step.title)
                step.run()
            self._stop_if_asked()
        finally:
            self.preparing = False

    def _stop_if_asked(self) -> None:
        if self.stop_requests:
            raise Stopped

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals only count; a pipe wakes the loop so that it sees the count at once."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        self.selector.register(reader, selectors.EVENT_READ, None)
        before = {kind: signal.signal(kind, self._on_stop_signal) for kind in STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for kind, handler in before.items():
                signal.signal(kind, handler)
            os.close(reader)
            os.close(writer)

    def _on_stop_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1
        if self.preparing:
            self.preparing = False
            raise Stopped

    @contextmanager
    def _watchdog(self) -> Iterator[None]:
        self.watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield
        finally:
            self.watchdog.communicate()

    def _tell_watchdog(self, line: str) -> None:
        if self.watchdog is not None and self.watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.watchdog.stdin.write(line.encode() + b"\n")
                self.watchdog.stdin.flush()

    # ---- the loop

    def _loop(self) -> None:
        ready = False
        while not self.stop_requests:
            now = time.monotonic()
            self._keep_database(now)
            self._start_due(now)
            if not ready and self._all_ready():
                ready = True
                if self.on_ready is not None:
                    self.on_ready()
            self._pass_output_on(TICK_SECONDS)
            self._notice_ended()
            if all(child.finished for child in self.children):
                return

    def _keep_database(self, now: float) -> None:
        """Start the database again if it has ended (a backend that crashed it restarts by itself)."""
        if self.database is None or self.database.alive or now < self.database_due_at:
            return
        if now - self.database_due_at > self.backoff.good_seconds:
            self.database_crashes = 0
        self.database_crashes += 1
        self.database_due_at = now + self.backoff.pause(self.database_crashes)
        self._say("the database has ended; starting it again")
        try:
            self.database.start()
        except Outside as error:
            self._say(str(error))

    def _start_due(self, now: float) -> None:
        for child in self.children:
            if child.process is None and not child.finished and now >= child.due_at:
                self._start(child, now)

    def _start(self, child: _Child, now: float) -> None:
        try:
            process = subprocess.Popen(
                list(child.spec.command),
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.spec.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._crashed(child, now, f"cannot start: {error}")
            return
        self._tell_watchdog(f"+{process.pid}")
        child.process, child.started_at = process, now
        stream = _stdout(process)
        os.set_blocking(stream.fileno(), False)
        self.selector.register(stream, selectors.EVENT_READ, child)

    def _all_ready(self) -> bool:
        ports = [child.spec.ready_port for child in self.children if child.spec.ready_port is not None]
        return all(accepts_connections(port) for port in ports)

    def _notice_ended(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            code = child.process.returncode
            ran_seconds = now - child.started_at
            self._clear_up(child)
            if child.spec.once and code == 0:
                child.finished = True
                continue
            if ran_seconds >= self.backoff.good_seconds:
                child.crashes = 0
            self._crashed(child, now, f"ended ({describe(code)}) after {ran_seconds:.1f} s")

    def _crashed(self, child: _Child, now: float, what: str) -> None:
        child.crashes += 1
        pause = self.backoff.pause(child.crashes)
        child.due_at = now + pause
        self._say(f"{child.spec.name} {what}; starting it again in {pause:g} s")

    def _clear_up(self, child: _Child) -> None:
        """Of an ended process: its last words, its pipe, and whatever it left in its group."""
        process = child.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._read(child)
        if child.rest_of_line:
            self._print(child.spec.name, child.rest_of_line)
            child.rest_of_line = b""
        stream = _stdout(process)
        self._forget(stream)
        stream.close()
        self._tell_watchdog(f"-{process.pid}")
        child.process = None

    # ---- stopping

    def _stop_all(self) -> None:
        """One after the other, the last started first; a second request means now."""
        asked = self.stop_requests
        for child in reversed(self.children):
            self._stop(child, asked)

    def _stop(self, child: _Child, asked: int) -> None:
        process = child.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        deadline = time.monotonic() + child.spec.stop_seconds
        while process.poll() is None:
            if self.stop_requests > asked:
                self._say(f"{child.spec.name} killed")
                break
            if time.monotonic() > deadline:
                self._say(f"{child.spec.name} did not stop within {child.spec.stop_seconds:g} s: killed")
                break
            self._pass_output_on(0.05)
        self._clear_up(child)
        self._say(f"{child.spec.name} stopped")

    # ---- output

    def _pass_output_on(self, seconds: float) -> None:
        """Wait at most `seconds` for output or a signal, and print the whole lines there are."""
        for key, _events in self.selector.select(seconds):
            if isinstance(key.data, _Child):
                self._read(key.data)
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.fd, 4096)

    def _read(self, child: _Child) -> None:
        if child.process is None:
            return
        stream = _stdout(child.process)
        while True:
            try:
                chunk = os.read(stream.fileno(), 65_536)
            except BlockingIOError:
                return
            if not chunk:
                # Closed, perhaps by a process that lives on: `poll` tells when that ends.
                self._forget(stream)
                return
            *lines, child.rest_of_line = (child.rest_of_line + chunk).split(b"\n")
            for line in lines:
                self._print(child.spec.name, line)

    def _forget(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(KeyError):
            self.selector.unregister(stream)

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._print("supervisor", line.encode())

    def _print(self, name: str, line: bytes) -> None:
        """A closed output (a pager that was left, a lost terminal) is no reason to stop."""
        with contextlib.suppress(BrokenPipeError, OSError):
            print(f"{name:<{self.width}} | {line.decode(errors='replace')}", file=self.output, flush=True)


def accepts_connections(port: int) -> bool:
    """Whether 127.0.0.1 accepts connections on this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def choose_port(wanted: str | None, *, first: int = 8000, tries: int = 100) -> int:
    """The port asked for, which must be free; when none was asked for, the next free one from `first` on."""
    if wanted:
        if not wanted.isdigit() or not 0 < int(wanted) < 65_536:
            raise Outside(f"CHANGBEI_PORT: {wanted!r} is not a port number", permanent=True)
        if not _is_free(int(wanted)):
            raise Outside(f"CHANGBEI_PORT: port {wanted} is in use", permanent=True)
        return int(wanted)
    for port in range(first, first + tries):
        if _is_free(port):
            return port
    raise Outside(f"no free port between {first} and {first + tries - 1}", permanent=True)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise RuntimeError("the process was started without a pipe")
    return process.stdout
