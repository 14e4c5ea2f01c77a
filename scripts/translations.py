"""The catalogues of the user interface. Messages are English in the code; zh-Hans and zh-Hant are kept here.

`extract` finds every message in code and templates and brings both catalogues up to date: new messages are empty in
zh-Hans, and drafted from it by OpenCC in zh-Hant, where they have to be read through (the terms of TERMS are put
right by themselves). It writes nothing when nothing has changed. `check` says what is missing, no longer used, or
has other placeholders. Texts of plan packs and of data carry their three languages themselves.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "changbei"
SOURCE, DRAFTED = "zh_Hans", "zh_Hant"
# What a call says: which arguments are the message (and its plural), which is the context.
CALLS: dict[str, tuple[slice, int | None]] = {
    "_": (slice(0, 1), None),
    "gettext": (slice(0, 1), None),
    "gettext_lazy": (slice(0, 1), None),
    "gettext_noop": (slice(0, 1), None),
    "ngettext": (slice(0, 2), None),
    "ngettext_lazy": (slice(0, 2), None),
    "pgettext": (slice(1, 2), 0),
    "pgettext_lazy": (slice(1, 2), 0),
    "npgettext": (slice(1, 3), 0),
    "npgettext_lazy": (slice(1, 3), 0),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|\{(\w*)\}|%[sd]")
# Where the words of the trade or of computers differ from what a character converter makes: longer ones first,
# then what the converter itself gets wrong.
TERMS = {
    "总结评估": "檢討",
    "电子邮件": "電子郵件",
    "剪贴板": "剪貼簿",
    "单元格": "儲存格",
    "工作簿": "活頁簿",
    "服务器": "伺服器",
    "浏览器": "瀏覽器",
    "收件箱": "收件匣",
    "准运证": "准運證",
    "复盘": "檢討",
    "信息": "資訊",
    "消息": "訊息",
    "网络": "網絡",
    "网关": "閘道",
    "数据": "資料",
    "屏幕": "螢幕",
    "短信": "簡訊",
    "默认": "預設",
    "登录": "登入",
    "退出": "登出",
    "文件": "檔案",
    "文本": "文字",
    "字段": "欄位",
    "字符": "字元",
    "软件": "軟體",
    "硬件": "硬體",
    "模块": "模組",
    "接口": "介面",
    "密钥": "金鑰",
    "台账": "台帳",
    "账号": "帳號",
    "打印": "列印",
    "保存": "儲存",
    "添加": "新增",
    "导入": "匯入",
    "导出": "匯出",
    "搜索": "搜尋",
    "查找": "尋找",
    "菜单": "選單",
    "链接": "連結",
    "跟踪": "追蹤",
    "通过": "透過",
    "烟": "菸",
    "“": "「",
    "”": "」",
}
SLIPS = {"臺": "台", "佈": "布", "併為": "並為", "併發": "並發"}
HEADER = """\
# Changbei: the words of the user interface in {language}. Brought up to date by scripts/translations.py.
msgid ""
msgstr ""
"Project-Id-Version: Changbei\\n"
"Language: {language}\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def sources() -> list[Path]:
    templates = list(PACKAGE.rglob("templates/**/*.html"))
    code = [path for path in PACKAGE.rglob("*.py") if not {"tests", "migrations"} & set(path.parts)]
    return sorted(templates + code)


def found(paths: Iterable[Path] | None = None) -> Catalog:
    """Every message in the code and the templates, with where it stands."""
    catalog = Catalog(charset="utf-8")
    for path in sources() if paths is None else paths:
        place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            text = as_code(text, place)
        for line, message, context in said(text):
            catalog.add(message, locations=[(place, line)], context=context)
    return catalog


def said(code: str) -> Iterator[tuple[int, str | tuple[str, ...], str | None]]:
    """Line, message (with its plural) and context of every call with fixed words, those within f-strings too."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name not in CALLS:
            continue
        which, where = CALLS[name]
        message = tuple(word for word in map(constant, node.args[which]) if word)
        context = constant(node.args[where]) if where is not None and node.args else None
        if len(message) == which.stop - which.start:
            yield node.lineno, message if len(message) > 1 else message[0], context


def constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def as_code(template: str, place: str) -> str:
    """A template as lines of Python that call gettext; line numbers stay."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")
    from django.utils.translation.template import templatize  # noqa: PLC0415 - needs settings

    # Everything but the calls is blanked out with X; a parser needs neither it nor the indentation.
    lines = templatize(template, origin=place).splitlines()
    return "\n".join("; ".join(match[0] for match in CALL.finditer(line)) for line in lines)


CALL = re.compile(r"\b(?:_|n?p?gettext)\((?:[^()\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*\)")


def catalogue_path(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"


def kept(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as lines:
        return read_po(lines, locale=language, abort_invalid=True)


def save(language: str, catalog: Catalog) -> None:
    """Sorted, without dates, versions or line numbers: a catalogue changes only where its words do."""
    entries = io.BytesIO()
    write_po(entries, catalog, width=110, sort_output=True, omit_header=True, include_lineno=False)
    text = HEADER.format(language=language).encode() + entries.getvalue()
    path = catalogue_path(language)
    if path.exists() and path.read_bytes() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def update() -> int:
    """Bring both catalogues up to date; says how many messages wait for words."""
    template = found()
    source, drafted = kept(SOURCE), kept(DRAFTED)
    merge(source, template)
    merge(drafted, template)
    fill(drafted, source)
    save(SOURCE, source)
    save(DRAFTED, drafted)
    missing = sum(1 for message in source if message.id and not all(words(message)))
    print(f"translations: {count(template)} messages, {missing} without words in zh-Hans")
    return 0


def merge(catalog: Catalog, template: Catalog) -> None:
    """Take over every message of the template, keep the words of those that were there, drop the others."""
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()


def fill(drafted: Catalog, source: Catalog) -> None:
    """Draft the words that `drafted` lacks from those of `source`."""
    draft = drafter()
    for message in source:
        twin = drafted.get(message.id, message.context) if message.id else None
        if twin is None or any(words(twin)) or not all(words(message)):
            continue
        drafts = tuple(map(draft, words(message)))
        twin.string = drafts if message.pluralizable else drafts[0]


def drafter() -> Callable[[str], str]:
    import opencc  # noqa: PLC0415 - only for drafting

    convert = opencc.OpenCC("s2tw").convert

    def draft(text: str) -> str:
        text = replaced(text, TERMS)
        return replaced(str(convert(text)), SLIPS)

    return draft


def replaced(text: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        text = text.replace(old, new)
    return text


def count(catalog: Catalog) -> int:
    return sum(1 for message in catalog if message.id)


def words(message: Message) -> list[str]:
    return [message.string or ""] if isinstance(message.string, str | None) else [*message.string]


def ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else [*message.id]


def check() -> int:
    """Print everything that is wrong; 1 when something is."""
    template = found()
    wrong = [problem for language in (SOURCE, DRAFTED) for problem in problems(language, template)]
    print("\n".join(wrong) if wrong else f"translations: {count(template)} messages in three languages")
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
