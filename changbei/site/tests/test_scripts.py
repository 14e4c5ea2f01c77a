"""The set-up script's refusals, the catalogue compiler, the project check and the bench's own rules."""

from __future__ import annotations

import gettext
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.utils import translation

ROOT = Path(__file__).resolve().parents[3]


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the set-up script looks at before it installs anything."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def set_up(checkout: Path, python: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(checkout / "scripts" / "setup.sh")],
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_set_up_needs_a_python(checkout: Path) -> None:
    assert set_up(checkout, "python-is-not-here") == (
        1,
        "setup: no python-is-not-here here; Python 3.11 or later is needed\n",
    )


def test_set_up_refuses_an_old_python(checkout: Path) -> None:
    program(checkout / "bin", "old", '[ "$1" = -V ] && echo "Python 3.9.2" || exit 1')
    assert set_up(checkout, "old") == (
        1,
        "setup: Python 3.9.2 is too old; Python 3.11 or later is needed (PYTHON=… names another one)\n",
    )


def test_set_up_says_how_to_get_venv(checkout: Path) -> None:
    """Debian ships Python without it; only root could install it here."""
    program(checkout / "bin", "bare", f'case "$2" in *ensurepip*) exit 1 ;; esac; exec {sys.executable} "$@"')
    program(checkout / "bin", "id", "echo 1000")
    assert set_up(checkout, "bare") == (
        1,
        "setup: this Python has no venv; on Debian: sudo apt-get install python3-venv\n",
    )
    assert not (checkout / ".venv").exists()


def test_set_up_installs_venv_as_root(checkout: Path) -> None:
    program(checkout / "bin", "bare", f'case "$2" in *ensurepip*) exit 1 ;; esac; exec {sys.executable} "$@"')
    program(checkout / "bin", "id", "echo 0")
    program(
        checkout / "bin",
        "apt-get",
        f'echo "$@" >>{checkout}/asked; case "$*" in *python3-venv*) exit 7 ;; esac',
    )
    assert set_up(checkout, "bare") == (7, "")
    asked = (checkout / "asked").read_text().splitlines()
    assert asked == ["update -qq", "install -qq -y --no-install-recommends python3-venv"]


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("0", 0), ("1", 1)])
def test_a_missing_browser_is_loud_and_on_a_build_server_fatal(
    tmp_path: Path, ci: str, exit_code: int
) -> None:
    program(tmp_path, "id", "echo 1000")
    program(tmp_path, "cat", 'exec /usr/bin/cat "$@"')
    done = subprocess.run(
        ["/bin/bash", str(ROOT / "scripts" / "browser.sh")],
        env={"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code
    assert done.stderr.splitlines()[0] == (
        "!!! There is no Chromium on this machine, so the browser tests CANNOT RUN."
    )


PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Report"
msgstr "{}"

#, fuzzy
msgid "Close"
msgstr "未审"
"""


def test_catalogues_are_compiled_when_they_are_newer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = load("scripts/compile_translations.py")
    source = tmp_path / "web" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(PO.format("报告"))
    assert compiler.main(tmp_path) == 0
    assert capsys.readouterr().out == "translations: 1 catalogues compiled\n"

    def translations() -> gettext.GNUTranslations:
        with source.with_suffix(".mo").open("rb") as compiled:
            return gettext.GNUTranslations(compiled)

    assert translations().gettext("Report") == "报告"
    assert translations().gettext("Close") == "Close"  # not reviewed, so not used
    assert compiler.main(tmp_path) == 0
    assert capsys.readouterr().out == ""
    source.write_text(PO.format("上报"))
    os.utime(source, ns=(2**62, 2**62))
    assert compiler.main(tmp_path) == 0
    assert translations().gettext("Report") == "上报"


def test_a_faulty_catalogue_is_named_with_its_line(tmp_path: Path) -> None:
    compiler = load("scripts/compile_translations.py")
    source = tmp_path / "locale" / "en" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid "Report"\nthis is no catalogue\n')
    with pytest.raises(SystemExit, match=r"django\.po:\d: "):
        compiler.main(tmp_path)
    assert not source.with_suffix(".mo").exists()


def test_bench_runs_all_or_what_is_wanted() -> None:
    bench = load("bench/__main__.py")
    there = ["city", "notices", "recovery"]
    assert bench.choose([], there) == there
    assert bench.choose(["recovery", "city"], there) == ["city", "recovery"]
    with pytest.raises(LookupError, match=r"no such measurement: speed; there are: city, notices, recovery"):
        bench.choose(["speed"], there)


def test_bench_rows_are_checked() -> None:
    bench = load("bench/__main__.py")
    row = {"name": "recovery of 2,000 stops", "value": 3.25, "unit": "s"}
    assert bench.checked(row) == {**row, "note": ""}
    for wrong in ({**row, "extra": 1}, {"name": "x", "value": 1}):
        with pytest.raises(ValueError, match="a row has name, value, unit and perhaps note"):
            bench.checked(wrong)
    for wrong in ({**row, "value": "fast"}, {**row, "value": True}):
        with pytest.raises(ValueError, match="is no number"):
            bench.checked(wrong)


def test_bench_figures_are_readable() -> None:
    bench = load("bench/__main__.py")
    figures = {12_000: "12,000", 3.256: "3.26", 0.01234: "0.0123", 1234.7: "1,235", 7: "7"}
    assert {value: bench.readable(value) for value in figures} == figures


def test_a_template_that_does_not_compile_is_named(tmp_path: Path) -> None:
    check = load("scripts/check_project.py")
    texts = {
        "good.html": "{% load i18n %}{% if a %}{% translate 'Report' %}{% endif %}",
        "missing.html": "{% load ui %}{% panel 'a' %}{% include \"web/nowhere.html\" %}{% endpanel %}",
        "tag.html": "{% fetch %}",
        "unclosed.html": "\n{% if a %}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    problems = list(check.template_problems(sorted(tmp_path.iterdir())))
    assert [problem.partition(".html: ")[0] for problem in problems] == [
        f"{tmp_path}/missing",
        f"{tmp_path}/tag",
        f"{tmp_path}/unclosed",
    ]
    assert "Unclosed tag on line 2: 'if'" in problems[2]
    assert problems[0].endswith("there is no template web/nowhere.html")


def test_every_model_has_its_migration() -> None:
    check = load("scripts/check_project.py")
    with translation.override(None):
        assert list(check.migration_problems()) == []
