"""A live server on a small city, and a real browser with a person in front of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from changbei.people.models import Person
from changbei.testing.browser import chromium_path
from tests.browser.visitor import Visitor
from tests.stories.conftest import delivery_morning, town

__all__ = ["delivery_morning", "town"]

# Playwright's own event loop runs in this thread; Django would take our queries for ones of a coroutine.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """Somebody at a screen: `visit(person, width=390)`. At the end of the test nothing may have gone wrong there."""
    visitors: list[Visitor] = []

    def at_a_screen(person: Person | None = None, *, width: int = 1280) -> Visitor:
        visitors.append(Visitor(chromium, live_server.url, person, width=width))
        return visitors[-1]

    yield at_a_screen
    problems = [problem for visitor in visitors for problem in visitor.leave()]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
