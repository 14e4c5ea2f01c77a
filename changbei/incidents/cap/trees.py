"""XML parsed safely: no entities, no network, no unlimited size or depth. And small helpers for elements."""

from __future__ import annotations

from typing import Any, cast

from lxml import etree

from changbei.incidents.cap.reasons import Notebook

LARGEST_BYTES = 8 * 1024 * 1024
DEEPEST = 16
DEEPEST_ENVELOPE = 40
MOST_ELEMENTS = 200_000
XML_SPACE = " \t\r\n"
DOCUMENT = "document"  # what a reason concerns that has no element


class Refused(Exception):
    """Reading ends here; the notebook says why."""


def parse(data: bytes, notebook: Notebook, *, deepest: int = DEEPEST) -> etree._Element:
    """The root element. Raises Refused, with the reason noted."""
    if len(data) > LARGEST_BYTES:
        notebook.note("too-large", DOCUMENT, 0, size=len(data), limit=LARGEST_BYTES)
        raise Refused
    data = _without_blanks(data, notebook)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        notebook.note("not-xml", DOCUMENT, getattr(error, "lineno", 0) or 1, detail=_plain(str(error)))
        raise Refused from None
    if cast(Any, root.getroottree().docinfo).doctype:
        notebook.note("doctype", DOCUMENT, _doctype_line(data))
        raise Refused
    limit(root, notebook, deepest)
    return root


def _without_blanks(data: bytes, notebook: Notebook) -> bytes:
    """Some publishers leave blank lines before the declaration, which must come first."""
    begun = data.lstrip(XML_SPACE.encode())
    if len(begun) == len(data) or not begun.startswith(b"<?xml "):
        return data
    notebook.note("leading-space", DOCUMENT, 1)
    notebook.lines_before = data[: len(data) - len(begun)].count(b"\n")
    return begun


def _doctype_line(data: bytes) -> int:
    """Where the declaration stands; 1 in an encoding that does not show it."""
    place = data.find(b"<!DOCTYPE")
    return data.count(b"\n", 0, max(place, 0)) + 1


def _plain(words: str) -> str:
    """A message of the parser without what a database cannot keep."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)


def limit(root: etree._Element, notebook: Notebook, deepest: int = DEEPEST) -> None:
    """Raise Refused for a tree that is too deep or has too many elements."""
    depth = elements = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > deepest:
            notebook.note("too-deep", name(element), line(element), limit=deepest)
            raise Refused
        if elements > MOST_ELEMENTS:
            notebook.note("too-many", name(element), line(element), limit=MOST_ELEMENTS)
            raise Refused


def name(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def namespace(element: etree._Element) -> str:
    return str(etree.QName(element).namespace or "")


def line(element: etree._Element) -> int:
    return cast(int, cast(Any, element).sourceline or 0)


def raw_text(element: etree._Element) -> str:
    """The words directly inside an element; comments are skipped."""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def text(element: etree._Element | None) -> str:
    """The words directly inside an element, trimmed."""
    return "" if element is None else raw_text(element).strip()


def elements(parent: etree._Element) -> list[etree._Element]:
    """The children that are elements: no comments, no processing instructions."""
    return list(parent.iterchildren(tag=etree.Element))
