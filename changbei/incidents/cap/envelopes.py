"""What alerts come wrapped in: Atom, RSS, EDXL-DE 1.0 and 2.0, a list of alerts; or nothing at all.

A feed's entry holds the alert itself, as XML or as text, or only its address. Nothing is fetched here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from changbei.incidents.cap import reading, trees
from changbei.incidents.cap.parts import CapResult
from changbei.incidents.cap.reasons import Notebook
from changbei.incidents.cap.shape import NAMESPACES

EDXL = ("urn:oasis:names:tc:emergency:EDXL:DE:1.0", "urn:oasis:names:tc:emergency:EDXL:DE:2.0")
ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
MOST_PARTS = 2_000
_OPENINGS = ("<alert", ":alert")


@dataclass(frozen=True)
class Part:
    """One alert of a file, or the place where one should be.

    `origin` says where in the file, "" for the file itself; `key` tells an entry of a feed from its later versions;
    `links` are addresses of the alert, the likeliest first, when it is not here.
    """

    origin: str
    line: int = 0
    key: str = ""
    title: str = ""
    links: tuple[str, ...] = ()
    element: etree._Element | None = None
    raw: bytes | None = None  # as it came, when that is the whole file or a text inside it
    envelope_status: str = ""

    @property
    def is_here(self) -> bool:
        return self.raw is not None or self.element is not None

    def data(self) -> bytes:
        """The alert by itself, as it is kept."""
        if self.raw is not None:
            return self.raw
        if self.element is None:
            return b""
        return etree.tostring(self.element, encoding="UTF-8", xml_declaration=True, with_tail=False)

    def read(self, *, strict: bool = False, now: datetime | None = None) -> CapResult:
        status = self.envelope_status
        if self.element is not None:
            found = reading.read_element(self.element, strict=strict, envelope_status=status, now=now)
        elif self.raw is not None:
            found = reading.read(self.raw, strict=strict, envelope_status=status, now=now)
        else:
            notebook = Notebook(strict=strict)
            code = "elsewhere" if self.links else "entry-empty"
            notebook.note(code, self.origin, self.line, link=self.links[0] if self.links else "")
            found = CapResult(notebook.verdict, tuple(notebook.reasons), None)
        return found


@dataclass(frozen=True)
class Opened:
    """A file taken apart. `kind`: alert, atom, rss, edxl, alerts; of one that is none of these `parts` is the file."""

    kind: str
    parts: tuple[Part, ...]
    left_out: int = 0  # parts beyond MOST_PARTS


def unpack(data: bytes) -> Opened:
    """The alerts of a file, whatever wraps them. Never raises: what cannot be read is one part that is refused."""
    notebook = Notebook()
    try:
        root = trees.parse(data, notebook, deepest=trees.DEEPEST_ENVELOPE)
    except trees.Refused:
        return Opened("alert", (Part("", raw=data),))
    kind = kind_of(root)
    if kind == "alert":
        return Opened(kind, (Part("", raw=data),))
    found: list[Part] = []
    left_out = 0
    for part in _PARTS[kind](root):
        if len(found) < MOST_PARTS:
            found.append(part)
        else:
            left_out += 1
    return Opened(kind, tuple(found), left_out)


def kind_of(root: etree._Element) -> str:
    """What the root says it is; "alert" for everything unknown, which reading then refuses with the reason."""
    name, space = trees.name(root), trees.namespace(root)
    if name == "feed" and space == ATOM:
        return "atom"
    if name in ("rss", "RDF"):
        return "rss"
    if name == "EDXLDistribution" and space in EDXL:
        return "edxl"
    return "alerts" if name == "alerts" else "alert"


def _atom(root: etree._Element) -> Iterator[Part]:
    for number, entry in enumerate(root.iterchildren(f"{{{ATOM}}}entry"), 1):
        links = [(_link_rank(link), link.get("href", "")) for link in entry.iterchildren(f"{{{ATOM}}}link")]
        content = entry.find(f"{{{ATOM}}}content")
        if content is not None and content.get("src"):
            links.append((0, str(content.get("src"))))
        key = f"{_below(entry, 'id')} {_below(entry, 'updated')}".strip()
        yield from _entry(entry, f"entry {number}", key, links)


def _link_rank(link: etree._Element) -> int:
    """0 for what says that it is CAP; 9 for what says that it is something else."""
    if link.get("type", "") in CAP_TYPES:
        return 0
    if link.get("type", "").startswith("text/html") or link.get("rel") in ("self", "hub", "related"):
        return 9
    if link.get("hreflang"):
        return 8
    return 1


def _rss(root: etree._Element) -> Iterator[Part]:
    for number, item in enumerate(root.iter("{*}item"), 1):
        links = [
            (0, part.get("url", "")) for part in item.iter("{*}enclosure") if part.get("type") in CAP_TYPES
        ]
        links.append((1, _below(item, "link")))
        yield from _entry(
            item, f"item {number}", f"{_below(item, 'guid')} {_below(item, 'pubDate')}".strip(), links
        )


def _entry(entry: etree._Element, origin: str, key: str, links: list[tuple[int, str]]) -> Iterator[Part]:
    """The alerts inside an entry, else where it is said to be."""
    title = _below(entry, "title")
    found = list(_inside(entry, origin, ""))
    for part in found:
        yield Part(part.origin, part.line, key or part.origin, title, (), part.element, part.raw)
    if not found:
        ranked = [link for rank, link in sorted(links, key=lambda one: one[0]) if link and rank < 9]
        best = tuple(dict.fromkeys(ranked))
        yield Part(origin, trees.line(entry), key or " ".join(best), title, best)


def _edxl(root: etree._Element) -> Iterator[Part]:
    status = _below(root, "distributionStatus") or _below(root, "distributionStatus", deep=True)
    for number, part in enumerate(root.iter("{*}contentObject"), 1):
        found = list(_inside(part, f"contentObject {number}", status))
        yield from found
        if not found and (address := _below(part, "uri", deep=True)):
            yield Part(
                f"contentObject {number}", trees.line(part), address, "", (address,), None, None, status
            )


def _alerts(root: etree._Element) -> Iterator[Part]:
    for number, part in enumerate(trees.elements(root), 1):
        yield Part(f"alert {number}", trees.line(part), element=part)


def _inside(holder: etree._Element, origin: str, status: str) -> Iterator[Part]:
    """Alerts that are elements of the holder, or texts in it, plain or in base64."""
    number = 0
    for element in holder.iter(etree.Element):
        if element is not holder and _is_alert(element):
            number += 1
            where = origin if number == 1 else f"{origin}, alert {number}"
            yield Part(where, trees.line(element), "", "", (), element, None, status)
    if number:
        return
    for element in holder.iter(etree.Element):
        if (data := _hidden(element)) is not None:
            yield Part(origin, trees.line(element), "", "", (), None, data, status)
            return


def _is_alert(element: etree._Element) -> bool:
    return trees.name(element) == "alert" and trees.namespace(element) in ("", *NAMESPACES)


def _hidden(element: etree._Element) -> bytes | None:
    """An alert that is the text of an element."""
    text = trees.text(element)
    if any(opening in text for opening in _OPENINGS) and text.startswith("<"):
        declaration, _, rest = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
        return (rest if declaration else text).encode()  # decoded already: its declaration no longer holds
    if trees.name(element) == "contentData":
        try:
            data = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            return None
        return data if b"alert" in data else None
    return None


def _below(parent: etree._Element, name: str, *, deep: bool = False) -> str:
    found = parent.iter(f"{{*}}{name}") if deep else parent.iterchildren(f"{{*}}{name}")
    return trees.text(next(iter(found), None))


_PARTS = {"atom": _atom, "rss": _rss, "edxl": _edxl, "alerts": _alerts}
