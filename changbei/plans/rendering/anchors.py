"""Which anchors a document has, so that no writer sets a link that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from changbei.plans.rendering.model import Block, Document, Grid, Heading


def anchors(document: Document) -> dict[str, str]:
    """Every anchor of the document → a short name that Word takes for a bookmark, too."""
    found: dict[str, str] = {}
    for block in (*document.before, *document.body):
        for anchor in _of(block):
            found.setdefault(anchor, f"a{len(found) + 1}")
    return found


def _of(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield block.anchor
    if isinstance(block, Grid):
        for row in block.rows:
            for cell in row:
                if cell.anchor:
                    yield cell.anchor
