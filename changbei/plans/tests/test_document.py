from __future__ import annotations

from changbei.plans import document
from changbei.plans.loading import load_pack
from changbei.plans.model import clause_order
from changbei.plans.tests import packs


def test_clauses_in_the_order_people_count() -> None:
    ids = ["E3.2.10", "E3.2.9", "E2.1a", "E2.1", "E10", "E3.2", "E2.1c", "E2.1b"]
    assert sorted(ids, key=clause_order) == [
        "E2.1",
        "E2.1a",
        "E2.1b",
        "E2.1c",
        "E3.2",
        "E3.2.9",
        "E3.2.10",
        "E10",
    ]


def clause(name: str, body: str = "x", fulfilled_by: str = "[]") -> str:
    title = f"{{zh-Hans: 甲, zh-Hant: 甲, en: Title {name}}}"
    head = f"---\nid: {name}\ntitle: {title}\nfulfilled_by: {fulfilled_by}\n---\n"
    return head + "".join(f"## {language}\n\n{body}\n\n" for language in ("zh-Hans", "zh-Hant", "en"))


def test_the_document_and_what_carries_each_clause_out() -> None:
    files = packs.files(packs.stage("go", f"id: a, {packs.TASK}"))
    fulfilled = "[registry:contacts, role:head, 'procedure:breakdown/a']"
    files["clauses/E1.10.md"] = clause("E1.10", "**Now** <b>x</b>", fulfilled)
    files["clauses/E1.2.md"] = clause("E1.2")
    found = document.clauses(load_pack(files), "en")
    assert [(view.id, view.anchor, view.depth, view.title) for view in found] == [
        ("E1.1", "clause-E1.1", 2, "Breakdown"),
        ("E1.2", "clause-E1.2", 2, "Title E1.2"),
        ("E1.10", "clause-E1.10", 2, "Title E1.10"),
    ]
    assert found[2].html == "<p><strong>Now</strong> &lt;b&gt;x&lt;/b&gt;</p>\n"
    assert [(one.ref, one.declared) for one in found[0].fulfilled_by] == [
        ("procedure:breakdown", True),
        ("step:breakdown/a", False),
        ("table:level", False),
        ("setting:most_share", False),
        ("setting:quick", False),
    ]
    assert found[1].fulfilled_by == ()
    assert [(one.ref, one.title["en"]) for one in found[2].fulfilled_by] == [
        ("step:breakdown/a", "Do"),
        ("registry:contacts", "Contacts"),
        ("role:head", "Head"),
    ]
    assert found[0].fulfilled_by[1].place is not None
    assert found[0].fulfilled_by[1].place.line == 16


def test_the_language_is_chosen() -> None:
    pack = packs.pack(packs.stage("go", f"id: a, {packs.TASK}"))
    assert document.clauses(pack, "zh-Hant")[0].html == "<p>立即報告。</p>\n"
    assert document.clauses(pack, "zh-Hans")[0].title == "故障"
