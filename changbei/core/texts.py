"""Texts in the three languages the product speaks: a mapping from language to words."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("zh-Hans", "zh-Hant", "en")
Text = Mapping[str, str]


def text(hans: str, hant: str, english: str) -> Text:
    """A text of these words."""
    return {"zh-Hans": hans, "zh-Hant": hant, "en": english}


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
    return {
        language: words.format_map({name: _word(value, language) for name, value in values.items()})
        for language, words in text.items()
    }


def _word(value: object, language: str) -> object:
    return pick(value, language) if isinstance(value, Mapping) else value
