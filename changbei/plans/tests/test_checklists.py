"""checklists/*.yaml: what is looked at, which answers are findings, and what a finding begins."""

from __future__ import annotations

from datetime import datetime

import pytest

from changbei.core.clock import LOCAL
from changbei.core.errors import Invalid
from changbei.plans import document
from changbei.plans.comparing import compare
from changbei.plans.coverage import coverage
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.loading.shapes import schema
from changbei.plans.model import Checklist
from changbei.plans.rendering import html
from changbei.plans.rendering.annex import Annex
from changbei.plans.rendering.official import document as official
from changbei.plans.tests import packs
from changbei.plans.tests.packs import TITLE, stage
from changbei.testing.city import SHIPPED

STEP = f"id: mend, clause: E1.1, task: {{title: {TITLE}}}, role: head, within: 1d, overdue: [dispatcher]"
FORM = f"""\
form:
  type: object
  required: [retailer, kind, what]
  properties:
    retailer: {{type: string, x-widget: retailer, title: {TITLE}}}
    kind: {{type: string, title: {TITLE}}}
    what: {{type: string, title: {TITLE}}}
"""
MATTER = f"""\
id: shop-finding
title: {TITLE}
family: service
clauses: [E1.1]
{FORM}stages:
  - id: mend
    title: {TITLE}
    steps:
      - {{{STEP}}}
"""
LIST = f"""\
id: shop-visit
title: {TITLE}
clause: E1.1
kind: visit
items:
  - id: minors-sign
    label: {TITLE}
    answer: yes_no
    finding: {{is: ["no"]}}
    begins: {{procedure: shop-finding, report: {{kind: minors}}}}
    duty: no-sale-to-minors
  - id: weeks-of-stock
    label: {TITLE}
    answer: number
    unit: {{zh-Hans: 周, zh-Hant: 週, en: weeks}}
    finding: {{below: 1, above: 6}}
  - id: ordering
    label: {TITLE}
    answer: choice
    options: [{{id: fits, title: {TITLE}}}, {{id: too-much, title: {TITLE}}}]
    finding: {{is: [too-much]}}
  - {{id: words, label: {TITLE}, answer: text}}
"""


def files(checklist: str = LIST, matter: str = MATTER) -> dict[str, str]:
    return {
        **packs.files(stage("go", STEP.replace("mend", "fit"))),
        "procedures/shop-finding.yaml": matter,
        "checklists/shop-visit.yaml": checklist,
    }


def loaded() -> Checklist:
    return load_pack(files(), check_actions=False).checklists["shop-visit"]


def test_a_checklist_says_which_answers_are_findings() -> None:
    items = loaded().items
    assert [name for name, one in items.items() if one.required] == [
        "minors-sign",
        "weeks-of-stock",
        "ordering",
    ]
    found = {
        "minors-sign": [False, True],
        "weeks-of-stock": [0.5, 1],
        "ordering": ["too-much", "fits"],
    }
    for name, (wrong, right) in found.items():
        assert items[name].is_finding(wrong), name
        assert not items[name].is_finding(right), name
        assert not items[name].is_finding(None), name
    assert items["weeks-of-stock"].is_finding(6.5)
    begins = items["minors-sign"].begins
    assert begins is not None
    assert (begins.procedure, begins.customer, dict(begins.report)) == (
        "shop-finding",
        "retailer",
        {"kind": "minors"},
    )


