"""The pytest plugin of the house: a throw-away PostgreSQL, a clock, and the rule for browser tests.

The server's address is chosen, and put into the environment, before Django reads its settings; the
server itself starts when the first test asks for the database, and is gone with the last process of the
session, even a killed one. With CHANGBEI_DATABASE_URL set the tests use that server instead. Under
xdist all workers share one server. `var/` is a temporary folder too, so that no test touches the data
of a running product.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from changbei.core import clock as core_clock
from changbei.site.postgres import EmbeddedPostgres
from changbei.testing.browser import browser_is_required, chromium_path

URL_VARIABLE = "CHANGBEI_DATABASE_URL"
DIR_VARIABLE = "CHANGBEI_TEST_DATABASE_DIR"
VAR_VARIABLE = "CHANGBEI_VAR"
LOOK_VARIABLE = "CHANGBEI_PUBLIC_LOOK_SECONDS"  # tests change things more often than once a second
NO_BROWSER = "no Chromium on this machine"

# A Monday morning of an ordinary working week.
CLOCK_START = datetime(2026, 11, 23, 9, 40, tzinfo=core_clock.LOCAL)

# Properties are checked on machines of any speed: a slow example is no failure.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

_server: EmbeddedPostgres | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Runs around pytest-django's own hook, which reads the settings."""
    global _server
    inherited = os.environ.get(DIR_VARIABLE)
    if inherited:
        _server = EmbeddedPostgres(Path(inherited), durable=False, ephemeral=True)
        early_config.add_cleanup(_server.stop)
    elif not os.environ.get(URL_VARIABLE):
        _server = _choose_server(early_config)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Fixtures that import models wait until pytest-django has set Django up."""
    config.pluginmanager.import_plugin("changbei.testing.fixtures")
    config.pluginmanager.import_plugin("changbei.testing.clauses")


def _choose_server(config: pytest.Config) -> EmbeddedPostgres:
    """Choose the place, tell the environment, and hold the server for as long as this session lasts."""
    folder = Path(tempfile.mkdtemp(prefix="changbei-test-"))
    folder.chmod(0o711)  # started by root, the server runs as another account
    server = EmbeddedPostgres(folder / "pg", durable=False, ephemeral=True)
    chosen = {DIR_VARIABLE: str(folder / "pg"), URL_VARIABLE: server.url, LOOK_VARIABLE: "0"}
    if VAR_VARIABLE not in os.environ:
        chosen[VAR_VARIABLE] = str(folder / "var")
        (folder / "var" / "static").mkdir(parents=True)  # whitenoise warns when it is missing
    os.environ.update(chosen)

    def clean_up() -> None:
        server.stop()
        for variable in chosen:
            del os.environ[variable]
        shutil.rmtree(folder, ignore_errors=True)

    server.hold()
    config.add_cleanup(clean_up)
    return server


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """pytest-django asks for `django_db_setup` before anything touches the database."""
    if fixturedef.argname == "django_db_setup" and _server is not None:
        _server.start()
    return (yield)


@pytest.fixture
def clock() -> Iterator[core_clock.VirtualClock]:
    """A clock that stands at Monday 2026-11-23 09:40 (Shanghai), in every thread, until a test moves it."""
    before = core_clock.current()
    virtual = core_clock.VirtualClock(CLOCK_START)
    core_clock.install(virtual)
    yield virtual
    core_clock.install(before)


@pytest.fixture(scope="session")
def database_server_url() -> str:
    """The URL of the server that the tests use, which is up; its database is not that of the tests."""
    if _server is not None:
        _server.start()
    return os.environ[URL_VARIABLE]


@pytest.fixture
def empty_database_url(database_server_url: str) -> Iterator[str]:
    """The URL of a new database without any table, for tests that run the command line as a process."""
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(database_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield _with_database(database_server_url, name)
    with psycopg.connect(database_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _with_database(url: str, name: str) -> str:
    head, question, options = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{question}{options}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without Chromium a browser test is skipped, loudly; on a build server it fails."""
    if item.get_closest_marker("browser") is None or chromium_path() is not None:
        return
    if browser_is_required():
        pytest.fail("no Chromium here, and CI is set: install it (Debian: apt-get install chromium)")
    pytest.skip(NO_BROWSER)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("BROWSER TESTS WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(
            f"{len(skipped)} browser tests were skipped: there is no Chromium on this machine. "
            "Install it (Debian: apt-get install chromium) or name it by CHANGBEI_CHROMIUM."
        )
