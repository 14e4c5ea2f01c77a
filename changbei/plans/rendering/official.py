"""A pack as the official document, in the order of GB/T 29639-2020: what every writer sets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from changbei.core.texts import pick
from changbei.plans.diagrams import chart, layout, svg
from changbei.plans.diagrams.flow import flow_of, plain_title
from changbei.plans.document import Fulfilment, anchor, fulfilled_by
from changbei.plans.model import Clause, Pack, Procedure, Role
from changbei.plans.rendering import markdown
from changbei.plans.rendering.annex import Annex, Contacts
from changbei.plans.rendering.model import (
    Block,
    Cover,
    Document,
    Figure,
    Grid,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    cell,
    plain,
)
from changbei.plans.rendering.steps import Speaker, form_grid, setting_value, step_grid, table_grid
from changbei.plans.rendering.words import Words

# Chapters with their sections; a chapter without sections holds its clauses itself.
CHAPTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("general", ("scope", "levels")),
    ("organisation", ()),
    ("response", ("reporting", "warning", "activation", "handling", "support", "termination")),
    ("aftermath", ()),
    ("safeguarding", ("communication", "teams", "supplies", "safeguards")),
    ("supplementary", ()),
)
APPENDICES = ("overview", "risks", "materials", "contacts", "texts", "diagrams", "tables", "related")
DEFAULT_SECTION = "handling"
DIAGRAM_HEIGHT = 880.0  # on a page of A4 with its caption, when the drawing is as wide as the text
LEADERS = "leading-group"


def document(pack: Pack, language: str, annex: Annex) -> Document:
    """The whole document in one language."""
    return _Maker(pack, Words(language), annex).document()


@dataclass
class _Maker:
    pack: Pack
    say: Words
    annex: Annex
    numbers: dict[str, str] = field(default_factory=dict)  # clause → its number in this document

    def __post_init__(self) -> None:
        self.speaker = Speaker(self.pack, self.say, self.annex.actions)
        self.fulfilled = fulfilled_by(self.pack)
        self.by_section: dict[str, list[Clause]] = {}
        for clause in self.pack.clauses.values():
            self.by_section.setdefault(clause.section or DEFAULT_SECTION, []).append(clause)

    def document(self) -> Document:
        made = self.annex.made_at.date().isoformat() if self.annex.made_at else ""
        title = self.speaker.pick(self.pack.titles)
        body = (*self._chapters(), *self._appendices())
        return Document(
            language=self.say.language,
            cover=self._cover(),
            contents_title=self.say("contents"),
            before=(*self._approval(), *self._revisions()),
            body=body,
            footer=f"{title} · {self.say('version')} {self.pack.version}",
            digest=self.pack.digest,
            made_on=made,
        )

    # --- front matter

    def _cover(self) -> Cover:
        say = self.say
        effective = self.annex.effective_on
        shown = effective or self.pack.effective_on
        facts = (
            (say("version"), self.pack.version),
            (say("effective"), shown.isoformat()),
            (say("review_every"), say.length(self.pack.review_period)),
            (say("issuer"), self.speaker.pick(self.pack.issuer)),
            (say("digest"), self.pack.digest[:16] + "…"),
        )
        return Cover(
            issuer=self.speaker.pick(self.pack.issuer),
            title=self.speaker.pick(self.pack.titles),
            subtitle=f"{say('version')} {self.pack.version}",
            facts=facts,
            stamp="" if effective else say("draft"),
        )

    def _approval(self) -> Iterator[Block]:
        say = self.say
        yield Heading(1, "", say("approval"), "approval", listed=False)
        yield Paragraph(plain(say("approve_words")), "lead")
        if self.annex.signed:
            rows = tuple(
                (cell(one.name), cell(one.post), cell(one.at.strftime("%Y-%m-%d %H:%M")), cell(one.remark))
                for one in self.annex.signed
            )
            head = (say("signer"), say("post"), say("signed_at"), say("remark"))
            yield Grid(head, rows, (22, 30, 24, 24), boxed=True)
        else:
            yield Paragraph(plain(say("unsigned")), "note")
            leaders = [role for role in self.pack.roles.values() if role.post.startswith(LEADERS)]
            blank = tuple(
                (cell(self.speaker.pick(role.title)), cell(" "), cell(" ")) for role in leaders or [None] if role
            )
            if blank:
                yield Grid((say("post"), say("signature"), say("date")), blank, (36, 38, 26), boxed=True)
        yield Grid(
            (),
            ((cell((Run(say("digest"), quiet=True),)), cell((Run(self.pack.digest, code=True),))),),
            (30, 70),
        )

    def _revisions(self) -> Iterator[Block]:
        say = self.say
        yield Heading(1, "", say("revisions"), "revisions", listed=False)
        if not self.annex.revisions:
            yield Paragraph(plain(say("not_on_file")), "note")
            return
        rows = tuple(
            (
                cell((Run(one.version, bold=one.in_force),), say("in_force") if one.in_force else ""),
                cell(one.effective_on.isoformat()),
                cell(one.adopted_at.strftime("%Y-%m-%d") if one.adopted_at else ""),
                cell(one.adopted_by),
                cell((Run(one.digest[:12], code=True),), one.remark),
            )
            for one in self.annex.revisions
        )
        head = (say("version"), say("effective"), say("adopted"), say("adopted_by"), say("remark"))
        yield Grid(head, rows, (16, 18, 18, 24, 24))

    # --- chapters

    def _chapters(self) -> Iterator[Block]:
        number = 0
        for chapter, sections in CHAPTERS:
            if chapter == "supplementary" and chapter not in self.by_section:
                continue
            number += 1
            yield Heading(1, str(number), self.say(chapter), f"section-{chapter}")
            if not sections:
                yield from self._section(chapter, str(number), 2)
            for n, section in enumerate(sections, start=1):
                yield Heading(2, f"{number}.{n}", self.say(section), f"section-{section}")
                yield from self._section(section, f"{number}.{n}", 3)

    def _section(self, section: str, number: str, level: int) -> Iterator[Block]:
        """What the product derives for a section, then its clauses."""
        derived = list(self._derived(section))
        yield from derived
        clauses = self.by_section.get(section, [])
        for n, clause in enumerate(clauses, start=1):
            self.numbers[clause.id] = f"{number}.{n}"
            yield from self._clause(clause, f"{number}.{n}", level)
        if not clauses and not derived:
            yield Paragraph(plain(self.say("none_of_plan")), "note")

    def _clause(self, clause: Clause, number: str, level: int) -> Iterator[Block]:
        yield Heading(
            level, number, self.speaker.pick(clause.title), anchor(clause.id), listed=True, note=clause.id
        )
        yield from markdown.blocks(pick(clause.body, self.say.language))
        yield from self._carried_out(self.fulfilled[clause.id])

    def _carried_out(self, found: Sequence[Fulfilment]) -> Iterator[Block]:
        """The steps and checks of a clause as tables, the rest by name."""
        cited = {one.ref for one in found if one.kind == "step"}
        steps = [
            (procedure, step)
            for procedure in self.pack.procedures.values()
            for step in procedure.steps.values()
            if f"step:{procedure.id}/{step.id}" in cited
        ]
        checks = [self.pack.checks[one.ref.partition(":")[2]] for one in found if one.kind == "check"]
        rest = [one for one in found if one.kind not in ("step", "check")]
        if found:
            yield Paragraph((Run(self.say("carried_out_by"), bold=True),), "label")
        if rest:
            yield Items(tuple(self._named(one) for one in rest))
        if steps:
            yield step_grid(self.speaker, steps)
        if checks:
            yield self._check_grid([check.id for check in checks])

    def _named(self, one: Fulfilment) -> Runs:
        target = {"procedure": "procedure", "table": "table", "setting": "setting"}.get(one.kind, "")
        name = one.ref.partition(":")[2]
        words = Run(self.speaker.pick(one.title), target=f"{target}-{name}" if target else "")
        kind = self.say("role" if one.kind == "role" else one.kind)
        found: list[Run] = [Run(kind + self.say("colon"), quiet=True), words]
        if one.kind == "setting":
            value = setting_value(self.speaker, self.pack.settings[name])
            found.append(Run(f"{self.say('colon')}{value}"))
        return tuple(found)

    def _check_grid(self, ids: Sequence[str]) -> Grid:
        say = self.say
        rows = []
        for name in ids:
            check = self.pack.checks[name]
            every = f"{say('every')} {say.length(check.every)}"
            told = self.speaker.roles(check.tell)
            rows.append(
                (cell(self.speaker.pick(check.title)), cell(every), cell(told), cell(self.speaker.pick(check.mend)))
            )
        return Grid((say("check"), say("every"), say("told"), say("mend")), tuple(rows), (30, 13, 20, 37))

    # --- what follows from the procedures

    def _derived(self, section: str) -> Iterator[Block]:
        match section:
            case "organisation":
                yield self._chart()
            case "reporting":
                yield from self._reporting()
            case "activation":
                yield Paragraph(plain(self.say("activation_words")))
                levels = {p.level.table.id: p.level.table for p in self.pack.procedures.values() if p.level}
                for table in levels.values():
                    yield _titled(table_grid(self.speaker, table), self.speaker.pick(table.title))
            case "termination":
                yield from self._termination()
            case "teams":
                yield Paragraph(plain(self.say("teams_words")))
                yield self._roles()

    def _reporting(self) -> Iterator[Block]:
        say = self.say
        yield Paragraph(plain(say("report_starts")))
        rows = [
            (
                cell((Run(self.speaker.pick(one.title), target=f"form-{one.id}"),)),
                cell(self.speaker.pick(one.summary)),
                cell(say.length(one.same.within) if one.same else ""),
            )
            for one in self._reported()
        ]
        yield Grid((say("kind_of_event"), say("what_happens"), say("same_joins")), tuple(rows), (24, 56, 20))

    def _termination(self) -> Iterator[Block]:
        say = self.say
        yield Paragraph(plain(say("termination_words")))
        rows = []
        for one in self.pack.procedures.values():
            step = one.steps.get(one.restored_by)
            if step is not None:
                task = step.task
                who = self.speaker.role(task.role) if task else ""
                rows.append((cell(self.speaker.pick(one.title)), cell(self.speaker.step(step)), cell(who)))
        yield Grid((say("procedure"), say("restored_by"), say("role")), tuple(rows), (32, 44, 24))

    def _roles(self) -> Grid:
        say = self.say
        rows = [
            (cell(self.speaker.pick(role.title)), cell(*self._holding(role)), cell(role.clause))
            for role in self.pack.roles.values()
        ]
        return Grid((say("role"), say("held_by"), say("clause")), tuple(rows), (46, 40, 14))

    def _holding(self, role: Role) -> list[str | Runs]:
        say = self.say
        kind = next((name for name in ("post", "duty", "job") if getattr(role, name)), "")
        words = say(f"by_{kind}") if kind else say("by_command" if role.command else "by_name")
        found: list[str | Runs] = [words]
        if role.deputies:
            found.append(plain(say("has_deputies"), quiet=True))
        return found

    def _chart(self) -> Figure:
        """Leaders on top, the command post below, then departments, and what each place has of its own."""
        say = self.say
        roles = list(self.pack.roles.values())
        leaders = [role for role in roles if role.post.startswith(LEADERS)]
        command = [role for role in roles if role.command]
        city = [role for role in roles if role.post and role.scope == "city" and role not in leaders]
        local = [role for role in roles if role.post and role.scope != "city"]
        duty = [role for role in roles if role.duty]
        chain = [
            chart.Group(title, self._titles(found))
            for title, found in ((self.speaker.pick(self.pack.issuer), leaders), (say("by_command"), command))
            if found
        ]
        groups = [chart.Group(self.speaker.pick(role.title)) for role in city]
        if local:
            groups.append(chart.Group(say("units"), self._titles(local)))
        if duty:
            groups.append(chart.Group(say("by_duty"), self._titles(duty)))
        made = chart.Chart(say("organisation_chart"), tuple(chain), tuple(groups))
        drawn, height = chart.svg(made, layout.WIDE)
        words = tuple((group.title, group.members) for group in (*chain, *groups))
        return Figure(drawn, layout.WIDE, height, made.title, words)

    def _titles(self, roles: Sequence[Role]) -> tuple[str, ...]:
        return tuple(self.speaker.pick(role.title) for role in roles)

    # --- appendices

    def _appendices(self) -> Iterator[Block]:
        yield PageBreak()
        yield Heading(1, "", self.say("appendices"), "section-appendices")
        for n, name in enumerate(APPENDICES, start=1):
            title = self.say("tables") + " · " + self.say("settings") if name == "tables" else self.say(name)
            yield Heading(2, f"{self.say('appendix')} {n}", title, f"appendix-{name}")
            found = list(getattr(self, f"_appendix_{name}")())
            clauses = [] if name == "tables" else self.by_section.get(name, [])
            for m, clause in enumerate(clauses, start=1):
                self.numbers[clause.id] = f"{self.say('appendix')} {n}.{m}"
                found += self._clause(clause, self.numbers[clause.id], 3)
            yield from found or [Paragraph(plain(self.say("not_on_file")), "note")]

    def _appendix_overview(self) -> Iterator[Block]:
        if self.annex.figures:
            rows = tuple((cell(words), cell(f"{count:,}")) for words, count in self.annex.figures.items())
            yield Grid((self.say("figure"), self.say("value")), rows, (60, 40))

    def _appendix_risks(self) -> Iterator[Block]:
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

    def _appendix_materials(self) -> Iterator[Block]:
        say = self.say
        if self.annex.vehicles:
            rows = tuple(
                (cell(one.site), cell(str(one.vans)), cell(str(one.reserves)), cell(f"{one.capacity_cartons:,}"))
                for one in self.annex.vehicles
            )
            head = (say("site"), say("vans"), say("reserves"), say("capacity"))
            yield Grid(head, rows, (40, 20, 20, 20), caption=say("vehicles"))
        if self.pack.registries:
            rows = tuple(
                (cell(self.speaker.pick(one.title)), cell((Run(one.id, code=True),)))
                for one in self.pack.registries.values()
            )
            yield Grid((say("registry"), say("kept_at")), rows, (62, 38), caption=say("registers"))

    def _appendix_contacts(self) -> Iterator[Block]:
        if self.annex.contacts is None:
            yield Paragraph(plain(self.say("contacts_withheld")), "note")
            return
        yield Paragraph((Run(self.say("personal_data"), bold=True),), "warning")
        yield from contact_grids(self.speaker, self.annex.contacts, tuple(self.pack.roles))

    def _appendix_texts(self) -> Iterator[Block]:
        say = self.say
        for one in self._reported():
            title = f"{say('form_of')}{say('colon')}{self.speaker.pick(one.title)}"
            yield Heading(3, "", title, f"form-{one.id}", listed=False)
            yield form_grid(self.speaker, one.form)
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

    def _appendix_diagrams(self) -> Iterator[Block]:
        for one in self.pack.procedures.values():
            yield Heading(3, "", self.speaker.pick(one.title), f"procedure-{one.id}")
            if summary := self.speaker.pick(one.summary):
                yield Paragraph(plain(summary))
            yield from figures(self.pack, one, self.say, self.annex)

    def _appendix_tables(self) -> Iterator[Block]:
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

    def _appendix_related(self) -> Iterator[Block]:
        say = self.say
        called = [
            (one, step)
            for one in self.pack.procedures.values()
            for step in one.steps.values()
            if step.call is not None and step.call.plan not in ("", self.pack.id)
        ]
        if called:
            rows = tuple(
                (
                    cell((Run(step.call.plan if step.call else "", code=True),)),
                    cell(f"{self.speaker.pick(one.title)}: {self.speaker.step(step)}"),
                    cell(step.clause),
                )
                for one, step in called
            )
            yield Grid((say("plans_related"), say("started_by"), say("clause")), rows, (32, 54, 14))
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

    def _reported(self) -> list[Procedure]:
        """Procedures that people report something for."""
        return [one for one in self.pack.procedures.values() if one.form.get("properties")]


def figures(pack: Pack, procedure: Procedure, say: Words, annex: Annex) -> Iterator[Figure]:
    """The diagram of a procedure in as many pictures as pages need."""
    flow = flow_of(pack, procedure, say, annex.actions)
    words = dict(zip((band.id for band in flow.bands), svg.as_list(flow, say)))
    for drawing in layout.pages(flow, layout.WIDE, DIAGRAM_HEIGHT):
        part = f" ({say('part', n=drawing.part)})" if drawing.parts > 1 else ""
        shown = tuple(
            (words[one.band.id][0], tuple(words[one.band.id][1])) for one in drawing.bands
        )
        yield Figure(
            svg.svg(drawing, say), drawing.width, drawing.height, f"{flow.title}{part}", shown
        )


def contact_grids(speaker: Speaker, contacts: Contacts, roles: Sequence[str]) -> Iterator[Grid]:
    """Staff by the role they hold, in the order of the plan; then bodies outside."""
    say = speaker.say
    order = {role: n for n, role in enumerate(roles)}
    rows = []
    last = ""
    for one in sorted(contacts.staff, key=lambda one: (order.get(one.role, len(order)), one.unit, one.rank)):
        rank = say("holder") if one.rank == 1 else say("by_duty") if not one.rank else say("deputy", n=one.rank - 1)
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
        head = (say("outside"), say("serves"), say("phone"), say("reviewed_on"))
        yield Grid(head, outside, (36, 24, 25, 15), caption=say("outside"))


def _titled(grid: Grid, caption: str) -> Grid:
    return Grid(grid.head, grid.rows, grid.widths, caption, grid.boxed)

