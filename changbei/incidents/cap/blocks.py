"""An element of CAP taken apart by what the schema allows; each deviation is noted and the rest is still read."""

from __future__ import annotations

from lxml import etree

from changbei.incidents.cap import trees
from changbei.incidents.cap.reasons import Notebook
from changbei.incidents.cap.shape import COMPOUND, OPTIONAL_BEFORE_1_2, ORDER

IDENTITY = ("identifier", "sender", "sent", "status", "msgType")  # missing: refused, with a reason of its own
SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ATTRIBUTES = {f"{{{_SCHEMA_INSTANCE}}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")}


class Block:
    """An element with its children by name. `path` is as in `Reason.element`."""

    def __init__(
        self, element: etree._Element, path: str, namespace: str, notebook: Notebook, *, version: str = "1.2"
    ) -> None:
        self.element, self.path, self.notebook = element, path, notebook
        self.children: dict[str, list[etree._Element]] = {}
        self.allowed = ORDER[path.rsplit("/", 1)[-1]]
        self._places = {name: place for place, name in enumerate(self.allowed)}
        self._reached, self._misplaced = 0, set[str]()
        self._attributes(element, path)
        if trees.raw_text(element).strip():
            notebook.note("stray-text", path, trees.line(element))
        for child in trees.elements(element):
            self._take(child, namespace)
        for name in sorted(self._misplaced, key=lambda one: self._places.get(one, len(self._places))):
            notebook.note("order", f"{path}/{name}", self.line(name), name=name)
        self._count(version)

    def _take(self, child: etree._Element, namespace: str) -> None:
        name, line = trees.name(child), trees.line(child)
        if trees.namespace(child) != namespace:
            return self._take_foreign(child)
        if name not in self.allowed:
            return self.notebook.note("unknown-element", self.path, line, name=name)
        if self._places[name] < self._reached:
            self._misplaced.add(name)
        self._reached = max(self._reached, self._places[name])
        self.children.setdefault(name, []).append(child)
        if name not in COMPOUND:
            self._simple(child, f"{self.path}/{name}")
        return None

    def _take_foreign(self, child: etree._Element) -> None:
        """A signature at the end of the alert is part of the standard, anything else is not ours."""
        if trees.namespace(child) == SIGNATURES and self.path == "alert":
            self._reached = len(self._places)
            return
        self.notebook.note("foreign-element", self.path, trees.line(child), name=trees.name(child))

    def _simple(self, child: etree._Element, path: str) -> None:
        self._attributes(child, path)
        if trees.elements(child):
            self.notebook.note("nested", path, trees.line(child), name=trees.name(child))

    def _attributes(self, element: etree._Element, path: str) -> None:
        for key in element.attrib:
            if key not in _ATTRIBUTES:
                self.notebook.note(
                    "attribute", path, trees.line(element), name=etree.QName(str(key)).localname
                )

    def _count(self, version: str) -> None:
        for name, (least, most) in self.allowed.items():
            count = len(self.children.get(name, ()))
            if count > most:
                self.note("repeated", name, name=name)
            elif count < least and name not in IDENTITY:
                if version != "1.2" and name in OPTIONAL_BEFORE_1_2:
                    continue
                self.note("missing", name, name=name)

    def all(self, name: str) -> list[etree._Element]:
        return self.children.get(name, [])

    def first(self, name: str) -> etree._Element | None:
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str:
        return trees.text(self.first(name))

    def code(self, name: str) -> str:
        """Like `text`, for values by which something is decided: white space around them is noted."""
        found = self.first(name)
        return "" if found is None else self.code_of(found)

    def code_of(self, element: etree._Element) -> str:
        whole = trees.raw_text(element)
        found = whole.strip()
        if found and found != whole:
            path = f"{self.path}/{trees.name(element)}"
            self.notebook.note("padding", path, trees.line(element), value=found)
        return found

    def required(self, name: str) -> str:
        """Like `text`; an element that is there and says nothing is noted."""
        found = self.text(name)
        if not found and self.all(name):
            self.note("empty", name, name=name)
        return found

    def line(self, name: str) -> int:
        found = self.first(name)
        return trees.line(found if found is not None else self.element)

    def note(self, code: str, name: str, /, **values: object) -> None:
        self.notebook.note(code, f"{self.path}/{name}", self.line(name), **values)
