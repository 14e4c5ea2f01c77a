"""A document as a file to hand out: its bytes, its name and its type."""

from __future__ import annotations

from pathlib import Path

from changbei.plans.rendering import html, pdf, word
from changbei.plans.rendering.model import Document

TYPES = {
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


def written(document: Document, kind: str, fonts: Path) -> bytes:
    """`kind` is a key of TYPES; `fonts` the folder with the font files for PDF and pictures."""
    match kind:
        case "pdf":
            return pdf.pdf(document, fonts)
        case "docx":
            return word.docx_file(document, fonts)
        case _:
            return html.page(document).encode()


def named(pack: str, version: str, language: str, kind: str, handbook: str = "") -> str:
    """`customer-service-emergency-2026.1-zh-Hans.pdf`."""
    return f"{pack}-{version}{f'-handbook-{handbook}' if handbook else ''}-{language}.{kind}"
