"""The same page in the three languages, and the pages that nothing else opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.visitor import Visitor
from tests.stories.telling import Town

pytestmark = pytest.mark.browser


def test_the_language_is_switched(delivery_morning: Town, visit: Callable[..., Visitor]) -> None:
    visitor = visit(delivery_morning.holder("info-center-head"))
    visitor.opens("/plan/")
    visitor.judge("plan")
    for code, words in (("zh-hant", "客戶服務應急預案"), ("en", "Customer-service emergency plan")):
        visitor.presses(".cb-language summary")
        visitor.presses(f".cb-language button[value={code}]")
        visitor.sees("main", words)
        language = visitor.page.locator("html").get_attribute("lang") or ""
        assert language.lower() == code
    for name, path in (
        ("warnings", "/warnings/"),
        ("messages", "/messages/"),
        ("contacts", "/contacts/"),
        ("api", "/api/v1/docs"),
        ("supply", "/supply/"),
    ):
        visitor.opens(path)
        visitor.sees("main h1")
        visitor.judge(f"{name}-en", at=(390, 1280))
