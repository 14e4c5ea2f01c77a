"""Reads one CAP alert from bytes. Whatever the bytes are, the answer is a `CapResult`, never an exception.

Refused is only what cannot be understood or is unsafe: no XML, a document type declaration, no identity, an
unknown status. What real agencies get wrong is read as they mean it, and each deviation is a warning with its
element and line.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import cast

from lxml import etree

from changbei.incidents.cap import colours, geometry, times, trees
from changbei.incidents.cap.blocks import Block
from changbei.incidents.cap.parts import Alert, Area, CapResult, Geocode, Info, Reference, Resource
from changbei.incidents.cap.reasons import REFUSED, Notebook
from changbei.incidents.cap.shape import (
    CATEGORIES,
    CERTAINTIES,
    MSG_TYPES,
    NAMESPACES,
    RESPONSE_TYPES,
    SCOPES,
    SEVERITIES,
    STATUSES,
    URGENCIES,
)

DEFAULT_LIFE_HOURS = 24
CLOCKS_APART = timedelta(minutes=15)
MOST_SHAPES = 5_000
_MARKUP = re.compile(r"<\s*/?\s*[A-Za-z][^<>]{0,200}>")
_ADMINISTRATIVE = re.compile(r"CPEAS|行政区划|行政區劃", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
# from the most real to what is meant for nobody: of an alert and its envelope the less real counts
_REALITY = STATUSES


def read(
    data: bytes, *, strict: bool = False, envelope_status: str = "", now: datetime | None = None
) -> CapResult:
    """Read one alert of CAP 1.2, 1.1 or 1.0 (`data`: the file's bytes in any encoding XML knows).

    `strict`: every breach of the standard refuses the file, beyond what the schema can say; for files that others
    push. What is merely unusual (`reasons.REMARKS`) stays a warning. `envelope_status`: what the envelope calls
    itself; an alert in a test envelope is a test. `now`: what was sent later than that is remarked upon.
    """
    notebook = Notebook(strict=strict)
    try:
        root = trees.parse(data, notebook)
    except trees.Refused:
        return CapResult(notebook.verdict, tuple(notebook.reasons), None)
    return _read(root, notebook, envelope_status, now)


def read_element(
    root: etree._Element, *, strict: bool = False, envelope_status: str = "", now: datetime | None = None
) -> CapResult:
    """Read an alert inside a feed or an envelope that was parsed; lines are those of the whole file."""
    notebook = Notebook(strict=strict)
    try:
        trees.limit(root, notebook)
    except trees.Refused:
        return CapResult(notebook.verdict, tuple(notebook.reasons), None)
    return _read(root, notebook, envelope_status, now)


def _read(root: etree._Element, notebook: Notebook, envelope_status: str, now: datetime | None) -> CapResult:
    try:
        draft = _Reader(notebook, envelope_status, now).alert(root)
    except trees.Refused:
        return CapResult(notebook.verdict, tuple(notebook.reasons), None)
    alert = None if notebook.verdict == REFUSED else draft
    return CapResult(notebook.verdict, tuple(notebook.reasons), alert, draft)


class _Reader:
    def __init__(self, notebook: Notebook, envelope_status: str, now: datetime | None) -> None:
        self.notebook, self.now = notebook, now
        self.envelope_status = envelope_status
        self.namespace = ""
        self.version = "1.2"
        self.budget = geometry.Budget()

    # --- the alert ---

    def alert(self, root: etree._Element) -> Alert:
        self.version = version = self._version(root)
        block = self._block(root, "alert")
        identifier, sender = self._identity(block, "identifier"), self._identity(block, "sender")
        sent = self._sent(block)
        status = self._code(block, "status", STATUSES, "status")
        msg_type = self._code(block, "msgType", MSG_TYPES, "msg-type")
        if self.notebook.unreadable:
            raise trees.Refused
        self._limit_shapes(root)
        status = self._status(block, status)
        scope = self._scope(block, version)
        references = self._references(block, msg_type, Reference(sender, identifier, sent))
        infos = tuple(self._info(element, cast(datetime, sent)) for element in block.all("info"))
        if not infos and msg_type in ("Alert", "Update"):
            self.notebook.note("no-info", "alert/info", trees.line(root))
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
            note=block.text("note"),
            codes=tuple(trees.text(part) for part in block.all("code")),
        )

    def _limit_shapes(self, root: etree._Element) -> None:
        """Nobody is kept waiting while a hundred thousand circles are drawn."""
        shapes = sum(1 for _ in root.iter("{*}polygon", "{*}circle"))
        if shapes > MOST_SHAPES:
            self.notebook.note("too-many", "alert/info/area", trees.line(root), limit=MOST_SHAPES)
            raise trees.Refused

    def _block(self, element: etree._Element, path: str) -> Block:
        return Block(element, path, self.namespace, self.notebook, version=self.version)

    def _status(self, block: Block, status: str) -> str:
        """That of the envelope when it is less real: what somebody sent as a test starts nothing."""
        envelope = self.envelope_status
        if envelope not in _REALITY or _REALITY.index(envelope) <= _REALITY.index(status):
            return status
        block.note("envelope-status", "status", envelope=envelope, alert=status)
        return envelope

    def _version(self, root: etree._Element) -> str:
        name, line = trees.name(root), trees.line(root)
        if name != "alert":
            self.notebook.note("not-alert", name, line, name=name)
            raise trees.Refused
        self.namespace = trees.namespace(root)
        if not self.namespace:
            self.notebook.note("no-namespace", "alert", line)
            return "1.2"
        version = NAMESPACES.get(self.namespace)
        if version is None:
            self.notebook.note("namespace", "alert", line, name=self.namespace)
            raise trees.Refused
        if version != "1.2":
            self.notebook.note("old-version", "alert", line, version=version)
        if version == "1.0" and self.notebook.strict:
            self.notebook.note("too-old", "alert", line, version=version)
        return version

    def _identity(self, block: Block, name: str) -> str:
        value = block.code(name)
        if not value:
            block.note("identity", name, name=name)
        elif re.search(r"[\s,<&]", value):
            block.note("identifier-characters", name, name=name)
        return value

    def _sent(self, block: Block) -> datetime | None:
        text = block.text("sent")
        if not text:
            block.note("identity", "sent", name="sent")
            return None
        time = times.parse(text)
        if time.at is None:
            block.note("sent", "sent", value=text)
        else:
            self._odd_time(block, "sent", time.oddity, text)
            if self.now is not None and time.at > self.now + CLOCKS_APART:
                block.note("sent-future", "sent", value=text)
        return time.at

    def _odd_time(self, block: Block, name: str, oddity: str, text: str) -> None:
        """CAP 1.1 took every time that XML takes, 2026-07-01T00:00:00Z among them."""
        if oddity and not (oddity == "time-shape" and self.version == "1.1" and "T" in text):
            block.note(oddity, name, value=text)

    def _code(self, block: Block, name: str, allowed: tuple[str, ...], refusal: str) -> str:
        """A value of a closed list that decides what happens: another value refuses the file."""
        given = block.code(name)
        if given in allowed:
            return given
        for value in allowed:
            if given.lower() == value.lower():
                block.note("letter-case", name, value=given)
                return value
        block.note(refusal, name, value=given or "—", allowed=", ".join(allowed))
        return ""

    def _scope(self, block: Block, version: str) -> str:
        if version == "1.0" and not block.all("scope"):
            return "Public"
        scope = self._chosen(block, "scope", SCOPES, "Public") if block.all("scope") else "Public"
        if scope == "Private" and not block.text("addresses"):
            block.note("scope-addresses", "scope")
        if scope == "Restricted" and not block.text("restriction"):
            block.note("scope-restriction", "scope")
        return scope

    def _references(self, block: Block, msg_type: str, own: Reference) -> tuple[Reference, ...]:
        if block.all("references") and not block.text("references"):
            block.note("empty", "references", name="references")
        found = []
        for word in block.text("references").split():
            reference = self._reference(block, word)
            if reference == own or (reference.sent is None and reference.identifier == own.identifier):
                block.note("reference-self", "references")
            elif reference.identifier:
                found.append(reference)
                if reference.sent and own.sent and reference.sent > own.sent:
                    block.note("reference-later", "references", value=reference.identifier)
        if not block.text("references") and msg_type != "Alert":
            block.note("references-missing", "references", type=msg_type)
        return tuple(dict.fromkeys(found))

    def _reference(self, block: Block, word: str) -> Reference:
        """sender,identifier,sent; an identifier may itself hold commas."""
        parts = word.split(",")
        sent = times.parse(parts[-1]).at if len(parts) >= 3 else None
        if sent is None:
            block.note("reference-shape", "references", value=word)
            return Reference(parts[0], parts[1] if len(parts) > 1 else "", None)
        return Reference(parts[0], ",".join(parts[1:-1]), sent)

    # --- what happens ---

    def _info(self, element: etree._Element, sent: datetime) -> Info:
        block = self._block(element, "alert/info")
        effective = self._time(block, "effective") or sent
        expires, given = self._expires(block, effective)
        onset = self._time(block, "onset")
        if given and expires < sent:
            block.note("expires-past", "expires")
        if given and onset is not None and onset > expires:
            block.note("onset-late", "onset")
        codes, parameters = self._pairs(block, "eventCode"), self._pairs(block, "parameter")
        event, headline = self._words(block, "event"), self._words(block, "headline")
        if not event and block.all("event"):
            block.note("empty", "event", name="event")
        colour, colour_from = self._colour(block, parameters, codes, (headline, event))
        severity = self._chosen(block, "severity", SEVERITIES, "Unknown")
        areas = tuple(self._area(part) for part in block.all("area"))
        if not areas:
            block.note("no-area", "area")
        return Info(
            language=self._language(block),
            categories=self._listed(block, "category", CATEGORIES, "Other"),
            event=event,
            response_types=self._listed(block, "responseType", RESPONSE_TYPES, "None"),
            urgency=self._chosen(block, "urgency", URGENCIES, "Unknown"),
            severity=severity,
            certainty=self._certainty(block),
            effective=effective,
            onset=onset,
            expires=expires,
            expires_given=given,
            sender_name=self._words(block, "senderName"),
            headline=headline,
            description=self._words(block, "description"),
            instruction=self._words(block, "instruction"),
            web=self._uri(block, "web"),
            parameters=parameters,
            colour=colour,
            areas=areas,
            colour_from=colour_from,
            event_codes=codes,
            resources=tuple(self._resource(part) for part in block.all("resource")),
            audience=self._words(block, "audience"),
            contact=self._words(block, "contact"),
        )

    def _colour(
        self,
        block: Block,
        parameters: tuple[tuple[str, str], ...],
        codes: tuple[tuple[str, str], ...],
        words: tuple[str, str],
    ) -> tuple[str, str]:
        """The colour and where the publisher says it; a parameter goes before an event code and both before words."""
        said = {
            "parameter": colours.of_parameters(parameters),
            "event-code": colours.of_event_codes(codes),
            "words": colours.of_words(*words),
            # a colour in the place of the severity is still the publisher's own word
            "severity": colours.of_word(block.text("severity")),
        }
        if said["parameter"] and said["words"] and said["parameter"] != said["words"]:
            block.note("colour-conflict", "headline", parameter=said["parameter"], words=said["words"])
        place = next((name for name, colour in said.items() if colour), "")
        return said.get(place, ""), place

    def _language(self, block: Block) -> str:
        if not block.required("language"):
            return "en-US"  # the default that CAP sets
        language = block.text("language")
        if not _LANGUAGE.fullmatch(language):
            block.note("language-tag", "language", value=language)
        return language

    def _listed(self, block: Block, name: str, allowed: tuple[str, ...], otherwise: str) -> tuple[str, ...]:
        """Values of a list that is closed, one an element; another one is noted and read as `otherwise`."""
        found = []
        for part in block.all(name):
            given, path, line = block.code_of(part), f"{block.path}/{name}", trees.line(part)
            spelled = next((one for one in allowed if one.lower() == given.lower()), "")
            if not given:
                self.notebook.note("empty", path, line, name=name)
            elif not spelled:
                self.notebook.note("value", path, line, value=given, taken=otherwise)
            elif spelled != given:
                self.notebook.note("letter-case", path, line, value=given)
            found.append(spelled or otherwise)
        return tuple(found)

    def _uri(self, block: Block, name: str) -> str:
        text = block.text(name)
        if text and not _URI.fullmatch(text):
            block.note("not-uri", name, value=text)
        return text

    def _resource(self, element: etree._Element) -> Resource:
        block = self._block(element, "alert/info/resource")
        if block.all("size") and not _WHOLE_NUMBER.fullmatch(block.text("size")):
            block.note("not-number", "size", value=block.text("size"))
        uri = block.text("uri")
        if not block.all("derefUri"):  # with the file itself inside, the address may be its name alone
            self._uri(block, "uri")
        return Resource(block.required("resourceDesc"), block.text("mimeType"), uri)

    def _words(self, block: Block, name: str) -> str:
        """Text for people. Markup stays as it is: every page escapes it."""
        text = block.text(name)
        if _MARKUP.search(text):
            block.note("markup", name)
        return text

    def _chosen(self, block: Block, name: str, allowed: tuple[str, ...], otherwise: str) -> str:
        given = block.code(name)
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

    def _certainty(self, block: Block) -> str:
        if block.text("certainty") == "Very Likely":  # CAP 1.0's word
            block.note("value", "certainty", value="Very Likely", taken="Likely")
            return "Likely"
        return self._chosen(block, "certainty", CERTAINTIES, "Unknown")

    def _time(self, block: Block, name: str) -> datetime | None:
        text = block.text(name)
        if not text:
            if block.all(name):
                block.note("empty", name, name=name)
            return None
        time = times.parse(text)
        self._odd_time(block, name, time.oddity, text)
        return time.at

    def _expires(self, block: Block, effective: datetime) -> tuple[datetime, bool]:
        """When it ends, and whether the publisher said so. A time before the start cannot be meant."""
        expires = self._time(block, "expires")
        if expires is None:
            block.note("no-expires", "expires", hours=DEFAULT_LIFE_HOURS)
            return _default_expiry(effective), False
        if expires < effective:
            block.note("expires-early", "expires", hours=DEFAULT_LIFE_HOURS)
            return _default_expiry(effective), False
        return expires, True

    def _pairs(self, block: Block, name: str) -> tuple[tuple[str, str], ...]:
        return tuple(self._pair(part, f"{block.path}/{name}") for part in block.all(name))

    def _pair(self, element: etree._Element, path: str) -> tuple[str, str]:
        block = self._block(element, path)
        return block.text("valueName"), block.text("value")

    # --- where ---

    def _area(self, element: etree._Element) -> Area:
        block = self._block(element, "alert/info/area")
        drawn = []
        for part in block.all("polygon"):
            noter = self._noter(part, "alert/info/area/polygon")
            drawn.append(geometry.polygon(trees.text(part), noter, self.budget))
        drawn.extend(
            geometry.circle(trees.text(part), self._noter(part, "alert/info/area/circle"))
            for part in block.all("circle")
        )
        codes = []
        for part in block.all("geocode"):
            code = Geocode(*self._pair(part, "alert/info/area/geocode"))
            if _ADMINISTRATIVE.search(code.name) and not re.fullmatch(r"\d{12}", code.value):
                self._noter(part, "alert/info/area/geocode")("geocode-digits", value=code.value)
            codes.append(code)
        for name in ("altitude", "ceiling"):
            if block.all(name) and not _NUMBER.fullmatch(block.text(name)):
                block.note("not-number", name, value=block.text(name))
        if block.all("ceiling") and not block.all("altitude"):
            block.note("ceiling-alone", "ceiling")
        block.required("areaDesc")
        whole = geometry.joined(
            [one for one in drawn if one is not None], self._noter(element, "alert/info/area")
        )
        return Area(self._words(block, "areaDesc"), whole, tuple(codes))

    def _noter(self, element: etree._Element, path: str) -> geometry.Note:
        def note(code: str, /, **values: object) -> None:
            self.notebook.note(code, path, trees.line(element), **values)

        return note


def _default_expiry(start: datetime) -> datetime:
    try:
        return start + timedelta(hours=DEFAULT_LIFE_HOURS)
    except OverflowError:
        return start
