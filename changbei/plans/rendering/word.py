"""A document as a Word file: real headings, a table of contents, tables with repeated heads, pictures with words."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx
from docx.document import Document as WordFile
from docx.enum.section import WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph as WordParagraph

from changbei.plans.rendering.anchors import anchors
from changbei.plans.rendering.model import (
    Block,
    Cell,
    Document,
    Figure,
    Grid,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    Run,
    Runs,
)
from changbei.plans.rendering.pdf import pictures

# Word's own East Asian fonts, by language, and what stands in for them where they are missing (LibreOffice, phones).
EAST_ASIAN = {
    "zh-Hans": ("SimSun", "SimHei"),
    "zh-Hant": ("PMingLiU", "Microsoft JhengHei"),
    "en": ("SimSun", "SimHei"),
}
STAND_IN = {"zh-Hans": "Noto Sans CJK SC", "zh-Hant": "Noto Sans CJK TC", "en": "Noto Sans CJK SC"}
LATIN = "Arial"
WORD_LANGUAGE = {"zh-Hans": "zh-CN", "zh-Hant": "zh-TW", "en": "zh-CN"}
QUIET, ACCENT, BAD = RGBColor(0x54, 0x64, 0x71), RGBColor(0x0B, 0x6E, 0x78), RGBColor(0x9F, 0x18, 0x10)
PIXEL = 9525  # EMU
NO_DATE = "1980-01-01"  # the first that the file format can hold
Xml = Any  # lxml elements, as python-docx hands them out


def docx_file(document: Document, fonts: Path) -> bytes:
    """`fonts`: the folder of the font files with which pictures are drawn."""
    return _Writer(document, fonts).write()


class _Writer:
    def __init__(self, document: Document, fonts: Path) -> None:
        self.document = document
        self.known = anchors(document)
        self.file: WordFile = docx.Document()
        self.bookmarks = 0
        self.small = document.small
        self.room = Mm(89) if self.small else Mm(170)
        self.height = Mm(112) if self.small else Mm(225)
        figures = [one for one in (*document.before, *document.body) if isinstance(one, Figure)]
        sizes = [(one.svg, self._width_of(one) / PIXEL) for one in figures]
        self.pictures = iter(pictures(sizes, fonts))

    def write(self) -> bytes:
        self._properties()
        self._styles()
        self._page()
        self._cover()
        for block in self.document.before:
            self._block(block)
        if self.document.before:
            self._new_page()
        self._contents()
        for block in self.document.body:
            self._block(block)
        out = io.BytesIO()
        self.file.save(out)
        return out.getvalue()

    # --- the file as a whole

    def _properties(self) -> None:
        cover = self.document.cover
        properties = self.file.core_properties
        properties.title = cover.title
        properties.author = cover.issuer
        properties.language = self.document.language
        properties.comments = self.document.digest
        made = datetime.fromisoformat(self.document.made_on or NO_DATE).replace(tzinfo=UTC)
        properties.created = properties.modified = made
        properties.last_modified_by = ""

    def _styles(self) -> None:
        text, head = EAST_ASIAN[self.document.language]
        normal = self.file.styles["Normal"]
        size = 7.5 if self.small else 10.5
        normal.font.size = Pt(size)
        _fonts(normal.element.get_or_add_rPr(), text, WORD_LANGUAGE[self.document.language])
        normal.paragraph_format.space_after = Pt(size * 0.5)
        normal.paragraph_format.line_spacing = 1.25
        for level, factor in ((1, 1.5), (2, 1.25), (3, 1.1), (4, 1.0)):
            style = self.file.styles[f"Heading {level}"]
            style.font.size = Pt(size * factor)
            style.font.bold = True
            style.font.color.rgb = RGBColor(0x14, 0x21, 0x2B)
            _fonts(style.element.get_or_add_rPr(), head, WORD_LANGUAGE[self.document.language])
            style.paragraph_format.space_before = Pt(size * factor)
            style.paragraph_format.space_after = Pt(size * 0.4)
            style.paragraph_format.keep_with_next = True
        for level in (1, 2, 3):
            style = self.file.styles.add_style(f"TOC {level}", WD_STYLE_TYPE.PARAGRAPH)
            style.base_style = normal
            style.paragraph_format.left_indent = Mm(6 * (level - 1))
            style.paragraph_format.space_after = Pt(1)
            style.paragraph_format.tab_stops.add_tab_stop(self.room, WD_TAB_ALIGNMENT.RIGHT)
            style.font.bold = level == 1
        _font_table(
            self.file, {text: STAND_IN[self.document.language], head: STAND_IN[self.document.language]}
        )

    def _page(self) -> None:
        section = self.file.sections[0]
        section.page_width, section.page_height = (Mm(105), Mm(148)) if self.small else (Mm(210), Mm(297))
        side, ends = (Mm(8), Mm(9)) if self.small else (Mm(20), Mm(20))
        section.left_margin = section.right_margin = side
        section.top_margin = section.bottom_margin = ends
        section.footer_distance = Mm(5) if self.small else Mm(10)
        section.different_first_page_header_footer = True
        footer = section.footer.paragraphs[0]
        footer.add_run(self.document.footer + "   ")
        _field(footer, "PAGE", "1")
        footer.add_run(" / ")
        _field(footer, "NUMPAGES", "1")
        for run in footer.runs:
            run.font.size = Pt(8)
            run.font.color.rgb = QUIET

    def _cover(self) -> None:
        cover = self.document.cover
        unit = 0.4 if self.small else 1.0
        for words, size, before, bold in (
            (cover.issuer, 16, 40, False),
            (cover.title, 28, 130, True),
            (cover.subtitle, 14, 10, False),
            (cover.stamp, 14, 10, True),
        ):
            if words:
                line = self.file.add_paragraph()
                line.alignment = WD_ALIGN_PARAGRAPH.CENTER
                line.paragraph_format.space_before = Pt(before * unit)
                run = line.add_run(words)
                run.font.size = Pt(max(8.0, size * (0.6 if self.small else 1.0)))
                run.bold = bold
                if words == cover.stamp:
                    run.font.color.rgb = BAD
        gap = self.file.add_paragraph()
        gap.paragraph_format.space_before = Pt(150 * unit)
        table = self.file.add_table(rows=0, cols=2)
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        for label, value in cover.facts:
            row = table.add_row()
            _width(row.cells[0], int(self.room * 0.4))
            _width(row.cells[1], int(self.room * 0.6))
            self._runs(row.cells[0].paragraphs[0], (Run(label, quiet=True),))
            self._runs(row.cells[1].paragraphs[0], (Run(value),))
        self.file.add_section(WD_SECTION.NEW_PAGE)
        self.file.sections[-1].different_first_page_header_footer = False

    def _contents(self) -> None:
        """A field that Word and LibreOffice can bring up to date, filled with the headings already."""
        head = self.file.add_paragraph()
        head.paragraph_format.keep_with_next = True
        run = head.add_run(self.document.contents_title)
        run.bold = True
        run.font.size = Pt(11 if self.small else 16)
        listed = list(self.document.headings())
        for n, one in enumerate(listed):
            line = self.file.add_paragraph(style=f"TOC {min(3, one.level)}")
            if n == 0:
                _begin(line, f'TOC \\o "1-{2 if self.small else 3}" \\h \\z \\u', dirty=True)
            link = _link(line, self.known[one.anchor])
            _plain_run(link, f"{one.number}  {one.text}".strip() + "\t")
            _field_in(link, f"PAGEREF {self.known[one.anchor]} \\h", "")
            if n == len(listed) - 1:
                _end(line)
        if not self.small:
            self._new_page()

    # --- blocks

    def _new_page(self) -> None:
        self.file.add_paragraph().add_run().add_break(WD_BREAK.PAGE)

    def _block(self, block: Block) -> None:
        match block:
            case Heading():
                self._heading(block)
            case Paragraph():
                self._paragraph(block)
            case Items():
                for item in block.items:
                    line = self.file.add_paragraph(style="List Number" if block.ordered else "List Bullet")
                    line.paragraph_format.space_after = Pt(1)
                    self._runs(line, item)
            case Grid():
                self._grid(block)
            case Figure():
                self._figure(block)
            case PageBreak():
                self._new_page()

    def _heading(self, one: Heading) -> None:
        if one.listed:
            line = self.file.add_paragraph(style=f"Heading {min(4, one.level)}")
        else:
            line = self.file.add_paragraph()
            line.paragraph_format.keep_with_next = True
            line.paragraph_format.space_before = Pt(8)
        self._bookmark(line, one.anchor)
        run = line.add_run(f"{one.number}  {one.text}" if one.number else one.text)
        if not one.listed:
            run.bold = True
            run.font.size = Pt(
                (11 if self.small else 16) if one.level == 1 else (8.5 if self.small else 11.5)
            )
        if one.note:
            note = line.add_run(f"  {one.note}")
            note.bold = False
            note.font.size = Pt(8)
            note.font.color.rgb = QUIET

    def _paragraph(self, one: Paragraph) -> None:
        line = self.file.add_paragraph()
        if one.style == "center":
            line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if one.style in ("label", "with-next"):
            line.paragraph_format.keep_with_next = True
        self._runs(line, one.runs)
        for run in line.runs:
            if one.style in ("note", "label"):
                run.font.color.rgb = QUIET
            if one.style == "warning":
                run.font.color.rgb = BAD

    def _grid(self, grid: Grid) -> None:
        if not grid.rows:
            return
        if grid.caption:
            caption = self.file.add_paragraph()
            caption.paragraph_format.keep_with_next = True
            caption.add_run(grid.caption).bold = True
        columns = len(grid.widths)
        table = self.file.add_table(rows=0, cols=columns)
        table.autofit = False
        _borders(table._tbl.tblPr, boxed=grid.boxed)
        total = sum(grid.widths)
        widths = [int(self.room * width / total) for width in grid.widths]
        for column, width in zip(table.columns, widths):
            column.width = Emu(width)
        if any(grid.head):
            head = tuple(
                Cell(((Run(words, bold=True, quiet=True),),) if words else ()) for words in grid.head
            )
            row = self._row(table, head, widths)
            row.get_or_add_trPr().append(_element("w:tblHeader"))
            for one in row.tc_lst:
                one.get_or_add_tcPr().append(_element("w:shd", val="clear", color="auto", fill="EEF2F6"))
        for cells in grid.rows:
            self._row(table, cells, widths).get_or_add_trPr().append(_element("w:cantSplit"))
        after = self.file.add_paragraph()
        after.paragraph_format.space_after = Pt(2)

    def _row(self, table: Any, cells: tuple[Cell, ...], widths: list[int]) -> Xml:
        row = table.add_row()
        for place, cell, width in zip(row.cells, cells, widths):
            _width(place, width)
            lines = cell.lines or ((),)
            for n, runs in enumerate(lines):
                line = place.paragraphs[0] if n == 0 else place.add_paragraph()
                line.paragraph_format.space_after = Pt(0)
                line.paragraph_format.line_spacing = 1.1
                if n == 0 and cell.anchor:
                    self._bookmark(line, cell.anchor)
                self._runs(line, runs, size=6.5 if self.small else 8.5)
        return row._tr

    def _width_of(self, one: Figure) -> int:
        """In EMU: as wide as it is drawn, within the page."""
        return min(int(self.room), int(self.height * one.width / one.height), int(one.width * PIXEL))

    def _figure(self, one: Figure) -> None:
        width = self._width_of(one)
        line = self.file.add_paragraph()
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        line.paragraph_format.keep_with_next = True
        drawn = line.add_run().add_picture(io.BytesIO(next(self.pictures)), width=Emu(width))
        words = "; ".join(f"{head}: {', '.join(lines)}" for head, lines in one.words)
        described = drawn._inline.docPr
        described.set("name", one.caption)
        described.set("descr", f"{one.caption}. {words}"[:4000])
        caption = self.file.add_paragraph()
        caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = caption.add_run(one.caption)
        run.font.size = Pt(8)
        run.font.color.rgb = QUIET

    # --- words

    def _runs(self, line: WordParagraph, runs: Runs, size: float = 0.0) -> None:
        for one in runs:
            target = self.known.get(one.target, "")
            made = line.add_run(one.text)
            made.bold = one.bold or None
            made.italic = one.italic or None
            if size or one.code:
                made.font.size = Pt((size or (7.5 if self.small else 10.5)) * (0.85 if one.code else 1.0))
            if one.code or one.quiet:
                made.font.color.rgb = QUIET
            if target:
                made.font.color.rgb = ACCENT
                link = _link(line, target)
                link.append(made._r)

    def _bookmark(self, line: WordParagraph, anchor: str) -> None:
        self.bookmarks += 1
        start = _element("w:bookmarkStart", id=str(self.bookmarks), name=self.known[anchor])
        line._p.append(start)
        line._p.append(_element("w:bookmarkEnd", id=str(self.bookmarks)))


# --- pieces of WordprocessingML that python-docx has no words for


def _element(tag: str, **attributes: str) -> Xml:
    found = OxmlElement(tag)
    for name, value in attributes.items():
        found.set(qn(f"w:{name}"), value)
    return found


def _fonts(properties: Xml, east_asian: str, language: str) -> None:
    """Latin and East Asian font of a style; Word takes the latter for Chinese characters."""
    fonts = properties.get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    for name, font in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", east_asian)):
        fonts.set(qn(f"w:{name}"), font)
    for old in properties.findall(qn("w:lang")):
        properties.remove(old)
    properties.append(_element("w:lang", val="en-GB", eastAsia=language))


def _font_table(file: WordFile, stand_ins: Mapping[str, str]) -> None:
    """Says in the table of fonts what replaces a font that the reader's machine does not have."""
    part = next(
        (one for one in file.part.package.iter_parts() if str(one.partname) == "/word/fontTable.xml"), None
    )
    if part is None:
        return
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/><w:family w:val="auto"/>'
        f'<w:pitch w:val="variable"/></w:font>'
        for name, other in stand_ins.items()
    )
    blob = part.blob.decode("utf-8")
    part._blob = blob.replace("</w:fonts>", fonts + "</w:fonts>").encode("utf-8")


