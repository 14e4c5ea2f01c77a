"""A document as HTML: a whole page that needs nothing else, or its body for a page of the product. No script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib import resources

from changbei.plans.rendering.anchors import anchors
from changbei.plans.rendering.model import (
    Block,
    Cell,
    Cover,
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


def page(document: Document) -> str:
    """A complete HTML page; styles are inside, nothing is fetched."""
    sheets = resources.files("changbei.plans.rendering")
    style = "".join(sheets.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "paper.css"))
    title = escape(document.cover.title)
    small = " cb-paper-small" if document.small else ""
    return (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>\n{style}</style>\n</head>\n"
        f'<body><main class="cb-paper{small}">\n{cover(document.cover)}{body(document)}</main></body>\n</html>\n'
    )


def body(document: Document) -> str:
    """What stands between `<main>` and its end, without the cover."""
    known = frozenset(anchors(document))
    return "\n".join(
        [
            *(_block(block, known) for block in document.before),
            contents(document),
            *(_block(block, known) for block in document.body),
        ]
    )


def contents(document: Document) -> str:
    """The table of contents as a nested list of links."""
    lines = "".join(
        f'<li data-level="{one.level}"><a href="#{escape(one.anchor)}"><span class="cb-paper-number">'
        f"{escape(one.number)}</span> {escape(one.text)}</a></li>"
        for one in document.headings()
    )
    if not lines:
        return ""
    title = escape(document.contents_title)
    return f'<nav class="cb-paper-contents" aria-label="{title}"><h2>{title}</h2><ol>{lines}</ol></nav>'


def cover(one: Cover) -> str:
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in one.facts)
    stamp = f'<p class="cb-paper-stamp">{escape(one.stamp)}</p>' if one.stamp else ""
    return (
        f'<header class="cb-paper-cover"><p class="cb-paper-issuer">{escape(one.issuer)}</p>'
        f'<h1>{escape(one.title)}</h1><p class="cb-paper-subtitle">{escape(one.subtitle)}</p>{stamp}'
        f"<dl>{facts}</dl></header>\n"
    )


def _block(block: Block, known: frozenset[str]) -> str:
    match block:
        case Heading():
            return _heading(block)
        case Paragraph():
            style = f' class="cb-paper-{block.style}"' if block.style else ""
            return f"<p{style}>{_runs(block.runs, known)}</p>"
        case Items():
            tag = "ol" if block.ordered else "ul"
            return f"<{tag}>{''.join(f'<li>{_runs(item, known)}</li>' for item in block.items)}</{tag}>"
        case Grid():
            return _grid(block, known)
        case Figure():
            return _figure(block)
        case PageBreak():
            return '<hr class="cb-paper-break">'


def _heading(one: Heading) -> str:
    """The document's title is h1, so chapters are h2."""
    level = min(6, one.level + 1)
    number = f'<span class="cb-paper-number">{escape(one.number)}</span> ' if one.number else ""
    note = f' <small class="cb-paper-clause">{escape(one.note)}</small>' if one.note else ""
    return f'<h{level} id="{escape(one.anchor)}">{number}{escape(one.text)}{note}</h{level}>'


def _runs(runs: Runs, known: frozenset[str]) -> str:
    return "".join(_run(run, known) for run in runs)


def _run(run: Run, known: frozenset[str]) -> str:
    words = escape(run.text).replace("\n", "<br>")
    if run.code:
        words = f"<code>{words}</code>"
    if run.bold:
        words = f"<strong>{words}</strong>"
    if run.italic:
        words = f"<em>{words}</em>"
    if run.quiet:
        words = f'<span class="cb-paper-quiet">{words}</span>'
    if run.target in known:
        words = f'<a href="#{escape(run.target)}">{words}</a>'
    return words


def _grid(grid: Grid, known: frozenset[str]) -> str:
    caption = f"<caption>{escape(grid.caption)}</caption>" if grid.caption else ""
    head = ""
    if any(grid.head):
        names = "".join(f'<th scope="col">{escape(one)}</th>' if one else "<td></td>" for one in grid.head)
        head = f"<thead><tr>{names}</tr></thead>"
    shares = _shares(grid.widths)
    columns = "".join(f'<col class="cb-w{share}">' for share in shares)
    rows = "".join(f"<tr>{''.join(_cells(row, known, grid.head))}</tr>" for row in grid.rows)
    style = "cb-paper-grid cb-paper-boxed" if grid.boxed else "cb-paper-grid"
    table = (
        f'<table class="{style}">{caption}<colgroup>{columns}</colgroup>{head}<tbody>{rows}</tbody></table>'
    )
    return f'<div class="cb-paper-table">{table}</div>'


def _shares(widths: Iterable[int]) -> list[int]:
    """Percentages in steps of 5, for which the style sheet has classes."""
    total = sum(widths)
    return [max(5, round(20 * width / total) * 5) for width in widths]


def _cells(row: tuple[Cell, ...], known: frozenset[str], head: tuple[str, ...]) -> Iterator[str]:
    for n, cell in enumerate(row):
        ident = f' id="{escape(cell.anchor)}"' if cell.anchor else ""
        label = f' data-label="{escape(head[n])}"' if n < len(head) and head[n] else ""
        lines = "".join(f"<p>{_runs(line, known)}</p>" for line in cell.lines)
        yield f"<td{ident}{label}>{lines}</td>"


def _figure(one: Figure) -> str:
    words = "".join(
        f"<li>{escape(head)}<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></li>"
        for head, lines in one.words
    )
    text = (
        f'<details class="cb-paper-words"><summary>{escape(one.caption)}</summary><ol>{words}</ol></details>'
    )
    return (
        f'<figure class="cb-paper-figure"><div class="cb-paper-drawing">{one.svg}</div>'
        f"<figcaption>{text if words else escape(one.caption)}</figcaption></figure>"
    )
