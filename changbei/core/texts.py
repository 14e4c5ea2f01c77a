"""Texts in the three languages the product speaks: a mapping from language to words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from uuid import UUID

LANGUAGES = ("zh-Hans", "zh-Hant", "en")
Text = Mapping[str, str]


def text(hans: str, hant: str, english: str) -> dict[str, str]:
    """A text of these words."""
    return {"zh-Hans": hans, "zh-Hant": hant, "en": english}


PHONE = re.compile(r"\+?\d{5,15}")
"""A telephone number as it is kept."""
_BETWEEN_DIGITS = re.compile(r"[\s\-()./·—–\u200b]")


def joined(number: str) -> str:
    """A licence or telephone number as it is kept: full-width digits made plain, and nothing between them."""
    return _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", number))


def uuid_in(given: object) -> UUID | None:
    """The UUID that is written there; None for whatever is none."""
    try:
        return UUID(str(given))
    except ValueError:
        return None


def pick(text: Text | str | None, language: str) -> str:
    """The words of `text` in `language`; falls back to simplified Chinese, then English, then whatever is there."""
    if not text:
        return ""
    if isinstance(text, str):
        return text
    if language in LANGUAGES and (words := text.get(language)):
        return words
    wanted = "en" if language.lower().startswith("en") else language
    folded = {key.lower(): value for key, value in text.items()}
    for key in (wanted, "zh-Hans", "en"):
        if words := folded.get(key.lower()):
            return words
    return next(iter(text.values()))


def fill(text: Text, values: Mapping[str, object]) -> dict[str, str]:
    """`text` with each `{name}` replaced from `values` in every language; a value may itself be a text."""
    texts = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    return {
        language: words.format_map(
            {**values, **{name: pick(value, language) for name, value in texts.items()}} if texts else values
        )
        for language, words in text.items()
    }