def _borders(properties: Xml, *, boxed: bool) -> None:
    borders = _element("w:tblBorders")
    sides = ("top", "left", "bottom", "right", "insideH", "insideV") if boxed else ("bottom", "insideH")
    colour = "546471" if boxed else "C9D1DA"
    for side in sides:
        borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color=colour))
    properties.append(borders)


def _width(cell: _Cell, width: int) -> None:
    cell.width = Emu(width)


def _link(line: WordParagraph, anchor: str) -> Xml:
    link = _element("w:hyperlink", anchor=anchor, history="1")
    line._p.append(link)
    return link


def _plain_run(parent: Xml, text: str) -> None:
    run = OxmlElement("w:r")
    for n, part in enumerate(text.split("\t")):
        if n:
            run.append(OxmlElement("w:tab"))
        words = OxmlElement("w:t")
        words.text = part
        words.set(qn("xml:space"), "preserve")
        run.append(words)
    parent.append(run)


def _field(line: WordParagraph, code: str, shown: str) -> None:
    _field_in(line._p, code, shown)


def _field_in(parent: Xml, code: str, shown: str) -> None:
    for kind in ("begin", "code", "separate", "shown", "end"):
        run = OxmlElement("w:r")
        if kind == "code":
            words = OxmlElement("w:instrText")
            words.text = f" {code} "
            words.set(qn("xml:space"), "preserve")
            run.append(words)
        elif kind == "shown":
            words = OxmlElement("w:t")
            words.text = shown
            run.append(words)
        else:
            run.append(_element("w:fldChar", fldCharType=kind))
        parent.append(run)


def _begin(line: WordParagraph, code: str, *, dirty: bool) -> None:
    begin = _element("w:fldChar", fldCharType="begin", **({"dirty": "true"} if dirty else {}))
    words = OxmlElement("w:instrText")
    words.text = f" {code} "
    words.set(qn("xml:space"), "preserve")
    for piece in (begin, words, _element("w:fldChar", fldCharType="separate")):
        run = OxmlElement("w:r")
        run.append(piece)
        line._p.append(run)


def _end(line: WordParagraph) -> None:
    run = OxmlElement("w:r")
    run.append(_element("w:fldChar", fldCharType="end"))
    line._p.append(run)
