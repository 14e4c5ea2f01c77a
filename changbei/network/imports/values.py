"""From a cell to a value: what Excel makes of numbers, dates and texts is undone here, or refused with the reason."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from changbei.core.clock import LOCAL
from changbei.core.texts import PHONE, joined
from changbei.network.imports.problems import Wrong

Convert = Callable[[Any], Any]

_SCIENTIFIC = re.compile(r"^[+-]?\d+(\.\d+)?[eE][+-]?\d+$")
_BETWEEN_NUMBERS = re.compile(r"[/、,;|\\&]")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_YES = {"是", "有", "y", "yes", "true", "1", "√", "✓", "对", "對"}
_NO = {"否", "无", "無", "没有", "n", "no", "false", "0", "×", "x", "不"}
_WEEKDAYS = {
    day: number
    for number, days in enumerate(
        (
            ("周一", "星期一", "週一", "礼拜一", "一", "mon", "monday"),
            ("周二", "星期二", "週二", "礼拜二", "二", "tue", "tuesday"),
            ("周三", "星期三", "週三", "礼拜三", "三", "wed", "wednesday"),
            ("周四", "星期四", "週四", "礼拜四", "四", "thu", "thursday"),
            ("周五", "星期五", "週五", "礼拜五", "五", "fri", "friday"),
        ),
        start=1,
    )
    for day in days
}


def plain(cell: Any) -> str:
    """The cell as text: full-width digits made plain, whole numbers without ".0", white space at the ends gone."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return " ".join(unicodedata.normalize("NFKC", str(cell)).replace("\u200b", "").split())


def text(longest: int) -> Convert:
    def convert(cell: Any) -> str:
        _refuse_date(cell)
        words = plain(cell)
        _refuse_nul(words)
        if len(words) > longest:
            raise Wrong(_("is longer than %(longest)d characters") % {"longest": longest})
        return words

    return convert


def code(longest: int) -> Convert:
    """An identifier of letters, digits, hyphens and dots; numbers that Excel shortened are refused, and what no page's
    address can hold.
    """

    def convert(cell: Any) -> str:
        _refuse_date(cell)
        words = plain(cell).replace(" ", "")
        _refuse_nul(words)
        _refuse_shortened(cell, words)
        if "/" in words or not words.strip("."):
            raise Wrong(_("cannot stand in an address; write a code of letters, digits and hyphens"))
        if len(words) > longest:
            raise Wrong(_("is longer than %(longest)d characters") % {"longest": longest})
        return words

    return convert


def digits(fewest: int, most: int) -> Convert:
    def convert(cell: Any) -> str:
        words = str(code(60)(cell))
        if not words.isascii() or not words.isdigit() or not fewest <= len(words) <= most:
            raise Wrong(_("must be %(fewest)d to %(most)d digits") % {"fewest": fewest, "most": most})
        return words

    return convert


def phone(cell: Any) -> str:
    """A telephone number, and one only: digits, perhaps with +; spaces, hyphens and brackets are dropped."""
    written = str(text(40)(cell))
    if _is_several(written):
        raise Wrong(_("holds more than one telephone number; write one, of 5 to 15 digits"))
    words = joined(written)
    _refuse_shortened(cell, words)
    if not PHONE.fullmatch(words):
        raise Wrong(_("is no telephone number; write 5 to 15 digits"))
    return words


def _is_several(written: str) -> bool:
    """Whether these are two numbers: five digits on both sides of a sign that parts them, or twice seven in a row."""
    parts = [re.sub(r"\D", "", part) for part in _BETWEEN_NUMBERS.split(written)]
    return sum(len(part) >= 5 for part in parts) > 1 or len(re.findall(r"\d{7,}", written)) > 1


def email(cell: Any) -> str:
    words = str(text(120)(cell)).replace(" ", "")
    if not _EMAIL.match(words):
        raise Wrong(_("is no e-mail address"))
    return words


def integer(lowest: int, highest: int) -> Convert:
    def convert(cell: Any) -> int:
        _refuse_date(cell)
        words = plain(cell).replace(",", "")
        if not re.fullmatch(r"[+-]?\d+", words) or not lowest <= int(words) <= highest:
            limits = {"lowest": lowest, "highest": highest}
            raise Wrong(_("must be a whole number from %(lowest)d to %(highest)d") % limits)
        return int(words)

    return convert


