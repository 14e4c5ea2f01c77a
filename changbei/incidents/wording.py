"""The room's own words for what it tells about every event, whatever its plan: a plan that words them itself is heard.

Without them a plan that lacks one of these messages could not be reported by, or its event not become a major one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from changbei.core.texts import Text
from changbei.notify.wording import placeholders
from changbei.plans.model import Pack, Place, Template

HOUSE: Mapping[str, tuple[str, Text, Text]] = {  # name → urgency, title, body
    "report-received": (
        "urgent",
        {"zh-Hans": "事件已受理", "zh-Hant": "事件已受理", "en": "Report received"},
        {
            "zh-Hans": "{number} {title}：报告已受理，正在通知有关人员。请保持电话畅通。",
            "zh-Hant": "{number} {title}：報告已受理，正在通知有關人員。請保持電話暢通。",
            "en": "{number} {title}: your report is in and people are being told. Please stay reachable.",
        },
    ),
    "command-post": (
        "immediate",
        {"zh-Hans": "成立应急指挥部", "zh-Hant": "成立應急指揮部", "en": "Command post set up"},
        {
            "zh-Hans": "{number} {title}定为重大事件，即刻成立指挥部，总指挥：{commander}。请到位待命。",
            "zh-Hant": "{number} {title}定為重大事件，即刻成立指揮部，總指揮：{commander}。請到位待命。",
            "en": "{number} {title} is a major event. Commander of the post: {commander}. Please take your place.",
        },
    ),
    "acting-commander": (
        "immediate",
        {"zh-Hans": "请担任临时总指挥", "zh-Hant": "請擔任臨時總指揮", "en": "You are acting commander"},
        {
            "zh-Hans": "{number} {title}：领导均不在本市，由您以{post}身份担任临时总指挥，即刻履职。",
            "zh-Hant": "{number} {title}：領導均不在本市，由您以{post}身份擔任臨時總指揮，即刻履職。",
            "en": "{number} {title}: both leaders are away. As {post} you are acting commander from now on.",
        },
    ),
    "authorisation-asked": (
        "immediate",
        {"zh-Hans": "请授权临时总指挥", "zh-Hant": "請授權臨時總指揮", "en": "Please authorise"},
        {
            "zh-Hans": "{number} {title}：您不在本市，拟由{name}（{post}）担任临时总指挥，请确认授权。",
            "zh-Hant": "{number} {title}：您不在本市，擬由{name}（{post}）擔任臨時總指揮，請確認授權。",
            "en": "{number} {title}: you are away. {name} ({post}) is to act as commander; please authorise.",
        },
    ),
}


def with_house_words(pack: Pack) -> Pack:
    """The plan with these messages, as far as it has none of the same name."""
    return replace(pack, templates={**_TEMPLATES, **pack.templates})


def _template(name: str, urgency: str, title: Text, body: Text) -> Template:
    return Template(name, title, body, "", urgency, placeholders(title, body), Place("", 1, 1))


_TEMPLATES = {name: _template(name, *words) for name, words in HOUSE.items()}