def test_a_checklist_is_filled_in_like_any_form() -> None:
    form = loaded().form
    assert form["required"] == ["minors_sign", "weeks_of_stock", "ordering"]
    assert form["properties"]["weeks_of_stock"]["title"]["en"].endswith("(weeks)")
    assert [one["const"] for one in form["properties"]["ordering"]["oneOf"]] == ["fits", "too-much"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    duty: no-sale-to-minors\n", "", "the duty not to sell to minors is missing"),
        ('is: ["no"]', 'is: ["yes"]', "a duty is answered yes or no"),
        ("id: ordering", "id: weeks-of-stock", "the id 'weeks-of-stock' is already used"),
        ("id: words", "id: note", "an item cannot be called note, place"),
        ("clause: E1.1\nkind", "clause: E9\nkind", "there is no file clauses/E9.md"),
        ("id: ordering\n", "id: ordering\n    clause: E8\n", "there is no file clauses/E8.md"),
        ("procedure: shop-finding", "procedure: flood", "unknown procedure 'flood'"),
        ("procedure: shop-finding", "procedure: breakdown", "breakdown is no everyday matter"),
        (", report: {kind: minors}", "", "the form of shop-finding needs 'kind'"),
        ("{kind: minors}", "{kind: minors, kin: x}", "no such field; there are: kind, retailer, what"),
        ("is: [too-much]", "is: [too-many]", "no such answer; there are: fits, too-much"),
        ("{below: 1, above: 6}", "{is: [few]}", "of a number, below or above says it"),
        ("is: [too-much]", "below: 2", "below and above are of numbers"),
        ("answer: text", "answer: text, finding: {is: [x]}", "the answer text is no finding"),
        ("answer: text", "answer: number", "is missing: the answer number needs it"),
        ("answer: text", "answer: txt", "'txt' is not allowed"),
        ("kind: visit", "kind: stroll", "'stroll' is not allowed; allowed: visit"),
    ],
)
def test_a_wrong_checklist_is_refused_with_file_and_line(old: str, new: str, said: str) -> None:
    changed = LIST.replace(old, new, 1)
    assert changed != LIST
    with pytest.raises(Invalid) as caught:
        load_pack(files(changed), check_actions=False)
    (problem,) = [one for one in caught.value.problems if said in str(one)]
    assert problem.file == "checklists/shop-visit.yaml"
    assert problem.line > 1 or "E9" in said


def test_a_matter_that_a_finding_cannot_fill_is_refused() -> None:
    without = MATTER.replace(f"    what: {{type: string, title: {TITLE}}}\n", "").replace(", what]", "]")
    with pytest.raises(Invalid, match="has no customer, or no field 'what' for words"):
        load_pack(files(matter=without), check_actions=False)


def test_a_checklist_fulfils_clauses_and_changes_the_digest() -> None:
    pack = load_pack(files(), check_actions=False)
    refs = [one.ref for one in document.fulfilled_by(pack)["E1.1"]]
    assert "checklist:shop-visit" in refs
    assert "checklist:shop-visit" in coverage(pack, {}).clauses[0].fulfilled_by
    assert load_pack(files(LIST + "\n"), check_actions=False).digest != pack.digest
    named = files() | {
        "clauses/E1.1.md": packs.CLAUSE.replace("[procedure:breakdown]", "[checklist:shop-walk]")
    }
    with pytest.raises(Invalid, match="there is no checklist 'shop-walk'; there are: shop-visit"):
        load_pack(named, check_actions=False)


def test_what_changed_in_a_checklist_is_told_item_by_item() -> None:
    before = load_pack(files(), check_actions=False)
    after = load_pack(files(LIST.replace("above: 6", "above: 8")), check_actions=False)
    (change,) = [one for one in compare(before, after).changes if one.part == "item"]
    assert (change.subject, change.aspect) == ("shop-visit/weeks-of-stock", "finding")
    assert (change.before, change.after) == ("below 1, above 6", "below 1, above 8")


def test_the_shipped_one_is_printed_with_boxes_and_findings() -> None:
    pack = load_pack(read_folder(SHIPPED.parent / "customer-service"), check_actions=False)
    page = html.page(official(pack, "zh-Hans", Annex(made_at=datetime(2026, 11, 23, tzinfo=LOCAL))))
    assert "零售客户走访检查表" in page
    assert "□ 是   □ 否" in page
    assert "少于 1 周" in page
    assert "发起走访问题整改" in page


def test_its_schema_is_published() -> None:
    assert schema("checklist")["properties"]["items"]["items"]["required"] == ["id", "label", "answer"]
