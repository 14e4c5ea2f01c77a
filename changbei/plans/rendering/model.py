"""A document as blocks that every writer (HTML, Word, PDF) can set. Pure values, in one language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """Words set alike. `target` is the anchor of a block of this document that they lead to."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    quiet: bool = False
    target: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` from 1; `number` as printed (3.2.1, 附件 2), "" without one."""

    level: int
    number: str
    text: str
    anchor: str
    listed: bool = True  # in the table of contents
    note: str = ""  # quiet words after the text: the id of the clause


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: Runs
    style: str = (
        ""  # "", "lead", "note", "label", "warning", "center", "with-next" (never alone at a page's end)
    )


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered or not."""

    items: tuple[Runs, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """`lines` stand below each other."""

    lines: tuple[Runs, ...]
    anchor: str = ""
    head: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `widths` are shares of the width of the page; `head` may be empty."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...]
    caption: str = ""
    boxed: bool = False  # lines on all sides, as forms and signatures need them


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption; `words` say the same, part by part, for those who cannot see it.

    `svg` is self-contained, `width` and `height` its size in CSS pixels.
    """

    svg: str
    width: float
    height: float
    caption: str
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class PageBreak:
    pass


Block = Heading | Paragraph | Items | Grid | Figure | PageBreak


@dataclass(frozen=True, slots=True)
class Cover:
    """The first page. `facts` are label and value."""

    issuer: str
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    stamp: str = ""  # "Draft, not in effect"


@dataclass(frozen=True, slots=True)
class Document:
    """`before` stands between the cover and the table of contents: approval, revisions."""

    language: str
    cover: Cover
    contents_title: str
    before: tuple[Block, ...]
    body: tuple[Block, ...]
    small: bool = False  # a pocket handbook: A6, no approval, a short table of contents
    footer: str = ""
    digest: str = ""
    made_on: str = ""  # ISO date; also the date in the file's properties

    def headings(self) -> Iterator[Heading]:
        """The headings of the body that the table of contents lists, in order."""
        for block in self.body:
            if isinstance(block, Heading) and block.listed:
                yield block


def plain(text: str, *, quiet: bool = False) -> Runs:
    """One run of words; "" gives none."""
    return (Run(text, quiet=quiet),) if text else ()


def cell(*lines: str | Runs, anchor: str = "", head: bool = False) -> Cell:
    """A cell of lines; empty ones are left out."""
    runs = tuple(plain(line) if isinstance(line, str) else line for line in lines)
    return Cell(tuple(line for line in runs if line), anchor, head)


def words_of(runs: Runs) -> str:
    return "".join(run.text for run in runs)
