"""The words of a notice: a text in languages, filled once for all, or left with what each recipient has of their own.

A notice keeps one wording. Placeholders that differ from recipient to recipient (the shop's name, its own next
delivery) stay in it, named by `Notice.personal`; a message carries the few values, never the whole text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from string import Formatter
from typing import Any, Final

from changbei.core import texts
from changbei.core.texts import Text

UNKNOWN = "—"
NOWHERE: Final = object()
"""The value of an address that there is none of: the sentence that says it is left out."""
SENTENCE_ENDS = re.compile(r"(?<=[。！？!?\n])|(?<=\.)(?=\s)")
GENERAL: Mapping[str, Text] = {
    "retailer": {"zh-Hans": "客户", "zh-Hant": "客戶", "en": "customer"},
    "contact": {"zh-Hans": "客户", "zh-Hant": "客戶", "en": "customer"},
    "line": {"zh-Hans": "您的线路", "zh-Hant": "您的線路", "en": "your line"},
    "manager": {"zh-Hans": "您的客户经理", "zh-Hant": "您的客戶經理", "en": "your customer manager"},
    "next_delivery": {"zh-Hans": "下一送货日", "zh-Hant": "下一送貨日", "en": "the next delivery day"},
}
"""What stands for a placeholder where nobody in particular is spoken to."""


def placeholders(*several: Text) -> frozenset[str]:
    """The names in braces, in any language. ValueError for words that are not well formed."""
    return frozenset().union(*(_names(words) for text in several for words in text.values()))


@lru_cache(maxsize=4_096)
def _names(words: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name is not None)


def fill(text: Text, values: Mapping[str, object], *, keep: Collection[str] = ()) -> dict[str, str]:
    """`text` filled; a placeholder without a value becomes a dash: an incomplete message is better than none.

    Those named in `keep` stay, and what is filled in beside them is safe from being filled again.
    """
    for name in [name for name in placeholders(text) if values.get(name) is NOWHERE]:
        text = {language: without(words, name) for language, words in text.items()}
    known: dict[str, object] = {
        name: UNKNOWN if values.get(name) is None else values[name] for name in placeholders(text)
    }
    if keep:
        known = {name: _escaped(value) for name, value in known.items()}
        known |= {name: f"{{{name}}}" for name in keep}
    filled = texts.fill(_doubled(text) if keep else text, known)
    return {language: words.strip() for language, words in filled.items()}


def without(words: str, name: str) -> str:
    """The words less the sentence in which this placeholder stands; of words that say nothing else, less itself."""
    rest = "".join(one for one in SENTENCE_ENDS.split(words) if f"{{{name}}}" not in one)
    return rest.strip() or words.replace(f"{{{name}}}", "").rstrip(" :：")


def spoken(text: Text, personal: Collection[str], values: Mapping[str, Any] | None, language: str) -> str:
    """The words to one recipient, in their language."""
    words = texts.pick(text, language)
    if not personal:
        return words
    own = {**{name: GENERAL.get(name, UNKNOWN) for name in personal}, **(values or {})}
    return words.format_map({name: _word(value, language) for name, value in own.items()}).strip()


def general(text: Text, personal: Collection[str]) -> dict[str, str]:
    """The wording as it is shown where nobody in particular is spoken to."""
    return {language: spoken({language: words}, personal, None, language) for language, words in text.items()}


def _word(value: object, language: str) -> object:
    return texts.pick(value, language) if isinstance(value, Mapping) else value


def _escaped(value: object) -> object:
    if isinstance(value, Mapping):
        return {language: _escaped(words) for language, words in value.items()}
    return str(value).replace("{", "{{").replace("}", "}}")


def _doubled(text: Text) -> dict[str, str]:
    """Braces that are meant as such stay so through two fillings."""
    return {language: words.replace("{{", "{{{{").replace("}}", "}}}}") for language, words in text.items()}
