"""A pack as the official document, in the order of GB/T 29639-2020: what every writer sets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from changbei.core.texts import pick
from changbei.plans.diagrams import chart, layout
from changbei.plans.document import Fulfilment, anchor, fulfilled_by
from changbei.plans.model import Clause, Pack, Role
from changbei.plans.rendering import markdown
from changbei.plans.rendering.annex import Annex
from changbei.plans.rendering.appendices import APPENDICES, Appendices, reported
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
from changbei.plans.rendering.steps import Speaker, setting_value, step_grid, table_grid
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
DEFAULT_SECTION = "handling"
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
            blank = tuple((cell(self.speaker.pick(role.title)), cell(" "), cell(" ")) for role in leaders)
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
        target = {
            "procedure": "procedure",
            "table": "table",
            "setting": "setting",
            "checklist": "checklist",
        }.get(one.kind, "")
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
                (
                    cell(self.speaker.pick(check.title)),
                    cell(every),
                    cell(told),
                    cell(self.speaker.pick(check.mend)),
                )
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
            for one in reported(self.pack)
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
        if rows:
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
        appendices = Appendices(self.speaker, self.annex, self.fulfilled, self.numbers)
        for n, name in enumerate(APPENDICES, start=1):
            title = self.say("tables") + " · " + self.say("settings") if name == "tables" else self.say(name)
            yield Heading(2, f"{self.say('appendix')} {n}", title, f"appendix-{name}")
            found = list(appendices.of(name))
            clauses = [] if name == "tables" else self.by_section.get(name, [])
            for m, clause in enumerate(clauses, start=1):
                self.numbers[clause.id] = f"{self.say('appendix')} {n}.{m}"
                found += self._clause(clause, self.numbers[clause.id], 3)
            yield from found or [Paragraph(plain(self.say("not_on_file")), "note")]


def _titled(grid: Grid, caption: str) -> Grid:
    return Grid(grid.head, grid.rows, grid.widths, caption, grid.boxed)
