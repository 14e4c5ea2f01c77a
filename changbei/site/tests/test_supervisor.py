"""The supervisor, run as a program of its own over real, small processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from changbei.core.errors import Outside
from changbei.site import watchdog
from changbei.site.supervisor import Backoff, choose_port, describe

HEAD = """
import signal, sys, time
from pathlib import Path
from changbei.core.errors import Outside
from changbei.site.postgres import EmbeddedPostgres
from changbei.site.supervisor import Backoff, Preparation, ProcessSpec, Supervisor

def python(name, code, **options):
    return ProcessSpec(name, [sys.executable, "-c", code], **options)

SLEEP = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
# Starts a stubborn process of its own, says who it is, and obeys SIGTERM itself.
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); " + SLEEP
QUICK = Backoff(first_seconds=0.05, longest_seconds=0.1)
"""


class Running:
    """A supervisor's process, and the lines it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, pattern: str, times: int = 1) -> list[re.Match[str]]:
        """The first matches of lines with `pattern`, once there are that many."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= times, timeout=60), "\n".join(self.lines)
            return found()

    def pids(self, count: int) -> list[int]:
        return [int(match[1]) for match in self.wait_for(r"\| pid (\d+)$", count)]

    def send(self, kind: signal.Signals) -> None:
        self.process.send_signal(kind)

    def end(self) -> int:
        code = self.process.wait(timeout=60)
        self.reader.join(timeout=60)
        return code

    def said(self, pattern: str) -> list[str]:
        return [line for line in self.lines if re.search(pattern, line)]


@contextmanager
def supervisor(code: str, **environment: str) -> Iterator[Running]:
    """Run `code`, which ends with the call of `Supervisor(…).run()`."""
    program = HEAD + textwrap.dedent(code)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


TWO = "sys.exit(Supervisor([python('web', SLEEP), python('worker', SLEEP)]).run())"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_everything_in_reverse_order(kind: signal.Signals) -> None:
    with supervisor(TWO) as house:
        pids = house.pids(2)
        house.send(kind)
        assert house.end() == 0
        assert house.said("stopped") == ["supervisor | worker stopped", "supervisor | web stopped"]
        assert not any(map(is_there, pids))


def test_every_line_says_who_wrote_it_and_the_last_one_needs_no_newline() -> None:
    code = """
    speak = "import sys; sys.stdout.write('one\\\\ntwo'); sys.stdout.flush(); sys.stderr.write(' and a half')"
    sys.exit(Supervisor([python('web', speak, once=True)]).run())
    """
    with supervisor(code) as house:
        assert house.end() == 0
        assert house.lines == ["web        | one", "web        | two and a half"]


def test_what_does_not_stop_in_time_is_killed_with_its_children() -> None:
    code = "sys.exit(Supervisor([python('web', PARENT), python('mule', STUBBORN, stop_seconds=0.2)]).run())"
    with supervisor(code) as house:
        pids = house.pids(3)
        house.send(signal.SIGTERM)
        assert house.end() == 0
        assert house.said("mule|web") == [
            *house.said(r"^(mule|web) +\| pid"),
            "supervisor | mule did not stop within 0.2 s: killed",
            "supervisor | mule stopped",
            "supervisor | web stopped",
        ]
        assert not any(map(is_there, pids))


def test_a_second_request_does_not_wait() -> None:
    code = "sys.exit(Supervisor([python('mule', STUBBORN, stop_seconds=3600)]).run())"
    with supervisor(code) as house:
        (pid,) = house.pids(1)
        house.send(signal.SIGINT)
        wait_until(lambda: bool(int(_signals_ignored(pid), 16) & 1 << signal.SIGTERM - 1))
        time.sleep(0.3)  # two signals at the same moment count as one
        assert is_there(pid)
        house.send(signal.SIGINT)
        assert house.end() == 0
        assert house.said("supervisor") == ["supervisor | mule killed", "supervisor | mule stopped"]
        assert not is_there(pid)


def _signals_ignored(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn"))


def test_a_crashed_process_comes_back_after_a_growing_pause() -> None:
    code = """
    crash = "import os, sys; print('pid', os.getpid(), flush=True); sys.exit(3)"
    sys.exit(Supervisor([python('web', SLEEP), python('worker', crash)], backoff=QUICK).run())
    """
    with supervisor(code) as house:
        pauses = house.wait_for(r"worker ended \(code 3\) after .* s; starting it again in (.*) s", 3)
        assert [match[1] for match in pauses[:3]] == ["0.05", "0.1", "0.1"]
        assert len(set(house.pids(4))) >= 4
        house.send(signal.SIGTERM)
        assert house.end() == 0


def test_a_killed_process_comes_back_and_its_children_do_not_stay() -> None:
    with supervisor("sys.exit(Supervisor([python('web', PARENT)], backoff=QUICK).run())") as house:
        first = house.pids(2)
        parent = next(pid for pid in first if os.getpgid(pid) == pid)
        os.kill(parent, signal.SIGKILL)
        house.wait_for(r"web ended \(signal SIGKILL\)")
        wait_until(lambda: not any(map(is_there, first)))
        assert len(set(house.pids(4))) == 4
        house.send(signal.SIGTERM)
        assert house.end() == 0


def test_a_program_that_is_not_there_is_reported_and_the_others_run() -> None:
    code = """
    ghost = ProcessSpec('ghost', ['/no/such/program'])
    sys.exit(Supervisor([python('web', SLEEP), ghost], backoff=QUICK).run())
    """
    with supervisor(code) as house:
        house.wait_for(r"ghost cannot start: .*No such file or directory", 2)
        house.pids(1)
        house.send(signal.SIGTERM)
        assert house.end() == 0


def test_work_that_is_done_is_done() -> None:
    code = """
    player = python('player', "print('played', flush=True)", once=True)
    sys.exit(Supervisor([player, python('other', "print('done')", once=True)], backoff=QUICK).run())
    """
    with supervisor(code) as house:
        assert house.end() == 0
        assert sorted(house.lines) == ["other      | done", "player     | played"]


def test_a_killed_supervisor_leaves_nobody_behind(folder: Path) -> None:
    code = f"""
    database = EmbeddedPostgres(Path({str(folder / "pg")!r}), durable=False)
    house = [python('web', PARENT), python('worker', SLEEP)]
    sys.exit(Supervisor(house, database=database).run())
    """
    with supervisor(code) as house:
        pids = house.pids(3)
        server = int((folder / "pg" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        assert all(map(is_there, [*pids, server]))
        house.send(signal.SIGKILL)
        wait_until(lambda: not any(map(is_there, [*pids, server])))


def postmaster(pid_file: Path) -> str:
    """The number of the process that PostgreSQL wrote down; nothing while there is none, or it is being written."""
    written = pid_file.read_text().splitlines() if pid_file.exists() else []
    return written[0] if written else ""


def test_the_database_is_there_first_and_last_and_comes_back(folder: Path) -> None:
    code = f"""
    import os
    database = EmbeddedPostgres(Path({str(folder / "pg")!r}), durable=False)
    ask = "import os, psycopg; psycopg.connect(os.environ['CHANGBEI_DATABASE_URL']); " + SLEEP
    def look(): print("prepared", os.environ["CHANGBEI_DATABASE_URL"] == database.url)
    step = Preparation("looking", look)
    house = [python('web', ask)]
    sys.exit(Supervisor(house, database=database, preparations=[step], backoff=QUICK).run())
    """
    with supervisor(code, CHANGBEI_DATABASE_URL="") as house:
        house.pids(1)
        assert house.lines[:3] == [
            f"supervisor | database: {folder / 'pg'}",
            "supervisor | looking",
            "prepared True",
        ]
        pid_file = folder / "pg" / "cluster" / "postmaster.pid"
        first = postmaster(pid_file)
        os.kill(int(first), signal.SIGKILL)
        house.wait_for("the database has ended; starting it again")
        wait_until(lambda: postmaster(pid_file) not in {"", first})
        house.send(signal.SIGTERM)
        assert house.end() == 0
        assert house.said("stopped") == ["supervisor | web stopped", "supervisor | database stopped"]
        assert not pid_file.exists()


def test_a_preparation_that_fails_starts_nothing() -> None:
    code = """
    def fail(): raise Outside("no room left", permanent=True)
    steps = [Preparation("first", lambda: None), Preparation("city", fail)]
    sys.exit(Supervisor([python('web', SLEEP)], preparations=steps).run())
    """
    with supervisor(code) as house:
        assert house.end() == 1
        assert house.lines == ["supervisor | first", "supervisor | city", "supervisor | no room left"]


def test_a_preparation_can_be_interrupted() -> None:
    code = """
    steps = [Preparation("city", lambda: time.sleep(600)), Preparation("more", lambda: None)]
    sys.exit(Supervisor([python('web', SLEEP)], preparations=steps).run())
    """
    with supervisor(code) as house:
        house.wait_for("city")
        house.send(signal.SIGINT)
        assert house.end() == 0
        assert house.lines == ["supervisor | city"]


def test_it_tells_when_everything_answers() -> None:
    port = choose_port(None, first=20_000, tries=5_000)
    code = f"""
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    web = python('web', listen, ready_port={port})
    sys.exit(Supervisor([web], on_ready=lambda: print("ready", flush=True)).run())
    """
    with supervisor(code) as house:
        house.wait_for("^ready$")
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            pass
        house.send(signal.SIGINT)
        assert house.end() == 0
        assert house.said("ready") == ["ready"]


def test_a_reader_that_goes_away_is_no_reason_to_stop() -> None:
    chatter = "import time\nwhile True: print('x' * 1000, flush=True); time.sleep(0.01)"
    program = HEAD + f"sys.exit(Supervisor([python('web', {chatter!r}), python('worker', SLEEP)]).run())"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_the_next_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert choose_port(None, first=port) > port
        with pytest.raises(Outside, match=f"CHANGBEI_PORT: port {port} is in use"):
            choose_port(str(port))
        with pytest.raises(Outside, match=f"no free port between {port} and {port}"):
            choose_port(None, first=port, tries=1)
    assert choose_port(str(port)) == port


@pytest.mark.parametrize("wrong", ["http", "0", "65536", "-1"])
def test_a_port_is_a_number(wrong: str) -> None:
    with pytest.raises(Outside, match=f"CHANGBEI_PORT: '{wrong}' is not a port number"):
        choose_port(wrong)


def test_pauses_double_up_to_a_limit() -> None:
    backoff = Backoff(first_seconds=0.5, longest_seconds=30)
    assert [backoff.pause(crashes) for crashes in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_exit_codes_in_words() -> None:
    assert describe(-signal.SIGSEGV) == "signal SIGSEGV"
    assert describe(2) == "code 2"


def test_the_watchdog_keeps_the_list_of_what_is_left() -> None:
    assert watchdog.watched(["+11\n", "+12\n", "-11\n", "-99\n", "+13\n"]) == [13, 12]
