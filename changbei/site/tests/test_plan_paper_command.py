"""`changbei plan render` and `changbei plan bpmn` as people call them."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner
from django.conf import settings
from lxml import etree

from changbei.plans.tests import drawing_pack, packs
from changbei.site.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = packs.files(drawing_pack.STAGES, plan=drawing_pack.PLAN)
    for name, text in files.items():
        (tmp_path / "pack" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "pack" / name).write_text(text, encoding="utf-8")
    return tmp_path / "pack"


def test_a_folder_is_written_as_a_draft_in_the_language_asked_for(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.html"
    command = ["plan", "render", str(folder), "--format", "html", "--language", "en", "--out", str(out)]
    result = CliRunner().invoke(main, command)
    assert result.output == f"{out} ({out.stat().st_size:,} bytes)\n"
    page = out.read_text(encoding="utf-8")
    assert '<html lang="en">' in page and "Draft, not in effect" in page
    assert "Contact details are personal data and are left out of this copy" in page


def test_out_may_be_a_folder_or_standard_output(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["plan", "render", str(folder), "--format", "html", "--out", str(tmp_path)]
    )
    name = tmp_path / "test-plan-1-zh-Hans.html"
    assert result.output.startswith(f"{name} (")
    printed = CliRunner().invoke(main, ["plan", "render", str(folder), "--format", "html", "--out", "-"])
    assert printed.stdout_bytes == name.read_bytes()


@pytest.mark.skipif(
    not (Path(settings.FONTS) / "NotoSansSC-Bold.ttf").is_file(), reason="the front end is not built"
)
def test_a_handbook_as_a_word_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "driver.docx"
    command = ["plan", "render", str(folder), "--handbook", "driver", "--format", "docx", "--out", str(out)]
    assert CliRunner().invoke(main, command).exit_code == 0
    words = [one.text for one in docx.Document(io.BytesIO(out.read_bytes())).paragraphs]
    assert "岗位应急手册" in words
    (task,) = [one for one in words if one.startswith("□ 查看现场")]
    assert task.split("\n")[1:] == [
        "3 分钟内接收、15 分钟内完成 · E1.1",
        "先看后动",
        "留证：照片",
        "逾期依次告知：调度 → 主任 → 指挥",
    ]


def test_an_unknown_role_or_procedure_says_what_there_is(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "render", str(folder), "--handbook", "nobody"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: the plan has no role or post 'nobody'; there are: driver, dispatcher, head, commander\n"
    )
    result = CliRunner().invoke(main, ["plan", "bpmn", str(folder), "nothing", "--out", str(tmp_path / "x")])
    assert result.output == "Error: test-plan has no procedure 'nothing'; there are: breakdown\n"
    assert not (tmp_path / "x").exists()


def test_every_procedure_is_written_as_bpmn(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    result = CliRunner().invoke(main, ["plan", "bpmn", str(folder), "--out", str(out)])
    assert result.output == f"{out}/breakdown.bpmn\n"
    root = etree.parse(str(out / "breakdown.bpmn")).getroot()
    process = root.find("{http://www.omg.org/spec/BPMN/20100524/MODEL}process")
    assert process is not None and process.get("name") == "车坏"
