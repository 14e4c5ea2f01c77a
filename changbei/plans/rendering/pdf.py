"""A document as PDF, set by Typst with font files at hand: no font of the system and no download is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from changbei.core.errors import Outside
from changbei.plans.rendering.anchors import anchors
from changbei.plans.rendering.model import (
    Block,
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

TEMPLATE = Path(__file__).with_name("document.typ")
FONT_FILES = ("NotoSansSC-Regular.ttf", "NotoSansSC-Bold.ttf")
PICTURE_PPI = 160.0
Json = dict[str, Any]


def pdf(document: Document, fonts: Path) -> bytes:
    """`fonts` is a folder with FONT_FILES, which cover simplified and traditional characters."""
    made = datetime.fromisoformat(document.made_on).replace(tzinfo=UTC) if document.made_on else None
    return typeset(TEMPLATE, _data(document), fonts, made)


def typeset(template: Path, data: Mapping[str, Any], fonts: Path, made: datetime | None) -> bytes:
    """The template, which reads `data`, as PDF. Raises Outside when the font files are not there."""
    drawn = typst.compile(
        str(template),
        font_paths=[str(_checked(fonts))],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(made.timestamp()) if made else 0,
    )
    return bytes(drawn)


def pictures(drawings: Sequence[tuple[str, float]], fonts: Path) -> list[bytes]:
    """Drawings (SVG, width in CSS pixels) as PNG for files that take no SVG; all in one go, fonts are read once."""
    if not drawings:
        return []
    data = [{"svg": svg, "width": width * 0.75} for svg, width in drawings]
    source = (
        "#let all = json(bytes(sys.inputs.data))\n"
        "#set page(height: auto, margin: 0pt, fill: white)\n"
        '#for one in all { page(width: one.width * 1pt, image(bytes(one.svg), format: "svg", width: 100%)) }\n'
    )
    compiled: Any = typst.compile  # its types want the source and the folders alike
    drawn: bytes | list[bytes] = compiled(
        source.encode(),
        format="png",
        ppi=PICTURE_PPI,
        font_paths=[str(_checked(fonts))],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    return [drawn] if isinstance(drawn, bytes) else list(drawn)


def _checked(fonts: Path) -> Path:
    """The folder, when the font files are in it; Outside when not."""
    missing = [name for name in FONT_FILES if not (fonts / name).is_file()]
    if missing:
        raise Outside(
            f"{fonts} has no {' and no '.join(missing)}: run `make setup`, or name the folder in CHANGBEI_FONTS",
            permanent=True,
        )
    return fonts


def _data(document: Document) -> Json:
    known = anchors(document)
    one = document.cover
    return {
        "lang": document.language.split("-")[0],
        "region": {"zh-Hans": "cn", "zh-Hant": "tw"}.get(document.language),
        "small": document.small,
        "footer": document.footer,
        "contents": document.contents_title,
        "cover": {
            "issuer": one.issuer,
            "title": one.title,
            "subtitle": one.subtitle,
            "stamp": one.stamp,
            "facts": [list(pair) for pair in one.facts],
        },
        "before": [_block(block, known) for block in document.before],
        "body": [_block(block, known) for block in document.body],
    }


def _block(block: Block, known: Mapping[str, str]) -> Json:
    match block:
        case Heading():
            return {
                "t": "heading",
                "level": block.level,
                "number": block.number,
                "text": block.text,
                "note": block.note,
                "listed": block.listed,
                "id": known[block.anchor],
            }
        case Paragraph():
            return {"t": "paragraph", "style": block.style, "runs": _runs(block.runs, known)}
        case Items():
            items = [_runs(item, known) for item in block.items]
            return {"t": "items", "ordered": block.ordered, "items": items}
        case Grid():
            return _grid(block, known)
        case Figure():
            return {
                "t": "figure",
                "svg": block.svg,
                "width": block.width,
                "height": block.height,
                "caption": block.caption,
                "alt": "; ".join(f"{head}: {', '.join(lines)}" for head, lines in block.words),
            }
        case PageBreak():
            return {"t": "break"}


def _grid(grid: Grid, known: Mapping[str, str]) -> Json:
    return {
        "t": "grid",
        "head": list(grid.head) if any(grid.head) else [],
        "widths": list(grid.widths),
        "caption": grid.caption,
        "boxed": grid.boxed,
        "rows": [
            [
                {"id": known.get(cell.anchor, ""), "lines": [_runs(line, known) for line in cell.lines]}
                for cell in row
            ]
            for row in grid.rows
        ],
    }


def _runs(runs: Runs, known: Mapping[str, str]) -> list[Json]:
    return [_run(run, known) for run in runs]


def _run(run: Run, known: Mapping[str, str]) -> Json:
    found: Json = {"s": run.text}
    for key in ("bold", "italic", "code", "quiet"):
        if getattr(run, key):
            found[key] = True
    if run.target in known:
        found["to"] = known[run.target]
    return found
