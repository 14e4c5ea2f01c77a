"""The appendices of the official document: what is on file, forms, diagrams, tables, clauses looked up by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from changbei.plans.diagrams import layout, svg
from changbei.plans.diagrams.flow import flow_of, plain_title
from changbei.plans.document import Fulfilment, anchor
from changbei.plans.model import Pack, Procedure
from changbei.plans.rendering.annex import Annex, Contacts
from changbei.plans.rendering.model import Block, Figure, Grid, Heading, Paragraph, Run, cell, plain
from changbei.plans.rendering.steps import Speaker, checklist_grid, form_grid, setting_value, table_grid
from changbei.plans.rendering.words import Words

APPENDICES = ("overview", "risks", "materials", "contacts", "texts", "diagrams", "tables", "related")
DIAGRAM_HEIGHT = 880.0  # on a page of A4 with its heading, when the drawing is as wide as the text


@dataclass
class Appendices:
    """Each method gives the blocks of one appendix. `numbers`: clause → its number in the document."""

    speaker: Speaker
    annex: Annex
    fulfilled: Mapping[str, Sequence[Fulfilment]]
    numbers: Mapping[str, str]

    @property
    def pack(self) -> Pack:
        return self.speaker.pack

    @property
    def say(self) -> Words:
        return self.speaker.say

    def of(self, name: str) -> Iterator[Block]:
        """The blocks of the appendix `name`, one of APPENDICES."""
        found: Iterator[Block] = getattr(self, name)()
        return found

    def overview(self) -> Iterator[Block]:
        if self.annex.figures:
            rows = tuple((cell(words), cell(f"{count:,}")) for words, count in self.annex.figures.items())
            yield Grid((self.say("figure"), self.say("value")), rows, (60, 40))

    def risks(self) -> Iterator[Block]:
        say = self.say
        yield Paragraph(plain(say("risks_words")))
        rows = [
            (
                cell(self.family(one.family)),
                cell((Run(self.speaker.pick(one.title), target=f"procedure-{one.id}"),)),
                cell(self.speaker.pick(one.summary)),
                cell(" ".join(one.clauses)),
            )
            for one in self.pack.procedures.values()
        ]
        head = (say("field"), say("kind_of_event"), say("what_happens"), say("clause"))
        yield Grid(head, tuple(rows), (13, 19, 46, 22))

    def family(self, family: str) -> str:
        name = "routine_family" if family == "routine" else family
        return self.say(name) if self.say.has(name) else family

    def materials(self) -> Iterator[Block]:
        say = self.say
        if self.annex.vehicles:
            rows = tuple(
                (
                    cell(one.site),
                    cell(str(one.vans)),
                    cell(str(one.reserves)),
                    cell(f"{one.capacity_cartons:,}"),
                )
                for one in self.annex.vehicles
            )
            head = (say("site"), say("vans"), say("reserves"), say("capacity"))
            yield Grid(head, rows, (40, 20, 20, 20), caption=say("vehicles"))
        if self.pack.registries:
            kept = tuple(
                (cell(self.speaker.pick(one.title)), cell((Run(one.id, code=True),)))
                for one in self.pack.registries.values()
            )
            yield Grid((say("registry"), say("kept_at")), kept, (62, 38), caption=say("registers"))

    def contacts(self) -> Iterator[Block]:
        if self.annex.contacts is None:
            yield Paragraph(plain(self.say("contacts_withheld")), "note")
            return
        yield Paragraph((Run(self.say("personal_data"), bold=True),), "warning")
        yield from contact_grids(self.speaker, self.annex.contacts, tuple(self.pack.roles))

    def texts(self) -> Iterator[Block]:
        say = self.say
        for one in reported(self.pack):
            title = f"{say('form_of')}{say('colon')}{self.speaker.pick(one.title)}"
            yield Heading(3, "", title, f"form-{one.id}", listed=False)
            yield form_grid(self.speaker, one.form)
        for checklist in self.pack.checklists.values():
            title = f"{say('checklist')}{say('colon')}{self.speaker.pick(checklist.title)}"
            yield Heading(3, "", title, f"checklist-{checklist.id}", listed=False)
            yield checklist_grid(self.speaker, checklist)
        rows = []
        for template in self.pack.templates.values():
            title = plain_title(self.speaker.pick(template.title))
            rows.append(
                (
                    cell((Run(title, bold=True),), plain(say(template.urgency), quiet=True)),
                    cell(self.speaker.pick(template.body)),
                    cell(template.clause),
                )
            )
        if rows:
            yield Heading(3, "", say("message"), "messages", listed=False)
            yield Grid((say("message"), say("text"), say("clause")), tuple(rows), (26, 62, 12))

    def diagrams(self) -> Iterator[Block]:
        for one in self.pack.procedures.values():
            yield Heading(3, "", self.speaker.pick(one.title), f"procedure-{one.id}")
            if summary := self.speaker.pick(one.summary):
                yield Paragraph(plain(summary), "with-next")
            yield from figures(self.pack, one, self.say, self.annex)

    def tables(self) -> Iterator[Block]:
        say = self.say
        for table in self.pack.tables.values():
            title = f"{self.speaker.pick(table.title)} ({table.hit}, {table.clause})"
            yield Heading(3, "", title, f"table-{table.id}", listed=False)
            yield table_grid(self.speaker, table)
        rows = tuple(
            (
                cell(self.speaker.pick(one.title), anchor=f"setting-{one.name}"),
                cell(setting_value(self.speaker, one)),
                cell(one.clause),
                cell((Run(f"setting.{one.name}", code=True),)),
            )
            for one in self.pack.settings.values()
        )
        if rows:
            yield Heading(3, "", say("settings"), "settings", listed=False)
            yield Grid((say("setting"), say("value"), say("clause"), ""), rows, (44, 16, 10, 30))

    def related(self) -> Iterator[Block]:
        say = self.say
        called = [
            (one, step)
            for one in self.pack.procedures.values()
            for step in one.steps.values()
            if step.call is not None and step.call.plan not in ("", self.pack.id)
        ]
        if called:
            starting = tuple(
                (
                    cell((Run(step.call.plan if step.call else "", code=True),)),
                    cell(f"{self.speaker.pick(one.title)}: {self.speaker.step(step)}"),
                    cell(step.clause),
                )
                for one, step in called
            )
            yield Grid((say("plans_related"), say("started_by"), say("clause")), starting, (32, 54, 14))
        else:
            yield Paragraph(plain(say("no_related")))
        rows = tuple(
            (
                cell((Run(clause.id, target=anchor(clause.id)),)),
                cell(self.numbers.get(clause.id, "")),
                cell(self.speaker.pick(clause.title)),
                cell(say.joined(self._short(self.fulfilled[clause.id]))),
            )
            for clause in self.pack.clauses.values()
        )
        head = (say("clause"), "№", say("title"), say("carried_out_by"))
        yield Grid(head, rows, (10, 12, 28, 50))

    def _short(self, found: Sequence[Fulfilment]) -> list[str]:
        """Whole procedures, checks … by name, single steps by their number."""
        names = [self.speaker.pick(one.title) for one in found if one.kind != "step"]
        steps = sum(one.kind == "step" for one in found)
        return [*names, f"{self.say('step')} × {steps}"] if steps else names


def reported(pack: Pack) -> list[Procedure]:
    """Procedures that people report something for."""
    return [one for one in pack.procedures.values() if one.form.get("properties")]


def figures(pack: Pack, procedure: Procedure, say: Words, annex: Annex) -> Iterator[Figure]:
    """The diagram of a procedure in as many pictures as pages need."""
    flow = flow_of(pack, procedure, say, annex.actions)
    words = dict(zip((band.id for band in flow.bands), svg.as_list(flow, say)))
    for drawing in layout.pages(flow, layout.WIDE, DIAGRAM_HEIGHT):
        part = f" ({say('part', n=drawing.part)})" if drawing.parts > 1 else ""
        shown = tuple((words[one.band.id][0], tuple(words[one.band.id][1])) for one in drawing.bands)
        yield Figure(svg.svg(drawing, say), drawing.width, drawing.height, f"{flow.title}{part}", shown)


def contact_grids(speaker: Speaker, contacts: Contacts, roles: Sequence[str]) -> Iterator[Grid]:
    """Staff by the role they hold, in the order of the plan; then bodies outside."""
    say = speaker.say
    order = {role: n for n, role in enumerate(roles)}
    rows = []
    last = ""
    for one in sorted(contacts.staff, key=lambda one: (order.get(one.role, len(order)), one.unit, one.rank)):
        rank = (
            say("holder")
            if one.rank == 1
            else say("by_duty")
            if not one.rank
            else say("deputy", n=one.rank - 1)
        )
        name = "" if one.role == last else speaker.role(one.role)
        last = one.role
        rows.append(
            (
                cell((Run(name, bold=True),) if name else ""),
                cell(rank),
                cell(one.name),
                cell(one.unit),
                cell(one.phone, one.second_phone),
            )
        )
    if rows:
        head = (say("role"), "", say("person"), say("unit"), say("phone"))
        yield Grid(head, tuple(rows), (27, 13, 14, 24, 22), caption=say("staff"))
    outside = tuple(
        (
            cell((Run(one.organisation, bold=True),), one.person),
            cell(one.serves),
            cell(one.phone, one.email),
            cell(one.reviewed_on.isoformat()),
        )
        for one in contacts.outside
    )
    if outside:
        titles = (say("outside"), say("serves"), say("phone"), say("reviewed_on"))
        yield Grid(titles, outside, (36, 24, 25, 15), caption=say("outside"))
