"""The headers every answer carries, and templates that can live with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse

from changbei.web.security import SecurityHeaders

TEMPLATES = sorted((Path(__file__).parents[1] / "templates").rglob("*.html"))
REFUSED = re.compile(
    r"""\sstyle\s*=|\son[a-z]+\s*=|<style|hx-on|javascript:|hx-vals=.js:|<script(?![^>]*\ssrc=)""", re.I
)


def _policy(response: HttpResponse) -> dict[str, list[str]]:
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split("; "))
    return {name: sources for name, *sources in parts}


def test_nothing_runs_that_is_not_a_file_of_ours() -> None:
    response = SecurityHeaders(lambda request: HttpResponse("ok"))(HttpRequest())
    policy = _policy(response)
    assert policy["default-src"] == ["'none'"]
    assert (
        policy["script-src"]
        == policy["style-src"]
        == policy["worker-src"]
        == policy["connect-src"]
        == ["'self'"]
    )
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


def test_a_view_may_set_its_own_policy() -> None:
    own = "default-src 'none'; sandbox"
    response = SecurityHeaders(lambda request: HttpResponse("x", headers={"Content-Security-Policy": own}))(
        HttpRequest()
    )
    assert response.headers["Content-Security-Policy"] == own
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_style_or_script(path: Path) -> None:
    """The policy would drop them silently in the browser."""
    assert REFUSED.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "text", ['<p style="x">', '<a onclick="x">', "<script>x</script>", '<b hx-on:click="x">']
)
def test_the_search_above_finds_what_it_looks_for(text: str) -> None:
    assert REFUSED.search(text)
