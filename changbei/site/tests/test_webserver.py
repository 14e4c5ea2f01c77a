"""What a web process does before anybody asks it for something."""

from __future__ import annotations

import subprocess
from pathlib import Path
from threading import Thread

import pytest

from changbei.plans import loading, services
from changbei.plans.tests import packs
from changbei.site import house, webserver


@pytest.mark.django_db(transaction=True)
def test_plans_in_force_are_read_before_somebody_waits_for_them(tmp_path: Path) -> None:
    for name, text in packs.files(packs.stage("go", f"id: a, {packs.TASK}")).items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    version = services.adopt(tmp_path, actor=None)
    loading._read.clear()
    loading._by_digest.clear()
    reading = Thread(target=webserver.read_plans)  # with a connection of its own, which it gives back
    reading.start()
    reading.join()
    assert set(loading._by_digest) == {version.digest}


def test_gunicorn_knows_what_to_do_then() -> None:
    command = [*house.web(8000).command, "--print-config"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "python:changbei.site.webserver" in printed
