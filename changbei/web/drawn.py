"""A plan as documents and diagrams for pages and the API: what both hand out, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from changbei.core.errors import NotFound, there
from changbei.people import access as people
from changbei.plans.bpmn.write import bpmn
from changbei.plans.diagrams import layout, svg
from changbei.plans.diagrams.flow import Flow, flow_of
from changbei.plans.model import Pack, Procedure
from changbei.plans.rendering import files, handbook, official
from changbei.plans.rendering.model import Document
from changbei.plans.rendering.on_file import annex_of
from changbei.plans.rendering.steps import Speaker
from changbei.plans.rendering.words import Words, known
from changbei.web.sentences import ACTIONS


@dataclass(frozen=True)
class Diagram:
    """The same procedure for a phone and for a desk, and in words. `narrow` and `wide` are SVG."""

    title: str
    narrow: str
    wide: str
    words: list[tuple[str, list[str]]]
    states: list[tuple[str, str, int]]  # state, its word, how many steps


@dataclass(frozen=True)
class File:
    """Something to hand out."""

    name: str
    kind: str  # content type
    data: bytes


def diagram(
    pack: Pack,
    procedure: Procedure,
    language: str,
    *,
    states: Mapping[str, str] | None = None,
    link: Callable[[str], str] | None = None,
    name: str = "flow",
) -> Diagram:
    """`states`: step → how far it has come; `link`: step → where its node leads; `name`: unique on the page."""
    say = Words(language)
    flow = flow_of(pack, procedure, say, action_titles())
    return Diagram(
        flow.title,
        _svg(flow, layout.NARROW, say, states, link, f"{name}-n"),
        _svg(flow, layout.WIDE, say, states, link, f"{name}-w"),
        svg.as_list(flow, say, states),
        _counts(states or {}, say),
    )


def _svg(
    flow: Flow,
    width: float,
    say: Words,
    states: Mapping[str, str] | None,
    link: Callable[[str], str] | None,
    name: str,
) -> str:
    return svg.svg(layout.draw(flow, width), say, states=states, link=link, name=name)


def _counts(states: Mapping[str, str], say: Words) -> list[tuple[str, str, int]]:
    """The legend of a running diagram: only states that occur."""
    values = list(states.values())
    return [(one, say(f"state_{one}"), values.count(one)) for one in svg.STATES if one in values]


def speaker(pack: Pack) -> Speaker:
    """What things of the plan are called in the reader's language."""
    return Speaker(pack, Words(get_language() or ""), action_titles())


def action_titles() -> dict[str, str]:
    """What the product calls its actions, in the reader's language."""
    return {name: str(words) for name, words in ACTIONS.items()}


def procedure_of(pack: Pack, procedure: str) -> Procedure:
    """NotFound when the plan has none of that name."""
    return there(pack.procedures.get(procedure), f"{pack.id} has no procedure {procedure}")


def document(pack: Pack, language: str, *, reader: object, contacts: bool) -> Document:
    """The official document. With `contacts` only for those who may have them: NotAllowed otherwise."""
    if contacts:
        people.require(reader, "plans.print_contacts")
    annex = annex_of(pack, language, contacts=contacts, actions=action_titles())
    return official.document(pack, language, annex)


def document_file(pack: Pack, language: str, kind: str, *, reader: object, contacts: bool) -> File:
    """`kind` is html, docx or pdf; NotFound for others."""
    _known_kind(kind)
    made = document(pack, language, reader=reader, contacts=contacts)
    return _file(made, pack, language, kind)


def handbook_file(pack: Pack, who: str, language: str, kind: str, *, reader: object, contacts: bool) -> File:
    """The pocket handbook of a role, a post, or `all`."""
    _known_kind(kind)
    if contacts:
        people.require(reader, "plans.print_contacts")
    annex = annex_of(pack, language, contacts=contacts, actions=action_titles())
    made = handbook.handbook(pack, handbook.roles_for(pack, who), language, annex)
    return _file(made, pack, language, kind, who)


def bpmn_file(pack: Pack, procedure: str, language: str) -> File:
    data = bpmn(pack, procedure_of(pack, procedure), language, action_titles())
    return File(f"{procedure}.bpmn", "application/xml", data)


def _known_kind(kind: str) -> None:
    if kind not in files.TYPES:
        raise NotFound(f"no documents of the kind {kind}; there are {', '.join(sorted(files.TYPES))}")


def _file(made: Document, pack: Pack, language: str, kind: str, who: str = "") -> File:
    name = files.named(pack.id, pack.version, known(language), kind, who)
    return File(name, files.TYPES[kind], files.written(made, kind, Path(settings.FONTS)))
