"""The catalogue tool: what it finds in code and templates, how it merges, drafts and complains."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "translations.py"

CODE = """\
from django.utils.translation import gettext as _, gettext_noop, ngettext, pgettext_lazy

TABLE = {"late": pgettext_lazy("state", "Late")}
REFUSED = gettext_noop("has left")

def words(n, van, name):
    dynamic = _(name)
    return f"{van} · {_('reserve')}" + _("one sentence in "
        "two pieces") + ngettext("%(n)d day", "%(n)d days", n)
"""
PAGE = """\
{% load i18n ui %}
<h1>{% translate "Board" %}</h1>
<p>{% translate "Refused" context "goods" %} {% chip _("It's done") "good" %}</p>
{% blocktranslate count n=stops %}{{ n }} stop{% plural %}{{ n }} stops{% endblocktranslate %}
{% blocktranslate with name=who|title %}Done by {{ name }} (100%){% endblocktranslate %}
{{ names|join:_(", ") }} {# {% translate "not shown" %} #}
"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with a package of one module and one page."""
    spec = importlib.util.spec_from_file_location("translations_tool", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "house")
    pages = tmp_path / "house" / "templates" / "room"
    pages.mkdir(parents=True)
    (tmp_path / "house" / "words.py").write_text(CODE, encoding="utf-8")
    (pages / "page.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "house" / "tests").mkdir()
    (tmp_path / "house" / "tests" / "test_words.py").write_text('_("of a test")', encoding="utf-8")
    return module


def said(catalog: Catalog) -> set[tuple[str | None, str | tuple[str, ...], str, int]]:
    return {(one.context, one.id, *one.locations[0]) for one in catalog if one.id}


def test_every_message_is_found_with_its_place(tool: ModuleType) -> None:
    code, page = "house/words.py", "house/templates/room/page.html"
    assert said(tool.found()) == {
        ("state", "Late", code, 3),
        (None, "has left", code, 4),
        (None, "reserve", code, 8),
        (None, "one sentence in two pieces", code, 8),
        (None, ("%(n)d day", "%(n)d days"), code, 9),
        (None, "Board", page, 2),
        ("goods", "Refused", page, 3),
        (None, "It's done", page, 3),
        (None, ("%(n)s stop", "%(n)s stops"), page, 4),
        (None, "Done by %(name)s (100%%)", page, 5),
        (None, ", ", page, 6),
    }


def test_words_are_kept_drafted_and_written_once(
    tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.update() == 0
    assert capsys.readouterr().out == "translations: 11 messages, 11 without words in zh-Hans\n"
    assert tool.check() == 1
    assert len(capsys.readouterr().out.splitlines()) == 22

    source = tool.kept("zh_Hans")
    for message in source:
        if message.id:
            message.string = ("%(n)s户",) if message.pluralizable else "没有“信息”和烟"
    source.get("Done by %(name)s (100%%)").string = "%(name)s完成"
    source.get("%(n)d day").string = ("%(n)d天",)
    tool.save("zh_Hans", source)
    tool.update()
    drafted = tool.kept("zh_Hant")
    assert drafted.get("Board").string == "沒有「資訊」和菸"
    assert drafted.get("Refused", "goods").string == "沒有「資訊」和菸"
    assert drafted.get("%(n)s stop").string == ("%(n)s戶",)
    assert drafted.get("Done by %(name)s (100%%)").string == "%(name)s完成"

    drafted.get("Board").string = "態勢"
    tool.save("zh_Hant", drafted)
    path = tool.catalogue_path("zh_Hant")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Changbei: the words of the user interface in zh_Hant.")
    assert "FIRST AUTHOR" not in text and "POT-Creation-Date" not in text and "fuzzy" not in text
    written = path.stat().st_mtime_ns
    tool.update()
    assert path.stat().st_mtime_ns == written
    assert tool.kept("zh_Hant").get("Board").string == "態勢"
    capsys.readouterr()
    assert tool.check() == 0
    assert capsys.readouterr().out == "translations: 11 messages in three languages\n"


def test_other_placeholders_and_dropped_messages_are_named(
    tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    tool.update()
    for language in ("zh_Hans", "zh_Hant"):
        catalog = tool.kept(language)
        for message in catalog:
            if message.id:
                message.string = ("%(n)s户",) if message.pluralizable else "词"
        catalog.get("%(n)d day").string = ("%(n)d天",)
        catalog.get("Done by %(name)s (100%%)").string = "%(nane)s完成"
        tool.save(language, catalog)
    (tool.PACKAGE / "words.py").write_text(CODE.replace('"has left"', '"is gone"'), encoding="utf-8")
    capsys.readouterr()
    assert tool.check() == 1
    wrong = capsys.readouterr().out.splitlines()
    page = "house/templates/room/page.html:5"
    assert [line for line in wrong if "zh_Hans" in line] == [
        f"{page}: zh_Hans: other placeholders than in 'Done by %(name)s (100%%)'",
        "house/words.py:4: zh_Hans has no words for 'is gone'; run scripts/translations.py extract",
        "zh_Hans: nobody says 'has left' any more",
    ]
