"""How a message reads where there is only text: title, body, and how to say that it has been read."""

from __future__ import annotations

from changbei.core import texts
from changbei.notify.channels import Outgoing

# Blanks on both sides of the address: telephones take words that touch it for a part of it.
CONFIRM = {
    (True, True): {
        "zh-Hans": "收到请回复{code}，或点开 {link} 确认。",
        "zh-Hant": "收到請回覆{code}，或點開 {link} 確認。",
        "en": "To confirm reply {code} or open {link}",
    },
    (True, False): {
        "zh-Hans": "收到请回复{code}。",
        "zh-Hant": "收到請回覆{code}。",
        "en": "To confirm reply {code}.",
    },
    (False, True): {
        "zh-Hans": "收到请点开 {link} 确认。",
        "zh-Hant": "收到請點開 {link} 確認。",
        "en": "To confirm open {link}",
    },
}

PRESS = {"zh-Hans": "收到请按1。", "zh-Hant": "收到請按1。", "en": "To confirm press 1."}


def spoken(one: Outgoing) -> str:
    """What is said in a call in which a key can be pressed."""
    return f"{plain(one)} {texts.pick(PRESS, one.language)}"


def plain(one: Outgoing) -> str:
    """Title and body in one."""
    return f"{one.title}：{one.body}" if one.title and one.body else one.title or one.body


def ask(one: Outgoing) -> str:
    """How this message is acknowledged; "" when it needs none."""
    words = CONFIRM.get((bool(one.code), bool(one.link)))
    return texts.pick(words, one.language).format(code=one.code, link=one.link) if words else ""


def text(one: Outgoing) -> str:
    """What a text message says."""
    asked = ask(one)
    return f"{plain(one)} {asked}" if asked else plain(one)
