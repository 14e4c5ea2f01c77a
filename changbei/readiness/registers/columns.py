"""What a register is made of, and how what people typed becomes a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_noop

from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.core.texts import LANGUAGES
from changbei.network.models import Product, Site
from changbei.people.models import Person

Words = str | Promise
Kind = Literal[
    "text", "words", "whole", "day", "moment", "flag", "choice", "many", "site", "product", "person", "lines"
]
Save = Callable[..., Model]

_NO = frozenset({"", "0", "false", "no", "off", "否", "无", "無"})


@dataclass(frozen=True)
class Column:
    """A field of a register.

    `words`: a text in three languages, typed in one. `choices`: identifier → what it is called, for `choice` and
    `many`; with `open_choice` others may be typed. `shown`/`typed`: whether it stands in the list and in the form.
    """

    name: str
    label: Words
    kind: Kind = "text"
    required: bool = True
    choices: Mapping[str, Any] | None = None
    open_choice: bool = False
    minimum: int = 0
    maximum: int = 1_000_000_000  # the database holds twice that
    longest: int = 200
    shown: bool = True
    typed: bool = True
    path: str = ""  # where the value is found on the row, when that is not `name`: "site.name"
    help: Words = ""


@dataclass(frozen=True)
class Register:
    """One register: its rows, its columns, who may change it, and the verb that does when it is not the common one.

    `key`: the columns that say which row an imported line is. `queryset` gives the rows in order, those that
    nobody may see yet left out. `save(values, row, actor)` writes, of a row that is there only the values that were
    given; `add` the same for new rows only. `check(row)` raises Invalid for a row that cannot be. `adds`/`edits`: what
    the page offers.
    """

    id: str
    title: Words
    clause: str
    queryset: Callable[[], QuerySet[Any]]
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    permission: str = "readiness.record"
    save: Save | None = None
    add: Save | None = None
    check: Callable[[Any], None] | None = None
    adds: bool = True
    edits: bool = True
    verb: Words = ""  # on the button that adds
    note: Words = ""

    @property
    def typed(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.typed)

    @property
    def shown(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.shown)


@dataclass(frozen=True)
class Cell:
    """A value of a row as pages and the API show it; `raw` as JSON."""

    column: Column
    value: Any
    raw: Any


def coerce(column: Column, given: Any, language: str, before: Any = None) -> Any:
    """The value of what was typed, read from a file or sent as JSON. Raises Invalid with the column's name."""
    if given is None or (isinstance(given, str) and not given.strip()):
        if column.kind == "flag":
            return False if column.required else None
        if column.required:
            raise Invalid(column.name, gettext_noop("is missing"))
        return _nothing(column)
    return _BY_KIND[column.kind](column, given, language, before)


def _nothing(column: Column) -> Any:
    match column.kind:
        case "text" | "choice" | "lines":
            return ""
        case "words":
            return {}
        case "many":
            return []
    return None


def _text(column: Column, given: Any, _language: str, _before: Any) -> str:
    words = str(given).strip()
    if len(words) > column.longest:
        raise Invalid(column.name, gettext_noop("is too long"))
    return words


def _words(column: Column, given: Any, language: str, before: Any) -> dict[str, str]:
    """Typed in one language: the others keep what they had, or take the same words until somebody translates them."""
    if isinstance(given, Mapping):
        return _in_languages(column, given)
    words = _text(column, given, language, None)
    known = before if isinstance(before, Mapping) else {}
    own = (
        language
        if language in LANGUAGES
        else next((one for one in LANGUAGES if one.lower() == language), "zh-Hans")
    )
    return {one: words if one == own else known.get(one) or words for one in LANGUAGES}


def _in_languages(column: Column, given: Mapping[Any, Any]) -> dict[str, str]:
    """Given in several languages: those that are lacking take the words of another."""
    typed = {one: _text(column, given.get(one) or "", one, None) for one in LANGUAGES}
    any_words = next((words for words in typed.values() if words), "")
    if column.required and not any_words:
        raise Invalid(column.name, gettext_noop("give the words in zh-Hans, zh-Hant or en"))
    return {one: words or any_words for one, words in typed.items()} if any_words else {}


def _whole(column: Column, given: Any, _language: str, _before: Any) -> int:
    try:
        number = int(str(given).strip())
    except ValueError:
        raise Invalid(column.name, gettext_noop("a whole number is needed")) from None
    if number < column.minimum:
        raise Invalid(column.name, gettext_noop("is too small"))
    if number > column.maximum:
        raise Invalid(column.name, f"at most {column.maximum}")
    return number


def _day(column: Column, given: Any, _language: str, _before: Any) -> date:
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(str(given).strip()[:10])
    except ValueError:
        raise Invalid(column.name, gettext_noop("a date is needed, as 2026-11-23")) from None


def _moment(column: Column, given: Any, _language: str, _before: Any) -> datetime:
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given).strip())
    except ValueError:
        raise Invalid(column.name, gettext_noop("a moment is needed, as 2026-11-23 20:30")) from None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL)


def _flag(_column: Column, given: Any, _language: str, _before: Any) -> bool:
    return given if isinstance(given, bool) else str(given).strip().lower() not in _NO


def _choice(column: Column, given: Any, language: str, _before: Any) -> str:
    word = _text(column, given, language, None)
    if not column.open_choice and word not in (column.choices or {}):
        raise Invalid(column.name, f"{word!r}: {', '.join(column.choices or {})}")
    return word


def _many(column: Column, given: Any, _language: str, _before: Any) -> list[str]:
    parts = given if isinstance(given, list | tuple) else str(given).replace("，", ",").split(",")
    found = [str(one).strip() for one in parts if str(one).strip()]
    if wrong := [one for one in found if one not in (column.choices or {})]:
        raise Invalid(column.name, f"{wrong[0]!r}: {', '.join(column.choices or {})}")
    if column.required and not found:
        raise Invalid(column.name, gettext_noop("is missing"))
    return found


def _site(column: Column, given: Any, _language: str, _before: Any) -> Site:
    found = given if isinstance(given, Site) else Site.objects.filter(code=str(given).strip()).first()
    if found is None:
        raise Invalid(column.name, gettext_noop("there is no such site"))
    return found


def _product(column: Column, given: Any, _language: str, _before: Any) -> Product:
    found = given if isinstance(given, Product) else Product.objects.filter(code=str(given).strip()).first()
    if found is None:
        raise Invalid(column.name, gettext_noop("there is no such product"))
    return found


def _person(column: Column, given: Any, _language: str, _before: Any) -> Person:
    rows = Person.objects.filter(staff_no=str(given).strip(), active=True)
    found = given if isinstance(given, Person) else rows.first()
    if found is None:
        raise Invalid(column.name, gettext_noop("there is no such colleague"))
    return found


def _lines(column: Column, given: Any, _language: str, _before: Any) -> str:
    return "\n".join(line.strip() for line in str(given).splitlines() if line.strip())


_BY_KIND: Mapping[str, Callable[[Column, Any, str, Any], Any]] = {
    "text": _text,
    "words": _words,
    "whole": _whole,
    "day": _day,
    "moment": _moment,
    "flag": _flag,
    "choice": _choice,
    "many": _many,
    "site": _site,
    "product": _product,
    "person": _person,
    "lines": _lines,
}
