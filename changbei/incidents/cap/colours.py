"""The colour of a warning, only where the publisher says it. CAP severity is another scale."""

from __future__ import annotations

import re
from collections.abc import Iterable

from changbei.incidents.cap.parts import COLOURS

_SPELLINGS = {"blue": "蓝藍", "yellow": "黄黃", "orange": "橙", "red": "红紅"}
_CHINESE = {character: colour for colour, characters in _SPELLINGS.items() for character in characters}
_NAMES = re.compile(
    r"(?:(?:alert|warning|severity)_?)?colou?r(?:_?code)?|awareness_?level|(?:预警|預警)?(?:颜色|顏色)",
    re.IGNORECASE,
)
# a colour counts in a headline only as that of a warning: 暴雨橙色预警, "Orange warning", not "Yellow River"
_CHINESE_HEADLINE = re.compile(
    r"([蓝藍黄黃橙红紅])色[^，。；,;]{0,6}?(?:预警|預警|警报|警報|警戒|警告|警示|信号|信號)"
)
_ENGLISH_HEADLINE = re.compile(
    r"\b(blue|yellow|orange|red)\s+(?:weather\s+|level\s+)?(?:warning|alert|signal)\b", re.IGNORECASE
)
_ENDING = re.compile(r"(?:^|[_.:/-])(blue|yellow|orange|red)$|^.*([蓝藍黄黃橙红紅]色)$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+")


def of_parameters(parameters: Iterable[tuple[str, str]]) -> str:
    """The colour of ColorCode=Orange, awareness_level="2; yellow; Moderate", … or ""."""
    for name, value in parameters:
        if _NAMES.fullmatch(name.strip()) and (colour := of_word(value)):
            return colour
    return ""


def of_event_codes(codes: Iterable[tuple[str, str]]) -> str:
    """The colour at the end of an event code, e.g. 11B03_ORANGE or 暴雨橙色; "Red Tide" has none."""
    for name, value in codes:
        if _NAMES.fullmatch(name.strip()) and (colour := of_word(value)):
            return colour
        if match := _ENDING.search(value.strip()):
            return of_word(match[1] or match[2])
    return ""


def of_word(text: str) -> str:
    """The one colour that a short value names, in Chinese or English; "" when none or several."""
    found = {_CHINESE[character] for character in text if character in _CHINESE}
    found |= {word.lower() for word in _WORD.findall(text) if word.lower() in COLOURS}
    return found.pop() if len(found) == 1 else ""


def of_words(*texts: str) -> str:
    """The colour that an event or a headline gives the warning."""
    for text in texts:
        if match := _CHINESE_HEADLINE.search(text):
            return _CHINESE[match[1]]
        if match := _ENGLISH_HEADLINE.search(text):
            return match[1].lower()
    return ""
