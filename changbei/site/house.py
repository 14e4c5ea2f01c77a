"""A small site on one machine: database, web and worker processes under one supervisor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import django
from django.core.management import call_command

from changbei.site.commands.base import let_go_of_database
from changbei.site.postgres import DATABASE_VARIABLE, check_server, default_server, var_dir
from changbei.site.supervisor import Preparation, ProcessSpec, Supervisor, choose_port

PUBLIC_URL_VARIABLE = "CHANGBEI_PUBLIC_URL"


def run_house(
    *,
    preparations: Sequence[Preparation] = (),
    extra_processes: Sequence[ProcessSpec] = (),
    workers: int = 1,
    on_ready: Callable[[str], None],
) -> int:
    """Serve on 127.0.0.1 until Ctrl-C; the exit code is the supervisor's.

    `preparations` run in this process, with Django set up and the migrations applied; they import models
    inside their functions, as this module is imported before the settings may be read. `extra_processes`
    start after web and workers. `on_ready` gets the address, once web answers.
    """
    given = os.environ.get(DATABASE_VARIABLE)
    if given:
        check_server(given)
    # Set, it makes every start compile every module again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    (var_dir() / "static").mkdir(parents=True, exist_ok=True)
    port = choose_port(os.environ.get("CHANGBEI_PORT"))
    address = f"http://127.0.0.1:{port}"
    os.environ.setdefault(PUBLIC_URL_VARIABLE, address)
    supervisor = Supervisor(
        [web(port), *(worker(number) for number in range(1, workers + 1)), *extra_processes],
        database=None if given else default_server(),
        preparations=[
            Preparation("migrations", migrate),
            *preparations,
            Preparation("starting", let_go_of_database),
        ],
        on_ready=lambda: on_ready(address),
    )
    try:
        return supervisor.run()
    finally:
        let_go_of_database()  # when a preparation was interrupted


def web(port: int) -> ProcessSpec:
    """gunicorn: two processes with threads unless WEB_CONCURRENCY says otherwise."""
    command = [
        program("gunicorn"),
        "changbei.site.wsgi:application",
        f"--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        "--threads=8",
        "--graceful-timeout=10",
        "--no-control-socket",
        "--log-level=warning",
        "--config=python:changbei.site.webserver",
    ]
    return ProcessSpec("web", command, env={"WEB_CONCURRENCY": web_processes()}, ready_port=port)


def web_processes() -> str:
    return os.environ.get("WEB_CONCURRENCY", "2")


def worker(number: int) -> ProcessSpec:
    """Timers, reactions and messages; any number of them share the work."""
    return ProcessSpec(f"worker-{number}", [program("changbei"), "worker"])


def program(name: str) -> str:
    """A command of this environment, whether or not the environment is activated."""
    return str(Path(sys.executable).with_name(name))


def migrate() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")
    django.setup()
    call_command("migrate", verbosity=0)
