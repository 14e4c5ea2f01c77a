"""The catalogues of the user interface. Messages are English in the code; zh-Hans and zh-Hant are kept here.

`extract` finds every message in code and templates and brings both catalogues up to date: new messages are empty in
zh-Hans, and drafted from it by OpenCC in zh-Hant, where they have to be read through (the terms of TERMS are put
right by themselves). `check` says what is missing, no longer used, or has other placeholders. Texts of plan packs
and of data carry their three languages themselves.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "changbei"
SOURCE, DRAFTED = "zh_Hans", "zh_Hant"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|\{(\w*)\}|%[sd]")
# Where Taiwan's computer words, or the trade's, differ from what a character converter makes.
TERMS = {"信息": "資訊", "网络": "網絡", "数据": "資料", "屏幕": "螢幕", "短信": "簡訊", "默认": "預設", "登录": "登入"}


def sources() -> list[Path]:
    templates = list(PACKAGE.rglob("templates/**/*.html"))
    code = [path for path in PACKAGE.rglob("*.py") if not {"tests", "migrations"} & set(path.parts)]
    return sorted(templates + code)


def found() -> Catalog:
    """Every message in the code and the templates, with where it stands."""
    catalog = Catalog(project="Changbei", charset="utf-8")
    for path in sources():
        place = path.relative_to(ROOT).as_posix()
        text = path.read_text()
        if path.suffix == ".html":
            text = as_code(text, place)
        lines = io.BytesIO(text.encode())
        for line, message, _, context in extract("python", lines, KEYWORDS, options={"encoding": "utf-8"}):
            catalog.add(message, locations=[(place, line)], context=context)
    return catalog


def as_code(template: str, place: str) -> str:
    """A template as lines of Python that call gettext; line numbers stay."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")
    from django.utils.translation.template import templatize  # noqa: PLC0415 - needs settings

    # Everything but the calls is blanked out with X; a tokenizer needs neither it nor the indentation.
    lines = templatize(template, origin=place).splitlines()
    return "\n".join(" ".join(match[0] for match in CALL.finditer(line)) for line in lines)


CALL = re.compile(r"\b(?:_|n?p?gettext)\((?:[^()\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*\)")


def catalogue_path(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"


def kept(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Changbei", charset="utf-8")
    with path.open("rb") as lines:
        return read_po(lines, locale=language, abort_invalid=True)


def update() -> int:
    """Bring both catalogues up to date; says how many messages wait for words."""
    template = found()
    source = kept(SOURCE)
    drafted = kept(DRAFTED)
    for catalog in (source, drafted):
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
    draft = drafter()
    for message in source:
        twin = drafted.get(message.id, message.context) if message.id else None
        if twin is not None and not any(words(twin)):
            twin.string = tuple(map(draft, words(message))) if message.pluralizable else draft(words(message)[0])
    for language, catalog in ((SOURCE, source), (DRAFTED, drafted)):
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            write_po(target, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False)
    missing = sum(1 for message in source if message.id and not all(words(message)))
    print(f"translations: {len(template)} messages, {missing} without words in zh-Hans")
    return 0


def drafter() -> object:
    import opencc  # noqa: PLC0415 - only for drafting

    convert = opencc.OpenCC("s2tw").convert

    def draft(text: str) -> str:
        for simplified, traditional in TERMS.items():
            text = text.replace(simplified, traditional)
        return str(convert(text))

    return draft


def words(message: Message) -> list[str]:
    return [message.string or ""] if isinstance(message.string, str | None) else [*message.string]


def ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else [*message.id]


def check() -> int:
    """Print everything that is wrong; 1 when something is."""
    template = found()
    wrong = [problem for language in (SOURCE, DRAFTED) for problem in problems(language, template)]
    print("\n".join(wrong) if wrong else f"translations: {len(template)} messages in three languages")
    return 1 if wrong else 0


def problems(language: str, template: Catalog) -> Iterator[str]:
    catalog = kept(language)
    for message in template:
        if not message.id:
            continue
        place = ":".join(map(str, message.locations[0]))
        there = catalog.get(message.id, message.context)
        if there is None or not all(words(there)) or there.fuzzy:
            yield f"{place}: {language} has no words for {ids(message)[0]!r}; run scripts/translations.py extract"
            continue
        wanted = {placeholders(text) for text in ids(message)[-1:]}
        if any(placeholders(text) not in wanted for text in words(there)):
            yield f"{place}: {language}: other placeholders than in {ids(message)[0]!r}"
    for message in catalog:
        if message.id and template.get(message.id, message.context) is None:
            yield f"{language}: nobody says {ids(message)[0]!r} any more"


def placeholders(text: str) -> frozenset[str]:
    return frozenset(match[0] for match in PLACEHOLDER.finditer(text))


if __name__ == "__main__":
    verbs = {"extract": update, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(f"usage: translations.py {'|'.join(verbs)}")
    sys.exit(verbs[sys.argv[1]]())
