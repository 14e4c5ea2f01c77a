"""The official document and the handbook: the order of GB/T 29639-2020, the same words in HTML, Word and PDF."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from pathlib import Path

import docx
import pytest
from django.conf import settings
from lxml import html as lxml_html
from pypdf import PdfReader

from changbei.core.errors import Invalid, NotFound, Outside
from changbei.plans.rendering import files, handbook, html, official, pdf, word
from changbei.plans.rendering.annex import (
    Annex,
    Contacts,
    OutsideContact,
    Revision,
    Signed,
    SiteVehicles,
    StaffContact,
)
from changbei.plans.rendering.model import Document, Figure, Grid, Heading, Items, words_of
from changbei.plans.tests import drawing_pack, packs

FONTS = Path(settings.FONTS)
MADE = datetime(2026, 6, 1, tzinfo=UTC)
built = pytest.mark.skipif(not (FONTS / pdf.FONT_FILES[0]).is_file(), reason="the front end is not built")
CONTACTS = Contacts(
    (
        StaffContact("head", 1, "测试甲", "办公室", "13900000001", ""),
        StaffContact("head", 2, "测试乙", "办公室", "13900000002", ""),
    ),
    (OutsideContact("示例运营商", "测试丙", "13900000003", "c@example.invalid", "line", date(2026, 1, 1)),),
)
FULL = Annex(
    effective_on=date(2026, 1, 1),
    signed=(Signed("测试甲", "组长", datetime(2025, 12, 30, 9, 30, tzinfo=UTC), "同意"),),
    revisions=(
        Revision("1", date(2026, 1, 1), datetime(2025, 12, 28, tzinfo=UTC), "测试甲 (0001)", "ab" * 32, True),
    ),
    contacts=CONTACTS,
    vehicles=(SiteVehicles("中心站", 20, 2, 18000),),
    figures={"在职人员": 220},
    actions={"delivery.recover": "重排送货"},
    made_at=MADE,
)


def _document(language: str = "zh-Hans", annex: Annex = FULL) -> Document:
    return official.document(drawing_pack.pack(), language, annex)


def _headings(document: Document) -> list[str]:
    return [f"{one.number} {one.text}".strip() for one in document.headings()]


ORDER = [
    "1 总则", "1.1 适用范围", "1.1.1 故障", "1.2 响应分级", "1.2.1 条款E1.1b",
    "2 应急组织机构及职责", "2.1 条款E2",
    "3 应急响应", "3.1 信息报告", "3.2 预警", "3.3 响应启动", "3.4 应急处置", "3.4.1 条款E3",
    "3.5 应急支援", "3.6 响应终止",
    "4 后期处置",
    "5 应急保障", "5.1 通信与信息保障", "5.2 应急队伍保障", "5.3 物资装备保障", "5.4 其他保障",
    "6 附则", "6.1 条款E5",
    "附件", "附件 1 本单位概况", "附件 2 风险评估的结果", "附件 3 应急物资装备的名录或清单",
    "附件 4 有关应急部门、机构或人员的联系方式", "附件 5 格式化文本", "附件 6 应急处置程序图", "车坏",
    "附件 7 决策表 · 参数", "附件 8 关联预案与条款对照",
]  # fmt: skip


def test_chapters_follow_the_standard_and_every_clause_has_one_place() -> None:
    """plan.yaml puts E1 and E1.1b by the longest match, E2 says its section itself, E3 says none: handling."""
    assert _headings(_document()) == ORDER


def test_without_clauses_for_it_there_is_no_supplementary_chapter() -> None:
    found = official.document(packs.pack(packs.stage("go", f"id: a, {packs.TASK}")), "en", Annex())
    chapters = [one.text for one in found.headings() if one.level == 1]
    assert chapters == [
        "General", "Emergency organisation and duties", "Emergency response", "Aftermath", "Resources", "Appendices",
    ]  # fmt: skip


def test_a_section_that_does_not_exist_is_a_mistake_of_the_file() -> None:
    with pytest.raises(Invalid) as raised:
        packs.load_pack(
            packs.files(packs.stage("go", f"id: a, {packs.TASK}"))
            | {"clauses/E2.md": drawing_pack.clause("E2", "x", section="nowhere")},
            check_actions=False,
        )
    assert [(p.file, p.line) for p in raised.value.problems] == [("clauses/E2.md", 4)]


def _grid_under(document: Document, anchor: str) -> Grid:
    """The first table below a heading."""
    at = next(n for n, one in enumerate(document.body) if isinstance(one, Heading) and one.anchor == anchor)
    return next(one for one in document.body[at:] if isinstance(one, Grid))


def _rows(grid: Grid) -> list[list[str]]:
    return [[" / ".join(words_of(line) for line in cell.lines) for cell in row] for row in grid.rows]


def test_steps_stand_under_their_clause_with_role_limit_and_escalation() -> None:
    rows = _rows(_grid_under(_document(), "clause-E1.1"))
    assert [row[0].partition("  ")[0] for row in rows] == [
        "查看现场",
        "重排送货",
        "是否停送",
        "通知",
        "后备电源",
        "90 分钟",
        "批准",
        "归档",
    ]
    assert rows[0] == [
        "查看现场  任务 · 车坏 / 先看后动 / 留证：照片",
        "送货员",
        "接收 3 分钟 / 完成 15 分钟",
        "调度 → 主任 → 指挥 / 每隔 5 分钟",
    ]
    assert rows[1] == ["重排送货  系统执行 · 车坏 / 失败时人工：人工重排 (主任)", "系统执行", "", ""]
    assert rows[2][0] == "是否停送  决定 · 车坏 / 选项：停 / 不停 / 仅当：“伤”：是"
    assert rows[3][1] == "发给 主任、送货员"
    assert rows[4][0] == "后备电源  倒计时 · 车坏 / 直到：“车” / 节点：结束前 30 分钟"
    assert rows[7][2] == "完成 1 个工作日"


def test_phone_numbers_are_left_out_unless_asked_for() -> None:
    without = html.page(_document(annex=Annex(effective_on=date(2026, 1, 1))))
    assert "联系方式属个人信息，本份未附" in without and "13900000001" not in without
    rows = _rows(_grid_under(_document(), "appendix-contacts"))
    assert rows == [
        ["主任", "负责人", "测试甲", "办公室", "13900000001"],
        ["", "第1代理", "测试乙", "办公室", "13900000002"],
    ]


def test_a_folder_is_a_draft_and_an_unsigned_plan_leaves_room_for_names() -> None:
    draft = _document(annex=Annex())
    assert draft.cover.stamp == "草案，未施行"
    assert _document().cover.stamp == ""
    words = [words_of(one.runs) for one in draft.before if hasattr(one, "runs")]
    assert words == ["本预案经领导小组审议，自施行日期起执行。", "本版本尚无签署记录。", "没有登记。"]
    signed = next(one for one in _document().before if isinstance(one, Grid))
    assert _rows(signed) == [["测试甲", "组长", "2025-12-30 09:30", "同意"]]


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_the_page_is_whole_numbered_and_every_link_has_a_target(language: str) -> None:
    page = html.page(_document(language))
    root = lxml_html.fromstring(page)
    assert root.get("lang") == language
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    body = [one.text_content() for one in root.iter("h2", "h3", "h4")]
    if language == "zh-Hans":
        shown = [re.sub(r"\s+E\d\S*$", "", one) for one in body]
        assert [one for one in shown if one in ORDER] == ORDER
    targets = {one.get("id") for one in root.iter() if one.get("id")}
    links = [one.get("href", "") for one in root.iter("a")]
    assert len(links) > 40
    assert [link for link in links if not link.startswith("#") or link[1:] not in targets] == []
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert sorted(ids) == sorted(set(ids))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}svg", "svg"))) == 2  # the chart and the procedure


def test_markdown_of_clauses_becomes_blocks_and_html_in_it_stays_text() -> None:
    files_ = packs.files(drawing_pack.STAGES, plan=drawing_pack.PLAN)
    files_["clauses/E2.md"] = drawing_pack.clause("E2", "<b>粗</b> **组长** `a<b`\n\n1. 一\n2. 二")
    page = html.page(official.document(packs.load_pack(files_, check_actions=False), "zh-Hans", Annex()))
    assert "&lt;b&gt;粗&lt;/b&gt; <strong>组长</strong> <code>a&lt;b</code>" in page
    assert "<ol><li>一</li><li>二</li></ol>" in page


@built
def test_word_opens_with_the_headings_tables_pictures_and_chinese_fonts() -> None:
    document = _document()
    file = docx.Document(io.BytesIO(word.docx_file(document, FONTS)))
    heads = [
        re.sub(r"\s+E\d\S*$", "", one.text).replace("  ", " ")
        for one in file.paragraphs
        if one.style is not None and str(one.style.name).startswith("Heading")
    ]
    assert heads == ORDER
    assert len(file.tables) == 1 + sum(isinstance(one, Grid) for one in (*document.before, *document.body))
    assert len(file.inline_shapes) == sum(isinstance(one, Figure) for one in document.body) == 2
    described = [one._inline.docPr.get("descr") for one in file.inline_shapes]
    assert described[1].startswith("车坏. 处置 (立即): 任务：查看现场 · 送货员 · 15 分钟 · E1.1")
    assert file.core_properties.title == "预案"
    normal = file.styles["Normal"].element.rPr.rFonts
    assert normal.get("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}eastAsia") == "SimSun"
    fonts = next(
        p for p in file.part.package.iter_parts() if str(p.partname) == "/word/fontTable.xml"
    ).blob.decode()
    assert '<w:font w:name="SimSun"><w:altName w:val="Noto Sans CJK SC"/>' in fonts
    contents = [
        one.text for one in file.paragraphs if one.style is not None and str(one.style.name) == "TOC 1"
    ]
    assert contents[:2] == ["1  总则\t", "2  应急组织机构及职责\t"]


@built
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-Hans", "应急组织机构及职责"),
        ("zh-Hant", "應急組織機構及職責"),
        ("en", "Emergency organisation and duties"),
    ],
)
def test_pdf_holds_the_words_and_only_fonts_at_hand(language: str, words: str) -> None:
    reader = PdfReader(io.BytesIO(pdf.pdf(_document(language), FONTS)))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert words in text
    assert "2026-01-01" in reader.pages[0].extract_text()
    used = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert used == {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    titles = [one.title for one in _outline(reader.outline)]
    assert len(titles) == len(ORDER)


def _outline(entries: list[object]) -> list[object]:
    return [leaf for one in entries for leaf in (_outline(one) if isinstance(one, list) else [one])]


@built
def test_the_same_plan_gives_the_same_bytes() -> None:
    assert pdf.pdf(_document(), FONTS) == pdf.pdf(_document(), FONTS)
    assert html.page(_document()) == html.page(_document())


def test_missing_fonts_are_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        Outside, match=r"NotoSansSC-Regular\.ttf and no NotoSansSC-Bold\.ttf: run `make setup`"
    ):
        pdf.pdf(_document(), tmp_path)


# --- handbook


def _lines(document: Document) -> list[str]:
    found = []
    for block in document.body:
        if isinstance(block, Heading):
            found.append(block.text)
        if isinstance(block, Items):
            found += [words_of(item) for item in block.items]
        if hasattr(block, "runs"):
            found.append(words_of(block.runs))
    return found


def test_a_handbook_says_what_one_role_does_by_when_and_who_is_told() -> None:
    pack = drawing_pack.pack()
    found = handbook.handbook(pack, handbook.roles_for(pack, "driver"), "zh-Hans", FULL)
    assert found.small and found.cover.subtitle == "送货员"
    assert _lines(found) == [
        "送货员",
        "遇到以下情形，我要做什么",
        "车坏",
        "□ 查看现场\n3 分钟内接收、15 分钟内完成 · E1.1\n先看后动\n留证：照片\n逾期依次告知：调度 → 主任 → 指挥",
        "联系谁",
    ]
    calls = next(one for one in found.body if isinstance(one, Grid))
    assert _rows(calls) == [["调度", "", " "], ["主任", "测试甲", "13900000001"], ["指挥", "", " "]]


def test_a_handbook_is_found_by_role_or_post_and_all_hold_everybody() -> None:
    pack = drawing_pack.pack()
    assert [role.id for role in handbook.roles_for(pack, "dispatcher")] == ["dispatcher"]
    assert [role.id for role in handbook.roles_for(pack, "all")] == [
        "driver",
        "dispatcher",
        "head",
        "commander",
    ]
    with pytest.raises(
        NotFound, match="no role or post 'nobody'; there are: driver, dispatcher, head, commander"
    ):
        handbook.roles_for(pack, "nobody")
    head = _lines(handbook.handbook(pack, handbook.roles_for(pack, "head"), "en", FULL))
    assert "I am told when these are late: Look" in head
    assert "Messages I receive: Notice" in head


@built
def test_a_handbook_is_printed_on_a6() -> None:
    pack = drawing_pack.pack()
    made = handbook.handbook(pack, handbook.roles_for(pack, "driver"), "zh-Hans", FULL)
    reader = PdfReader(io.BytesIO(files.written(made, "pdf", FONTS)))
    box = reader.pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (298, 420)
    assert files.named("p", "1", "en", "pdf", "driver") == "p-1-handbook-driver-en.pdf"
