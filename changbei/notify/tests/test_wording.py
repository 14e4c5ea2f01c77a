"""The words of notices: what is left out when there is no address to name."""

from __future__ import annotations

import pytest

from changbei.notify import wording
from changbei.plans.tests.walk import pack


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("{shop}：已恢复送货，感谢您的支持。查询：{page}", "甲店：已恢复送货，感谢您的支持。"),
        ("{shop}: it comes at 8.30. Your next delivery: {page}", "甲店: it comes at 8.30."),
        ("查询：{page}！{shop}，请注意安全。", "甲店，请注意安全。"),
        ("{shop}：查询 {page}", "甲店：查询"),
        ("没有地址，{shop}。", "没有地址，甲店。"),
    ],
)
def test_the_sentence_of_an_address_that_there_is_none_of_is_left_out(words: str, left: str) -> None:
    filled = wording.fill({"zh-Hans": words}, {"shop": "甲店", "page": wording.NOWHERE})
    assert filled == {"zh-Hans": left}


def test_every_shipped_message_reads_well_without_the_address() -> None:
    about = [one for one in pack().templates.values() if "{next_page}" in str(one.body)]
    assert len(about) > 5
    for one in about:
        names = wording.placeholders(one.title, one.body) - {"next_page"}
        filled = wording.fill(one.body, dict.fromkeys(names, "x") | {"next_page": wording.NOWHERE})
        for language, words in filled.items():
            assert words[-1] in ".。！" and len(words) > 15, (one.id, language, words)
            whole = wording.fill(
                one.body, dict.fromkeys(names, "x") | {"next_page": "https://cb.invalid/next/"}
            )
            assert whole[language].startswith(words)
