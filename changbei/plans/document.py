"""The plan as a document: its clauses in order with anchors, and for each clause what carries it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from changbei.core.texts import Text, pick
from changbei.plans.model import Checklist, Clause, Pack, Place, Procedure, Step

_KIND_ORDER = ("procedure", "step", "check", "checklist", "registry", "table", "role", "setting")
markdown_it = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """Something that carries a clause out.

    `ref` is e.g. `procedure:vehicle-breakdown` or `step:vehicle-breakdown/rescue`.
    `declared` says that the clause itself names it; else it is what names the clause.
    """

    kind: str  # procedure, step, check, checklist, registry, table, role, setting
    ref: str
    title: Text
    place: Place | None
    declared: bool


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause in one language, ready for the page; `depth` counts from 1 (E1.4 is 2 deep, E3.3.1 is 3)."""

    id: str
    anchor: str
    depth: int
    title: str
    html: str
    fulfilled_by: tuple[Fulfilment, ...]
    place: Place


def anchor(clause_id: str) -> str:
    """The fragment under which a clause stands on the plan page: `clause-E3.3.1`."""
    return f"clause-{clause_id}"


def clauses(pack: Pack, language: str) -> list[ClauseView]:
    """All clauses in the order of the document, in `language`."""
    fulfilments = fulfilled_by(pack)
    return [_view(clause, fulfilments[clause.id], language) for clause in pack.clauses.values()]


def fulfilled_by(pack: Pack) -> dict[str, tuple[Fulfilment, ...]]:
    """For every clause what carries it out: what the clause names, and what names the clause."""
    found: dict[str, dict[str, Fulfilment]] = {clause: {} for clause in pack.clauses}
    for clause in pack.clauses.values():
        for reference in clause.fulfilled_by:
            fulfilment = declared(pack, reference)
            found[clause.id][fulfilment.ref] = fulfilment
    for clause_id, fulfilment in citing(pack):
        found[clause_id].setdefault(fulfilment.ref, fulfilment)
    return {clause: tuple(sorted(entries.values(), key=_order)) for clause, entries in found.items()}


def render(markdown: str) -> str:
    """Markdown as HTML; HTML inside the Markdown is shown as text."""
    return str(markdown_it.render(markdown))


def _view(clause: Clause, fulfilments: tuple[Fulfilment, ...], language: str) -> ClauseView:
    return ClauseView(
        id=clause.id,
        anchor=anchor(clause.id),
        depth=clause.id.count(".") + 1,
        title=pick(clause.title, language),
        html=render(pick(clause.body, language)),
        fulfilled_by=fulfilments,
        place=clause.place,
    )


def declared(pack: Pack, reference: str) -> Fulfilment:
    """What a clause's `fulfilled_by` names. KeyError when it is not there: the loader has said so."""
    kind, _, name = reference.partition(":")
    name, _, step = name.partition("/")
    if step:
        return _step(pack.procedures[name], pack.procedures[name].steps[step], declared=True)
    match kind:
        case "procedure":
            return Fulfilment(kind, reference, pack.procedures[name].title, pack.procedures[name].place, True)
        case "check":
            return Fulfilment(kind, reference, pack.checks[name].title, pack.checks[name].place, True)
        case "checklist":
            return _checklist(pack.checklists[name], declared=True)
        case "table":
            return Fulfilment(kind, reference, pack.tables[name].title, pack.tables[name].place, True)
        case "role":
            return Fulfilment(kind, reference, pack.roles[name].title, pack.roles[name].place, True)
        case "setting":
            return Fulfilment(kind, reference, pack.settings[name].title, pack.settings[name].place, True)
    return Fulfilment(kind, reference, pack.registries[name].title, None, True)


def citing(pack: Pack) -> Iterator[tuple[str, Fulfilment]]:
    """Everything of the pack that cites a clause."""
    for procedure in pack.procedures.values():
        for clause in procedure.clauses:
            yield (
                clause,
                Fulfilment("procedure", f"procedure:{procedure.id}", procedure.title, procedure.place, False),
            )
        for step in procedure.steps.values():
            if step.clause:
                yield step.clause, _step(procedure, step, declared=False)
    for check in pack.checks.values():
        yield check.clause, Fulfilment("check", f"check:{check.id}", check.title, check.place, False)
    for checklist in pack.checklists.values():
        for cited in {checklist.clause, *(item.clause for item in checklist.items.values())}:
            yield cited, _checklist(checklist, declared=False)
    for table in pack.tables.values():
        yield table.clause, Fulfilment("table", f"table:{table.id}", table.title, table.place, False)
    for role in pack.roles.values():
        if role.clause:
            yield role.clause, Fulfilment("role", f"role:{role.id}", role.title, role.place, False)
    for setting in pack.settings.values():
        yield (
            setting.clause,
            Fulfilment("setting", f"setting:{setting.name}", setting.title, setting.place, False),
        )


def _step(procedure: Procedure, step: Step, *, declared: bool) -> Fulfilment:
    title = step.task.title if step.task and step.kind != "do" else procedure.title
    return Fulfilment("step", f"step:{procedure.id}/{step.id}", title, step.place, declared)


def _checklist(checklist: Checklist, *, declared: bool) -> Fulfilment:
    return Fulfilment("checklist", f"checklist:{checklist.id}", checklist.title, checklist.place, declared)


def _order(fulfilment: Fulfilment) -> tuple[int, str]:
    return _KIND_ORDER.index(fulfilment.kind), fulfilment.ref
