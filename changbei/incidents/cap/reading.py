"""Reads one CAP alert from bytes. Whatever the bytes are, the answer is a `CapResult`, never an exception.

Refused is only what cannot be understood or is unsafe: no XML, a document type declaration, no identity, an
unknown status. What real agencies get wrong is read as they mean it, and each deviation is a warning with its
element and line.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, cast

from lxml import etree

from changbei.incidents.cap import colours, geometry, times
from changbei.incidents.cap.parts import Alert, Area, CapResult, Geocode, Info, Reference
from changbei.incidents.cap.reasons import REFUSED, Notebook
from changbei.incidents.cap.shape import (
    CERTAINTIES,
    MSG_TYPES,
    NAMESPACES,
    ORDER,
    SCOPES,
    SEVERITIES,
    STATUSES,
    URGENCIES,
)

LARGEST_BYTES = 8 * 1024 * 1024
DEEPEST = 16
MOST_ELEMENTS = 200_000
DEFAULT_LIFE_HOURS = 24
_MARKUP = re.compile(r"<\s*/?\s*[A-Za-z][^<>]{0,200}>")
_ADMINISTRATIVE = re.compile(r"CPEAS|行政区划|行政區劃", re.IGNORECASE)


class _Refused(Exception):
    """Reading ends here; the notebook says why."""


def read(data: bytes) -> CapResult:
    """Read one alert of CAP 1.2, 1.1 or 1.0 (`data`: the file's bytes in any encoding XML knows)."""
    notebook = Notebook()
    try:
        alert = _Reader(notebook).alert(_tree(data, notebook))
    except _Refused:
        return CapResult(notebook.verdict, tuple(notebook.reasons), None)
    return CapResult(notebook.verdict, tuple(notebook.reasons), alert)


def _tree(data: bytes, notebook: Notebook) -> etree._Element:
    """The root element, parsed without entities, network or unlimited size."""
    if len(data) > LARGEST_BYTES:
        notebook.note("too-large", "", 0, size=len(data), limit=LARGEST_BYTES)
        raise _Refused
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        notebook.note("not-xml", "", getattr(error, "lineno", 0) or 0, detail=str(error))
        raise _Refused from None
    if cast(Any, root.getroottree().docinfo).doctype:
        notebook.note("doctype", "", 1)
        raise _Refused
    _limit(root, notebook)
    return root


def _limit(root: etree._Element, notebook: Notebook) -> None:
    depth = elements = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > DEEPEST:
            notebook.note("too-deep", "", _line(element), limit=DEEPEST)
            raise _Refused
        if elements > MOST_ELEMENTS:
            notebook.note("too-many", "", _line(element), limit=MOST_ELEMENTS)
            raise _Refused


def _name(element: etree._Element) -> etree.QName:
    return etree.QName(element)


def _line(element: etree._Element) -> int:
    return cast(int, cast(Any, element).sourceline or 0)


def _text(element: etree._Element | None) -> str:
    """The words directly inside an element, trimmed; comments are skipped."""
    if element is None:
        return ""
    return ((element.text or "") + "".join(child.tail or "" for child in element)).strip()


class _Block:
    """An element with its children by name; deviations from the schema are noted while it is taken apart."""

    def __init__(self, element: etree._Element, path: str, namespace: str, notebook: Notebook) -> None:
        self.element, self.path, self.notebook = element, path, notebook
        self.children: dict[str, list[etree._Element]] = {}
        allowed = ORDER[path.rsplit("/", 1)[-1]]
        places = {name: place for place, name in enumerate(allowed)}
        reached, misplaced = 0, set()
        for child in element.iterchildren(tag=etree.Element):  # no comments, no processing instructions
            name = _name(child)
            if (name.namespace or "") != namespace:  # a signature, an extension: allowed, not ours
                continue
            if name.localname not in allowed:
                notebook.note("unknown-element", path, _line(child), name=name.localname)
                continue
            if places[name.localname] < reached:
                misplaced.add(name.localname)
            reached = max(reached, places[name.localname])
            self.children.setdefault(name.localname, []).append(child)
        for name_ in sorted(misplaced, key=places.__getitem__):
            notebook.note("order", f"{path}/{name_}", self.line(name_), name=name_)
        for name_, (least, most) in allowed.items():
            count = len(self.children.get(name_, ()))
            if count > most:
                notebook.note("repeated", f"{path}/{name_}", self.line(name_), name=name_)
            elif count < least and name_ not in IDENTITY:
                notebook.note("missing", f"{path}/{name_}", _line(element), name=name_)

    def all(self, name: str) -> list[etree._Element]:
        return self.children.get(name, [])

    def first(self, name: str) -> etree._Element | None:
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str:
        return _text(self.first(name))

    def line(self, name: str) -> int:
        found = self.first(name)
        return _line(found if found is not None else self.element)

    def note(self, code: str, name: str, /, **values: object) -> None:
        self.notebook.note(code, f"{self.path}/{name}", self.line(name), **values)


IDENTITY = ("identifier", "sender", "sent", "status", "msgType")  # missing: refused, with a reason of its own


class _Reader:
    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.namespace = ""

    # --- the alert ---

    def alert(self, root: etree._Element) -> Alert:
        version = self._version(root)
        block = _Block(root, "alert", self.namespace, self.notebook)
        identifier, sender = self._identity(block, "identifier"), self._identity(block, "sender")
        sent = self._sent(block)
        status = self._code(block, "status", STATUSES, "status")
        msg_type = self._code(block, "msgType", MSG_TYPES, "msg-type")
        if self.notebook.verdict == REFUSED:
            raise _Refused
        scope = self._scope(block, version)
        references = self._references(block, msg_type, Reference(sender, identifier, sent))
        infos = tuple(self._info(element, cast(datetime, sent)) for element in block.all("info"))
        if not infos and msg_type in ("Alert", "Update"):
            self.notebook.note("no-info", "alert/info", _line(root))
        return Alert(
            version=version,
            sender=sender,
            identifier=identifier,
            sent=cast(datetime, sent),
            status=status,
            msg_type=msg_type,
            scope=scope,
            references=references,
            infos=infos,
            geometry=geometry.united([area.geometry for info in infos for area in info.areas]),
            effective=min((info.effective for info in infos), default=cast(datetime, sent)),
            expires=max((info.expires for info in infos), default=_default_expiry(cast(datetime, sent))),
        )

    def _version(self, root: etree._Element) -> str:
        name = _name(root)
        line = _line(root)
        if name.localname != "alert":
            self.notebook.note("not-alert", str(name.localname), line, name=name.localname)
            raise _Refused
        self.namespace = name.namespace or ""
        if not self.namespace:
            self.notebook.note("no-namespace", "alert", line)
            return "1.2"
        version = NAMESPACES.get(self.namespace)
        if version is None:
            self.notebook.note("namespace", "alert", line, name=self.namespace)
            raise _Refused
        if version != "1.2":
            self.notebook.note("old-version", "alert", line, version=version)
        return version

    def _identity(self, block: _Block, name: str) -> str:
        value = block.text(name)
        if not value:
            block.note("identity", name, name=name)
        elif re.search(r"[\s,<&]", value):
            block.note("identifier-characters", name, name=name)
        return value

    def _sent(self, block: _Block) -> datetime | None:
        text = block.text("sent")
        if not text:
            block.note("identity", "sent", name="sent")
            return None
        time = times.parse(text)
        if time.at is None:
            block.note("sent", "sent", value=text)
        elif time.oddity:
            block.note(time.oddity, "sent", value=text)
        return time.at

    def _code(self, block: _Block, name: str, allowed: tuple[str, ...], refusal: str) -> str:
        """A value of a closed list that decides what happens: another value refuses the file."""
        given = block.text(name)
        if given in allowed:
            return given
        for value in allowed:
            if given.lower() == value.lower():
                block.note("letter-case", name, value=given)
                return value
        block.note(refusal, name, value=given or "—", allowed=", ".join(allowed))
        return ""

    def _scope(self, block: _Block, version: str) -> str:
        if version == "1.0" and not block.all("scope"):
            return "Public"
        scope = self._chosen(block, "scope", SCOPES, "Public") if block.all("scope") else "Public"
        if scope == "Private" and not block.text("addresses"):
            block.note("scope-addresses", "scope")
        if scope == "Restricted" and not block.text("restriction"):
            block.note("scope-restriction", "scope")
        return scope

    def _references(self, block: _Block, msg_type: str, own: Reference) -> tuple[Reference, ...]:
        if block.all("references") and not block.text("references"):
            block.note("empty", "references", name="references")
        found = []
        for word in block.text("references").split():
            reference = self._reference(block, word)
            if reference == own or (reference.sent is None and reference.identifier == own.identifier):
                block.note("reference-self", "references")
            elif reference.identifier:
                found.append(reference)
        if not block.text("references") and msg_type != "Alert":
            block.note("references-missing", "references", type=msg_type)
        return tuple(dict.fromkeys(found))

    def _reference(self, block: _Block, word: str) -> Reference:
        """sender,identifier,sent; an identifier may itself hold commas."""
        parts = word.split(",")
        sent = times.parse(parts[-1]).at if len(parts) >= 3 else None
        if sent is None:
            block.note("reference-shape", "references", value=word)
            return Reference(parts[0], parts[1] if len(parts) > 1 else "", None)
        return Reference(parts[0], ",".join(parts[1:-1]), sent)

    # --- what happens ---

    def _info(self, element: etree._Element, sent: datetime) -> Info:
        block = _Block(element, "alert/info", self.namespace, self.notebook)
        effective = self._time(block, "effective") or sent
        expires, given = self._expires(block, effective)
        parameters = tuple(self._pair(part, "alert/info/parameter") for part in block.all("parameter"))
        event, headline = self._words(block, "event"), self._words(block, "headline")
        colour = colours.of_parameters(parameters) or colours.of_words(headline, event)
        severity = self._chosen(block, "severity", SEVERITIES, "Unknown")
        areas = tuple(self._area(part) for part in block.all("area"))
        if not areas:
            block.note("no-area", "area")
        return Info(
            language=block.text("language") or "en-US",  # the default that CAP sets
            categories=tuple(_text(part) for part in block.all("category")),
            event=event,
            response_types=tuple(_text(part) for part in block.all("responseType")),
            urgency=self._chosen(block, "urgency", URGENCIES, "Unknown"),
            severity=severity,
            certainty=self._certainty(block),
            effective=effective,
            onset=self._time(block, "onset"),
            expires=expires,
            expires_given=given,
            sender_name=self._words(block, "senderName"),
            headline=headline,
            description=self._words(block, "description"),
            instruction=self._words(block, "instruction"),
            web=block.text("web"),
            parameters=parameters,
            # a colour in the place of the severity is still the publisher's own word
            colour=colour or colours.of_word(block.text("severity")),
            areas=areas,
        )

    def _words(self, block: _Block, name: str) -> str:
        """Text for people. Markup stays as it is: every page escapes it."""
        text = block.text(name)
        if _MARKUP.search(text):
            block.note("markup", name)
        return text

    def _chosen(self, block: _Block, name: str, allowed: tuple[str, ...], otherwise: str) -> str:
        given = block.text(name)
        if given in allowed:
            return given
        if not block.all(name):  # noted as missing
            return otherwise
        for value in allowed:
            if given.lower() == value.lower():
                block.note("letter-case", name, value=given)
                return value
        if given:
            block.note("value", name, value=given, taken=otherwise)
        else:
            block.note("empty", name, name=name)
        return otherwise

    def _certainty(self, block: _Block) -> str:
        if block.text("certainty") == "Very Likely":  # CAP 1.0's word
            block.note("value", "certainty", value="Very Likely", taken="Likely")
            return "Likely"
        return self._chosen(block, "certainty", CERTAINTIES, "Unknown")

    def _time(self, block: _Block, name: str) -> datetime | None:
        text = block.text(name)
        if not text:
            if block.all(name):
                block.note("empty", name, name=name)
            return None
        time = times.parse(text)
        if time.oddity:
            block.note(time.oddity, name, value=text)
        return time.at

    def _expires(self, block: _Block, effective: datetime) -> tuple[datetime, bool]:
        """When it ends, and whether the publisher said so. A time before the start cannot be meant."""
        expires = self._time(block, "expires")
        if expires is None:
            block.note("no-expires", "expires", hours=DEFAULT_LIFE_HOURS)
            return _default_expiry(effective), False
        if expires < effective:
            block.note("expires-early", "expires", hours=DEFAULT_LIFE_HOURS)
            return _default_expiry(effective), False
        return expires, True

    def _pair(self, element: etree._Element, path: str) -> tuple[str, str]:
        block = _Block(element, path, self.namespace, self.notebook)
        return block.text("valueName"), block.text("value")

    # --- where ---

    def _area(self, element: etree._Element) -> Area:
        block = _Block(element, "alert/info/area", self.namespace, self.notebook)
        drawn = []
        for name, reader in (("polygon", geometry.polygon), ("circle", geometry.circle)):
            for part in block.all(name):
                found = reader(_text(part), self._noter(part, f"alert/info/area/{name}"))
                drawn.extend([found] if found is not None else [])
        codes = []
        for part in block.all("geocode"):
            code = Geocode(*self._pair(part, "alert/info/area/geocode"))
            if _ADMINISTRATIVE.search(code.name) and not re.fullmatch(r"\d{12}", code.value):
                self._noter(part, "alert/info/area/geocode")("geocode-digits", value=code.value)
            codes.append(code)
        return Area(self._words(block, "areaDesc"), geometry.joined(drawn), tuple(codes))

    def _noter(self, element: etree._Element, path: str) -> geometry.Note:
        def note(code: str, /, **values: object) -> None:
            self.notebook.note(code, path, _line(element), **values)

        return note


def _default_expiry(start: datetime) -> datetime:
    try:
        return start + timedelta(hours=DEFAULT_LIFE_HOURS)
    except OverflowError:
        return start
