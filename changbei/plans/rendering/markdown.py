"""The Markdown of clauses as blocks: paragraphs, lists, tables; bold, italic and code within them."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token

from changbei.plans.document import markdown_it
from changbei.plans.rendering.model import Block, Cell, Grid, Items, Paragraph, Run, Runs


def blocks(markdown: str) -> tuple[Block, ...]:
    """Headings inside a clause become bold paragraphs: the document numbers its own."""
    found: list[Block] = []
    tokens = markdown_it.parse(markdown)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = _closing(tokens, at)
        inside = tokens[at + 1 : end]
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                found.append(Items(_items(inside), token.type == "ordered_list_open"))
            case "table_open":
                found.append(_table(inside))
            case "heading_open":
                found.append(Paragraph(tuple(_bold(run) for run in _runs_of(inside))))
            case "blockquote_open":
                found += blocks_of_tokens(inside)
            case "fence" | "code_block":
                found.append(Paragraph((Run(token.content.rstrip("\n"), code=True),)))
            case "paragraph_open":
                found.append(Paragraph(_runs_of(inside)))
        at = end + 1
    return tuple(found)


def blocks_of_tokens(tokens: Sequence[Token]) -> list[Block]:
    """The paragraphs among some tokens."""
    return [Paragraph(_runs(token)) for token in tokens if token.type == "inline"]


def _closing(tokens: Sequence[Token], at: int) -> int:
    """Where the block that opens at `at` closes; a token without a partner closes itself."""
    if tokens[at].nesting != 1:
        return at
    depth = 0
    for n in range(at, len(tokens)):
        depth += tokens[n].nesting
        if depth == 0:
            return n
    return len(tokens) - 1


def _items(tokens: Sequence[Token]) -> tuple[Runs, ...]:
    """Each entry as one line; nested lists follow theirs, marked by a dash."""
    found: list[Runs] = []
    for token in tokens:
        if token.type == "inline":
            nested = token.level > 3
            found.append((Run("– "), *_runs(token)) if nested else _runs(token))
    return tuple(found)


def _table(tokens: Sequence[Token]) -> Grid:
    head: list[str] = []
    rows: list[list[Cell]] = []
    in_head = False
    for token in tokens:
        match token.type:
            case "thead_open":
                in_head = True
            case "thead_close":
                in_head = False
            case "tr_open" if not in_head:
                rows.append([])
            case "inline" if in_head:
                head.append(token.content)
            case "inline":
                rows[-1].append(Cell((_runs(token),)))
    return Grid(tuple(head), tuple(tuple(row) for row in rows), (1,) * max(1, len(head)))


def _runs_of(tokens: Sequence[Token]) -> Runs:
    return tuple(run for token in tokens if token.type == "inline" for run in _runs(token))


def _runs(token: Token) -> Runs:
    found: list[Run] = []
    bold = italic = False
    for child in token.children or ():
        match child.type:
            case "strong_open" | "strong_close":
                bold = child.type == "strong_open"
            case "em_open" | "em_close":
                italic = child.type == "em_open"
            case "softbreak":
                found.append(Run(_soft(found)))
            case "hardbreak":
                found.append(Run("\n"))
            case "code_inline":
                found.append(Run(child.content, code=True))
            case _ if child.content:
                found.append(Run(child.content, bold=bold, italic=italic))
    return tuple(run for run in found if run.text)


def _soft(before: Sequence[Run]) -> str:
    """A line end inside a paragraph: a space between Latin words, nothing between Chinese ones."""
    last = before[-1].text[-1:] if before else ""
    return " " if last.isascii() and last else ""


def _bold(run: Run) -> Run:
    return Run(run.text, True, run.italic, run.code)