def degrees(lowest: float, highest: float) -> Convert:
    def convert(cell: Any) -> float:
        _refuse_date(cell)
        try:
            value = float(plain(cell).rstrip("°EN东北東 "))
        except ValueError:
            value = float("nan")
        if not lowest <= value <= highest:
            limits = {"lowest": lowest, "highest": highest}
            raise Wrong(_("must be decimal degrees from %(lowest)g to %(highest)g") % limits)
        return round(value, 6)

    return convert


def yes_no(cell: Any) -> bool:
    words = plain(cell).casefold()
    if words in _YES:
        return True
    if words in _NO:
        return False
    raise Wrong(_("must be 是 or 否, yes or no"))


def weekday(cell: Any) -> int:
    words = plain(cell).casefold().rstrip(".")
    if words in _WEEKDAYS:
        return _WEEKDAYS[words]
    if words in {"1", "2", "3", "4", "5"}:
        return int(words)
    raise Wrong(_("must be a working day: 1 to 5, 周一 to 周五, Mon to Fri"))


def choice(words_of: Mapping[str, tuple[str, ...]]) -> Convert:
    """One of the keys, by itself or by one of its words."""
    known = {word.casefold(): key for key, words in words_of.items() for word in (key, *words)}
    listed = ", ".join(words[0] if words else key for key, words in words_of.items())

    def convert(cell: Any) -> str:
        found = known.get(plain(cell).casefold())
        if found is None:
            raise Wrong(_("must be one of: %(listed)s") % {"listed": listed})
        return found

    return convert


def clock_time(cell: Any) -> time:
    """8:30, 08:30:00, an Excel time, or the fraction of a day that Excel keeps it as."""
    if isinstance(cell, datetime):
        return cell.time().replace(microsecond=0)
    if isinstance(cell, time):
        return cell.replace(microsecond=0)
    if isinstance(cell, float) and 0 <= cell < 1:
        cell = timedelta(days=cell)
    if isinstance(cell, timedelta) and timedelta() <= cell < timedelta(days=1):
        minutes = min(round(cell.total_seconds() / 60), 24 * 60 - 1)
        return time(minutes // 60, minutes % 60)
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?", plain(cell).replace("点", ":").replace("时", ":"))
    if found and int(found[1]) < 24 and int(found[2]) < 60:
        return time(int(found[1]), int(found[2]))
    raise Wrong(_("must be a time such as 08:30"))


def day(cell: Any) -> date:
    """2026-11-23, 2026/11/23, 2026年11月23日, or an Excel date."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = re.fullmatch(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?", plain(cell))
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise Wrong(_("must be a date such as 2026-11-23"))


def moment(cell: Any) -> datetime:
    """A day and a time of the city's clock, as `day` and `clock_time` take them, or an Excel date with its time."""
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0, tzinfo=LOCAL)
    found = re.fullmatch(r"(.*\d\D?)[ T]+(\S+)", plain(cell))
    try:
        if found:
            return datetime.combine(day(found[1]), clock_time(found[2]), LOCAL)
    except Wrong:
        pass
    raise Wrong(_("must be a day and a time such as 2026-11-23 08:00"))


def monday(cell: Any) -> date:
    """The day with which a week begins."""
    found = day(cell)
    if found.weekday():
        raise Wrong(_("must be a Monday, with which its week begins"))
    return found


def yuan(cell: Any) -> int:
    """Money in yuan, as fen."""
    _refuse_date(cell)
    words = f"{cell:.4f}".rstrip("0").rstrip(".") if isinstance(cell, float) else plain(cell)
    words = words.replace(",", "").removeprefix("¥").removesuffix("元").strip()
    if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", words):
        raise Wrong(_("must be an amount in yuan, such as 106.50"))
    return int(Decimal(words) * 100)


def several(longest: int) -> Convert:
    """Codes one after the other, apart by commas: a list without doubles."""
    one = code(longest)

    def convert(cell: Any) -> list[str]:
        return list(dict.fromkeys(one(word) for word in re.split("[,;，；、]", plain(cell)) if word.strip()))

    return convert


def _refuse_date(cell: Any) -> None:
    if isinstance(cell, datetime | date | time | timedelta):
        raise Wrong(_("Excel has made a date or time of it; format the column as text and write it anew"))


def _refuse_nul(words: str) -> None:
    """The database takes every character but this one."""
    if "\0" in words:
        raise Wrong(_("holds a character that is no text (NUL); write the cell anew"))


def _refuse_shortened(cell: Any, words: str) -> None:
    lost = isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 10**15)
    if lost or _SCIENTIFIC.match(words):
        raise Wrong(_("Excel has shortened the number; format the column as text and write it anew"))
